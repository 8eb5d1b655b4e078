#include "prompting/prompt_builder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace lathe::prompting {

// Readable failures.
static std::string show(const std::vector<text::Message>& messages) {
  std::string all;
  for (const text::Message& message : messages) all += message.role + "> " + message.content + "\n";
  return all;
}

namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

PromptParts question(std::string text) {
  PromptParts parts;
  parts.conversation = {{"user", std::move(text)}};
  return parts;
}

std::string built(const PromptParts& parts) {
  const auto messages = build_messages(parts);
  return messages.ok() ? show(*messages) : messages.error().message();
}

TEST(PromptBuilder, QuestionAloneStaysAsItIs) {
  EXPECT_EQ(built(question("  How?\n")), "user>   How?\n\n");
}

TEST(PromptBuilder, PassagesHaveTheFormTheStarterModelKnows) {
  PromptParts parts = question("How long?");
  parts.passages = {{"Battery", "It lasts\nnine hours.", ""},
                    {"", "  Use\r\n\r\n  the\tdock. ", ""},
                    {" Two\nlines ", "x", ""}};
  const auto messages = build_messages(parts).value();
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_EQ(messages[0].content,
            "[1] Battery: It lasts nine hours.\n[2] Use the dock.\n[3] Two lines: x\n\n"
            "Question: How long?");
}

TEST(PromptBuilder, EveryPartHasItsPlace) {
  PromptParts parts;
  parts.system = "Be kind.";
  parts.input_template = "Say: {input} {other}";
  parts.examples = {{"a", "A"}, {"b", "B"}};
  parts.passages = {{"", "fact", "doc"}};
  parts.conversation = {
      {"system", "Be short."}, {"user", "one"}, {"assistant", "ONE"}, {"user", "two {input}"}};
  EXPECT_EQ(built(parts),
            "system> Be kind.\n\nBe short.\n"
            "user> Say: a {other}\nassistant> A\nuser> Say: b {other}\nassistant> B\n"
            "user> Say: one {other}\nassistant> ONE\n"
            "user> [1] fact\n\nQuestion: Say: two {input} {other}\n");
}

TEST(PromptBuilder, SystemTextOfEitherSideStandsAlone) {
  PromptParts parts = question("q");
  parts.system = "Ours.";
  EXPECT_EQ(built(parts), "system> Ours.\nuser> q\n");
  parts.system = "";
  parts.conversation.insert(parts.conversation.begin(), {"system", "Theirs."});
  EXPECT_EQ(built(parts), "system> Theirs.\nuser> q\n");
  parts.conversation[0].content = "";
  EXPECT_EQ(built(parts), "user> q\n");
}

TEST(PromptBuilder, BadConversationsAndTemplatesAreErrors) {
  PromptParts parts;
  EXPECT_THAT(built(parts), HasSubstr("empty"));
  parts.conversation = {{"user", "q"}, {"assistant", "a"}};
  EXPECT_THAT(built(parts), HasSubstr("'assistant'"));
  parts.conversation = {{"system", "s"}};
  EXPECT_THAT(built(parts), HasSubstr("'system'"));
  parts = question("q");
  parts.input_template = "no place";
  EXPECT_THAT(built(parts), HasSubstr("no {input}"));
  parts.input_template = "{input} {input}";
  EXPECT_THAT(built(parts), HasSubstr("more than once"));
}

// One token a word, and one for each message.
const auto count_words = [](std::span<const text::Message> messages) -> Result<std::size_t> {
  std::size_t tokens = messages.size();
  for (const text::Message& message : messages) {
    const auto spaces = std::count_if(message.content.begin(), message.content.end(),
                                      [](char c) { return c == ' ' || c == '\n'; });
    tokens += static_cast<std::size_t>(spaces) + 1;
  }
  return tokens;
};

PromptParts full_prompt() {
  PromptParts parts = question("q");
  parts.examples = {{"a a a a", "A"}, {"b b b b", "B"}};
  parts.passages = {{"", "one", "x.md#0"},
                    {"", "two " + std::string(200, ' ') + "2", "y.md#1"},
                    {"", "three 3 3 3 3 3 3 3 3", "z.md#2"}};
  return parts;
}

TEST(PromptBuilder, PromptThatFitsIsWhole) {
  const BuiltPrompt prompt = build_prompt(full_prompt(), {200, 10}, count_words).value();
  EXPECT_THAT(prompt.budget.left_out, IsEmpty());
  EXPECT_EQ(show(prompt.messages), built(full_prompt()));
  EXPECT_EQ(prompt.budget.prompt_tokens, count_words(prompt.messages).value());
}

TEST(PromptBuilder, TightBudgetLeavesOutByRankAndSaysSo) {
  // Alone 2 tokens; passages 1 and 2 make it 9; the likest example (the last) takes 7 more.
  const BuiltPrompt prompt = build_prompt(full_prompt(), {17, 1}, count_words).value();
  EXPECT_EQ(show(prompt.messages),
            "user> b b b b\nassistant> B\nuser> [1] one\n[2] two 2\n\nQuestion: q\n");
  std::vector<std::string> names;
  for (const LeftOut& part : prompt.budget.left_out) names.push_back(part.name);
  EXPECT_THAT(names, ElementsAre("passage 3 (z.md#2)", "example 1"));
  EXPECT_EQ(prompt.budget.prompt_tokens, count_words(prompt.messages).value());
  EXPECT_LE(prompt.budget.prompt_tokens, 16u);
}

TEST(PromptBuilder, LongQuestionIsAnErrorWithTheCounts) {
  const auto refused = build_prompt(question("one two three four five"), {6, 1}, count_words);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind, ErrorKind::limit);
  EXPECT_THAT(refused.error().message(), HasSubstr("has 6 tokens, and at most 5 fit"));
  EXPECT_EQ(build_prompt({}, {6, 1}, count_words).error().kind, ErrorKind::bad_input);
}

}  // namespace
}  // namespace lathe::prompting
