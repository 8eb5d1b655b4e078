#include "text/chat_request.h"

#include <gtest/gtest.h>

namespace lathe::text {
namespace {

Result<std::string> render(const std::string& source, std::string_view request) {
  LATHE_TRY(const ChatTemplate chat, ChatTemplate::parse(source));
  LATHE_TRY(const ChatRequest read, read_chat_request(request));
  return chat.render_json(read.messages_json, read.options);
}

void expect_error(const Result<std::string>& result, ErrorKind kind, const std::string& part) {
  ASSERT_FALSE(result.ok()) << "rendered: " << *result;
  EXPECT_EQ(result.error().kind, kind) << result.error().message();
  EXPECT_NE(result.error().message().find(part), std::string::npos) << result.error().message();
}

TEST(ChatRequest, MembersKeepTheirOrder) {
  const char* request = R"({"messages":[{"role":"user","content":"x","z":1,"a":2}],
    "tools":[{"type":"function","function":{"name":"f","description":"d","b":{"y":1,"x":[2.0,1e20]}}}],
    "zeta":{"q":1,"b":2}})";
  EXPECT_EQ(render("{{ messages[0] }}|{{ tools|tojson }}|{{ zeta|tojson }}", request).value(),
            "{'role': 'user', 'content': 'x', 'z': 1, 'a': 2}|"
            R"([{"type": "function", "function": {"name": "f", "description": "d", )"
            R"("b": {"y": 1, "x": [2.0, 1e+20]}}}]|{"q": 1, "b": 2})");
}

TEST(ChatRequest, NumbersKeepTheirDigits) {
  const char* request =
      R"({"messages":[],"tools":[{"maximum":18446744073709551615,"minimum":-9223372036854775809}],
          "x":0.1,"y":1.0,"z":123456789012345678901234567890})";
  EXPECT_EQ(render("{{ tools[0]|tojson }} {{ x }} {{ y }} {{ z }}", request).value(),
            R"({"maximum": 18446744073709551615, "minimum": -9223372036854775809} 0.1 1.0 )"
            "123456789012345678901234567890");
}

TEST(ChatRequest, NullCountsAsAbsent) {
  const auto request = read_chat_request(
      R"({"messages":[],"tools":null,"add_generation_prompt":null,"documents":null,"x":null})");
  ASSERT_TRUE(request.ok()) << request.error().message();
  EXPECT_FALSE(request->has_tools());
  EXPECT_FALSE(request->options.add_generation_prompt);
  EXPECT_EQ(render("{{ tools }}{{ documents }}{{ x is none }}{{ y is defined }}",
                   R"({"messages":[],"tools":null,"documents":null,"x":null})")
                .value(),
            "NoneNoneTrueFalse");
  EXPECT_TRUE(read_chat_request(R"({"messages":[],"tools":[]})")->has_tools());
}

TEST(ChatRequest, WhatIsWrongIsNamed) {
  expect_error(render("", "[]"), ErrorKind::bad_input, "not a JSON object");
  expect_error(render("", "{}"), ErrorKind::bad_input, "messages is missing");
  expect_error(render("", R"({"messages":{}})"), ErrorKind::bad_input, "messages is missing");
  expect_error(render("", R"({"messages":[1]})"), ErrorKind::bad_input, "messages[0]");
  expect_error(render("", R"({"messages":[],"add_generation_prompt":1})"), ErrorKind::bad_input,
               "add_generation_prompt");
  expect_error(render("", R"({"messages":[],"tools":[1]})"), ErrorKind::bad_input, "tools[0]");
  expect_error(render("", R"({"messages":[],"documents":["d"]})"), ErrorKind::bad_input,
               "documents[0]");
  expect_error(render("", R"({"messages":)"), ErrorKind::bad_input, "not JSON");
  expect_error(render("", R"({"messages":)" + std::string(100'000, '[')), ErrorKind::limit,
               "levels");
  expect_error(render("", R"({"messages":[],"x":)" + std::string(5000, '9') + "}"),
               ErrorKind::limit, "digits");
}

TEST(ChatRequest, ReasoningGoesByBothNamesThatTemplatesRead) {
  const std::string source = "{{ messages[0] }}";
  EXPECT_EQ(render(source, R"({"messages":[{"role":"a","reasoning":"r"}]})").value(),
            "{'thinking': 'r', 'role': 'a', 'reasoning': 'r', 'reasoning_content': 'r'}");
  EXPECT_EQ(render(source, R"({"messages":[{"reasoning_content":"r","role":"a"}]})").value(),
            "{'thinking': 'r', 'reasoning_content': 'r', 'role': 'a'}");
  EXPECT_EQ(render(source, R"({"messages":[{"thinking":"t","reasoning_content":null}]})").value(),
            "{'thinking': 't', 'reasoning_content': 't'}");
  EXPECT_EQ(render(source, R"({"messages":[{"role":"a","reasoning_content":null}]})").value(),
            "{'role': 'a', 'reasoning_content': None}");
}

constexpr const char* kTurns =
    "{% for m in messages %}<{{ m.role }}>{{ m.content|trim }}<end>{% endfor %}";

TEST(ContinueFinalMessage, EndsWhereTheTextEnds) {
  const auto with = [](const std::string& content) {
    return R"({"continue_final_message":true,"messages":[{"role":"u","content":"q"},)"
           R"({"role":"a","content":)" +
           content + "}]}";
  };
  EXPECT_EQ(render(kTurns, with(R"("Well, it")")).value(), "<u>q<end><a>Well, it");
  // A template that trims cuts the blank at the end; one that does not keeps it.
  EXPECT_EQ(render(kTurns, with(R"("Well, ")")).value(), "<u>q<end><a>Well,");
  EXPECT_EQ(render("{{ messages[1].content }}<end>", with(R"("Well, ")")).value(), "Well, ");
  const std::string parts = "{% for p in messages[1].content %}[{{ p.text }}]{% endfor %}";
  EXPECT_EQ(
      render(parts, with(R"([{"type":"text","text":"a"},{"type":"text","text":"b"}])")).value(),
      "[a][b");
}

TEST(ContinueFinalMessage, IsRefusedWhereItCannotBe) {
  const std::string on = R"({"continue_final_message":true,)";
  const std::string last = R"("messages":[{"role":"a","content":"x"}]})";
  expect_error(render(kTurns, on + R"("messages":[]})"), ErrorKind::bad_input, "no message");
  expect_error(render(kTurns, on + R"("messages":[{"role":"a","content":null}]})"),
               ErrorKind::bad_input, "no text");
  expect_error(render(kTurns, on + R"("messages":[{"role":"a","content":[{"type":"image"}]}]})"),
               ErrorKind::bad_input, "no text");
  expect_error(render(kTurns, on + R"("add_generation_prompt":true,)" + last), ErrorKind::bad_input,
               "both");
  expect_error(render("{{ messages|length }}", on + last), ErrorKind::unsupported, "as it is");
  expect_error(render("{{ messages[0].content[:3] }}", on + last), ErrorKind::unsupported,
               "as it is");
}

}  // namespace
}  // namespace lathe::text
