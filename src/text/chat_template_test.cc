// The API, on the templates of testdata/templates and the starter model's. Expected renders come
// from Jinja2 (tools/make_template_testdata.py).
// Designated initializers name what they set; the rest keeps its defaults.
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

#include "text/chat_template.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

namespace lathe::text {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

constexpr std::int64_t kNow = 1751619903;  // what the generator's clock shows, in UTC

// Templates read the clock in the machine's time zone.
[[maybe_unused]] const bool kZoneIsSet = setenv("TZ", "UTC", 1) == 0;

std::string read_text(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

fs::path folder() { return fs::path(LATHE_SOURCE_DIR) / "testdata" / "templates"; }

ChatTemplate load(const fs::path& path) {
  SpecialTokenText special;
  special.bos = "<s>";
  special.eos = "</s>";
  auto parsed = ChatTemplate::parse(read_text(path), special);
  EXPECT_TRUE(parsed.ok()) << parsed.error().message();
  return std::move(parsed).value();
}

ChatTemplate starter() {
  return load(fs::path(LATHE_SOURCE_DIR) / "starter" / "chat_template.jinja");
}

RenderOptions options_of(const Json& conversation) {
  RenderOptions options;
  options.add_generation_prompt = conversation.at("add_generation_prompt").get<bool>();
  if (conversation.contains("tools")) options.tools_json = conversation.at("tools").dump();
  if (conversation.contains("extra")) options.variables_json = conversation.at("extra").dump();
  options.now_unix_seconds = kNow;
  return options;
}

TEST(ChatTemplate, RendersWhatJinja2Renders) {
  const Json conversations = Json::parse(read_text(folder() / "conversations.json"));
  int templates = 0;
  for (const auto& entry : fs::directory_iterator(folder())) {
    if (entry.path().extension() != ".jinja") continue;
    ++templates;
    SCOPED_TRACE(entry.path().filename().string());
    const ChatTemplate chat = load(entry.path());
    const Json cases =
        Json::parse(read_text(fs::path(entry.path()).replace_extension(".json")))["cases"];
    ASSERT_EQ(cases.size(), conversations.size());
    for (std::size_t i = 0; i < cases.size(); ++i) {
      SCOPED_TRACE(cases[i]["scenario"].get<std::string>());
      const auto rendered =
          chat.render_json(conversations[i]["messages"].dump(), options_of(conversations[i]));
      if (cases[i].contains("error")) {
        EXPECT_FALSE(rendered.ok()) << "expected: " << cases[i]["error"];
      } else {
        ASSERT_TRUE(rendered.ok()) << rendered.error().message();
        EXPECT_EQ(rendered.value(), cases[i]["render"].get<std::string>());
      }
    }
  }
  EXPECT_GE(templates, 5);
}

TEST(ChatTemplate, TheStarterModelsTemplate) {
  const ChatTemplate chat = starter();
  const std::vector<Message> messages = {
      {"system", "Be brief."}, {"user", "  Hi\nthere "}, {"assistant", "Hello."}};
  const auto rendered = chat.render(messages, {.add_generation_prompt = true});
  ASSERT_TRUE(rendered.ok()) << rendered.error().message();
  EXPECT_EQ(rendered.value(),
            "<|system|>Be brief.<|end|><|user|>Hi\nthere<|end|><|assistant|>Hello.<|end|>"
            "<|assistant|>");
  const std::vector<Message> strange = {{"narrator", "Once"}};
  const auto refused = chat.render(strange);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind, ErrorKind::bad_input);
  EXPECT_NE(refused.error().message().find("Unknown role: narrator"), std::string::npos);
  EXPECT_EQ(refused.error().where, "chat template: line 3");
}

TEST(ChatTemplate, LearnsEachAnswerWithItsEnd) {
  const std::vector<Message> messages = {
      {"user", "a"}, {"assistant", "b"}, {"user", "c"}, {"assistant", "d"}, {"user", "e"}};
  const auto chat = starter().render_for_training(messages);
  ASSERT_TRUE(chat.ok()) << chat.error().message();
  EXPECT_EQ(chat->source, RenderedChat::Source::prefixes);
  ASSERT_EQ(chat->learned.size(), 2u);
  const auto text_of = [&](ByteSpan span) {
    return chat->text.substr(span.begin, span.end - span.begin);
  };
  EXPECT_EQ(text_of(chat->learned[0]), "b<|end|>");
  EXPECT_EQ(text_of(chat->learned[1]), "d<|end|>");
  EXPECT_EQ(chat->text, starter().render(messages).value());
}

TEST(ChatTemplate, LearnsNothingWithoutAnAnswer) {
  const std::vector<Message> messages = {{"user", "a"}};
  const auto chat = starter().render_for_training(messages);
  ASSERT_TRUE(chat.ok());
  EXPECT_TRUE(chat->learned.empty());
}

TEST(ChatTemplate, RefusesToGuessWhatIsLearned) {
  // This template drops the thoughts of earlier turns, so they never stand in the whole.
  const ChatTemplate chat = load(folder() / "thinking.jinja");
  const std::string answer = "<think>hm</think>yes";
  const std::vector<Message> one = {{"user", "a"}, {"assistant", answer}};
  ASSERT_TRUE(chat.render_for_training(one).ok());
  const std::vector<Message> two = {
      {"user", "a"}, {"assistant", answer}, {"user", "b"}, {"assistant", answer}};
  const auto refused = chat.render_for_training(two);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind, ErrorKind::unsupported);
  EXPECT_NE(refused.error().message().find("messages[1]"), std::string::npos)
      << refused.error().message();
}

TEST(ChatTemplate, TakesGenerationBlocksWherePrefixesFail) {
  const ChatTemplate chat = load(folder() / "generation.jinja");  // its prompt is not in the whole
  const std::vector<Message> messages = {{"user", "a"}, {"assistant", "b"}};
  const auto rendered = chat.render_for_training(messages, {.now_unix_seconds = kNow});
  ASSERT_TRUE(rendered.ok()) << rendered.error().message();
  EXPECT_EQ(rendered->source, RenderedChat::Source::generation_blocks);
  ASSERT_EQ(rendered->learned.size(), 1u);
  const ByteSpan span = rendered->learned[0];
  EXPECT_EQ(rendered->text.substr(span.begin, span.end - span.begin), "b<|end|>");
}

TEST(ChatTemplate, ReadsTheClockItIsGiven) {
  const auto chat = ChatTemplate::parse("{{ strftime_now('%Y-%m-%d %H:%M:%S') }}");
  ASSERT_TRUE(chat.ok());
  EXPECT_EQ(chat->render({}, {.now_unix_seconds = 0}).value(), "1970-01-01 00:00:00");
  EXPECT_EQ(chat->render({}, {.now_unix_seconds = kNow}).value(), "2025-07-04 09:05:03");
  EXPECT_GE(chat->render({}).value(), "2025");
  ASSERT_EQ(setenv("TZ", "XYZ-5:30", 1), 0);
  EXPECT_EQ(chat->render({}, {.now_unix_seconds = 0}).value(), "1970-01-01 05:30:00");
  ASSERT_EQ(setenv("TZ", "UTC", 1), 0);
}

TEST(ChatTemplate, SpecialTokensThatAreMissingAreUndefined) {
  const std::string source = "{{ bos_token is defined }}{{ eos_token }}{{ sep_token }}";
  const auto chat = ChatTemplate::parse(source, {.eos = "E", .others = {{"sep_token", "S"}}});
  ASSERT_TRUE(chat.ok());
  EXPECT_EQ(chat->render({}).value(), "FalseES");
  EXPECT_EQ(chat->source(), source);
}

TEST(ChatTemplate, HashIsOfTheSource) {
  EXPECT_EQ(ChatTemplate::parse("")->hash(), 0xcbf29ce484222325u);
  EXPECT_EQ(ChatTemplate::parse("a")->hash(), 0xaf63dc4c8601ec8cu);
  EXPECT_NE(ChatTemplate::parse("a\n")->hash(), ChatTemplate::parse("a")->hash());
}

TEST(ChatTemplate, ErrorsSayWhereTheInputIsWrong) {
  const auto chat = ChatTemplate::parse("x");
  ASSERT_TRUE(chat.ok());
  EXPECT_EQ(chat->render_json("{").error().where, "messages");
  EXPECT_EQ(chat->render_json("{}").error().where, "messages");
  EXPECT_EQ(chat->render_json("[{}, 1]").error().where, "messages[1]");
  EXPECT_EQ(chat->render_json("[]", {.tools_json = "{}"}).error().where, "tools");
  EXPECT_EQ(chat->render_json("[]", {.variables_json = "[]"}).error().where, "template variables");
  EXPECT_FALSE(chat->render_json("[]", {.variables_json = R"({"messages": 1})"}).ok());
  EXPECT_EQ(ChatTemplate::parse("{% if %}").error().where, "chat template: line 1");
}

}  // namespace
}  // namespace lathe::text
