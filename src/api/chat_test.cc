#include "api/chat.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace lathe::api {
namespace {

constexpr const char* kMessages = R"("messages":[{"role":"user","content":"hi"}])";

// A request with more fields after the required ones.
Result<ChatRequest> parse_with(const std::string& fields) {
  return parse_chat_request(
      fmt::format(R"({{"model":"m",{}{}}})", kMessages, fields.empty() ? "" : "," + fields));
}

Result<ChatRequest> parse_messages(const std::string& messages) {
  return parse_chat_request(fmt::format(R"({{"model":"m","messages":{}}})", messages));
}

void expect_error(const Result<ChatRequest>& result, ErrorKind kind, const std::string& where) {
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(to_string(result.error().kind), std::string(to_string(kind)))
      << result.error().message();
  EXPECT_EQ(result.error().where, where) << result.error().message();
}

TEST(ChatRequest, ReadsEveryField) {
  const auto parsed = parse_chat_request(R"({
    "model": "starter+helpdesk",
    "messages": [
      {"role": "developer", "content": "Be brief."},
      {"role": "user", "content": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]},
      {"role": "assistant", "content": "", "refusal": null, "tool_calls": []}
    ],
    "max_completion_tokens": 7, "temperature": 0, "top_p": 0.5, "top_k": 40, "seed": -3,
    "stop": ["a", "\n"], "stream": true, "stream_options": {"include_usage": true}})");
  ASSERT_TRUE(parsed.ok()) << parsed.error().message();
  EXPECT_EQ(parsed->model, "starter+helpdesk");
  ASSERT_EQ(parsed->messages.size(), 3u);
  EXPECT_EQ(parsed->messages[0].role, Role::system);
  EXPECT_EQ(parsed->messages[1].content, "one\ntwo");
  EXPECT_EQ(parsed->messages[2].role, Role::assistant);
  EXPECT_EQ(parsed->sampling.max_tokens, 7);
  EXPECT_EQ(parsed->sampling.temperature, 0.0);
  EXPECT_EQ(parsed->sampling.top_p, 0.5);
  EXPECT_EQ(parsed->sampling.top_k, 40);
  EXPECT_EQ(parsed->sampling.seed, -3);
  EXPECT_EQ(parsed->sampling.stop, (std::vector<std::string>{"a", "\n"}));
  EXPECT_TRUE(parsed->stream);
  EXPECT_TRUE(parsed->include_usage);
}

TEST(ChatRequest, AbsentAndNullFieldsStayAbsent) {
  const auto parsed = parse_with(
      R"("temperature":null,"stop":null,"stream":null,"stream_options":null,"tools":null)");
  ASSERT_TRUE(parsed.ok()) << parsed.error().message();
  EXPECT_FALSE(parsed->sampling.temperature);
  EXPECT_FALSE(parsed->sampling.max_tokens);
  EXPECT_FALSE(parsed->sampling.seed);
  EXPECT_TRUE(parsed->sampling.stop.empty());
  EXPECT_FALSE(parsed->stream);
}

TEST(ChatRequest, FieldsThatChangeNothingPass) {
  for (const char* fields :
       {R"("user":"u1","metadata":{"a":"b"},"store":false,"service_tier":"auto")",
        R"("n":1,"frequency_penalty":0,"presence_penalty":0.0,"logit_bias":{},"logprobs":false)",
        R"("response_format":{"type":"text"},"tools":[],"tool_choice":"auto","top_k":-1)",
        R"("parallel_tool_calls":true,"modalities":["text"],"safety_identifier":"x")",
        R"("max_tokens":5,"max_completion_tokens":5)"}) {
    const auto parsed = parse_with(fields);
    EXPECT_TRUE(parsed.ok()) << fields << ": " << parsed.error().message();
  }
}

TEST(ChatRequest, FieldsThatWouldChangeTheAnswerAreRefusedByName) {
  const std::pair<const char*, const char*> cases[] = {
      {R"("n":2)", "n"},
      {R"("logprobs":true)", "logprobs"},
      {R"("top_logprobs":3)", "top_logprobs"},
      {R"("frequency_penalty":0.5)", "frequency_penalty"},
      {R"("presence_penalty":-1)", "presence_penalty"},
      {R"("logit_bias":{"50":1})", "logit_bias"},
      {R"("response_format":{"type":"json_object"})", "response_format"},
      {R"("tools":[{"type":"function"}])", "tools"},
      {R"("tool_choice":"required")", "tool_choice"},
      {R"("reasoning_effort":"high")", "reasoning_effort"},
      {R"("store":true)", "store"},
  };
  for (const auto& [field, name] : cases) {
    SCOPED_TRACE(field);
    expect_error(parse_with(field), ErrorKind::unsupported, name);
  }
}

TEST(ChatRequest, WrongValuesNameTheField) {
  const std::pair<const char*, const char*> cases[] = {
      {R"("temperature":2.1)", "temperature"},
      {R"("temperature":"1")", "temperature"},
      {R"("temperature":true)", "temperature"},
      {R"("top_p":-0.1)", "top_p"},
      {R"("max_tokens":0)", "max_tokens"},
      {R"("max_tokens":1.5)", "max_tokens"},
      {R"("max_tokens":18446744073709551615)", "max_tokens"},
      {R"("max_tokens":3,"max_completion_tokens":4)", "max_tokens"},
      {R"("seed":18446744073709551615)", "seed"},
      {R"("stop":"")", "stop"},
      {R"("stop":["a",1])", "stop[1]"},
      {R"("stream":"yes")", "stream"},
      {R"("stream_options":{"include_usage":true})", "stream_options"},
      {R"("stream":true,"stream_options":{"include_usage":1})", "stream_options.include_usage"},
      {R"("stream":true,"stream_options":{"other":1})", "stream_options.other"},
      {R"("temprature":1)", "temprature"},
  };
  for (const auto& [field, name] : cases) {
    SCOPED_TRACE(field);
    expect_error(parse_with(field), ErrorKind::bad_input, name);
  }
  expect_error(parse_with(R"("stop":["a","b","c","d","e"])"), ErrorKind::limit, "stop");
}

TEST(ChatRequest, WrongMessagesNameThePlace) {
  const auto bad = ErrorKind::bad_input;
  expect_error(parse_messages("[]"), bad, "messages");
  expect_error(parse_messages(R"("hi")"), bad, "messages");
  expect_error(parse_messages("[7]"), bad, "messages[0]");
  expect_error(parse_messages(R"([{"content":"x"}])"), bad, "messages[0].role");
  expect_error(parse_messages(R"([{"role":"robot","content":"x"}])"), bad, "messages[0].role");
  expect_error(parse_messages(R"([{"role":"user"}])"), bad, "messages[0].content");
  expect_error(parse_messages(R"([{"role":"user","content":5}])"), bad, "messages[0].content");
  expect_error(parse_messages(R"([{"role":"user","content":[]}])"), bad, "messages[0].content");
  expect_error(parse_messages(R"([{"role":"user","content":[{"type":"text"}]}])"), bad,
               "messages[0].content[0].text");
  expect_error(parse_messages(R"([{"role":"user","content":"x","contnt":1}])"), bad,
               "messages[0].contnt");
  const auto unsupported = ErrorKind::unsupported;
  expect_error(parse_messages(R"([{"role":"tool","content":"x"}])"), unsupported,
               "messages[0].role");
  expect_error(parse_messages(R"([{"role":"user","name":"Ann","content":"x"}])"), unsupported,
               "messages[0].name");
  expect_error(parse_messages(
                   R"([{"role":"user","content":[{"type":"image_url","image_url":{"url":"u"}}]}])"),
               unsupported, "messages[0].content[0].type");
}

TEST(ChatRequest, MissingModelIsNamed) {
  expect_error(parse_chat_request(fmt::format("{{{}}}", kMessages)), ErrorKind::bad_input, "model");
  expect_error(parse_chat_request(fmt::format(R"({{"model":"",{}}})", kMessages)),
               ErrorKind::bad_input, "model");
}

TEST(ChatRequest, BrokenJsonSaysLineAndColumn) {
  const auto parsed = parse_chat_request("{\n  \"model\": oops}");
  expect_error(parsed, ErrorKind::bad_input, "");
  EXPECT_NE(parsed.error().what.find("line 2, column 12"), std::string::npos)
      << parsed.error().what;
}

TEST(ChatRequest, HostileBodiesAreErrors) {
  for (const std::string& body :
       {std::string(), std::string("null"), std::string("[]"), std::string("{"),
        std::string("{\"model\":\"\xff\"}"), std::string(R"({"model":1e999})"),
        std::string(R"({"model":"m","model":"n"})"), std::string(1'000'000, '['),
        std::string("{\"a\":") + std::string(40, '[') + std::string(40, ']') + "}"}) {
    EXPECT_FALSE(parse_chat_request(body).ok()) << body.substr(0, 60);
  }
}

TEST(ChatRequest, CountsAreBounded) {
  RequestLimits limits;
  limits.max_messages = 1;
  limits.max_parts = 1;
  limits.max_stop_bytes = 3;
  const std::string message = R"({"role":"user","content":"x"})";
  const std::string part = R"({"type":"text","text":"x"})";
  const std::string bodies[] = {
      fmt::format(R"({{"model":"m","messages":[{0},{0}]}})", message),
      fmt::format(R"({{"model":"m","messages":[{{"role":"user","content":[{0},{0}]}}]}})", part),
      fmt::format(R"({{"model":"m","messages":[{}],"stop":"four"}})", message),
      fmt::format(R"({{"model":"{}","messages":[{}]}})", std::string(300, 'm'), message)};
  const char* places[] = {"messages", "messages[0].content", "stop", "model"};
  for (std::size_t i = 0; i < std::size(bodies); ++i) {
    expect_error(parse_chat_request(bodies[i], limits), ErrorKind::limit, places[i]);
  }
}

}  // namespace
}  // namespace lathe::api
