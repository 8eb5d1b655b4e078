#include "decode/stop_rules.h"

#include <gtest/gtest.h>

#include "text/bpe_trainer.h"

namespace lathe::decode {
namespace {

// A vocabulary of bytes: each byte of the text is a token, so that characters and stop strings are
// always cut.
text::Tokenizer byte_tokenizer() {
  text::BpeTrainOptions options;
  options.vocab_size = 257;
  options.special_tokens = {"<end>"};
  options.eos_token = "<end>";
  return text::train_bpe(std::vector<std::string>{"a text"}, options).value();
}

struct Answer {
  std::string text;
  std::optional<StopReason> reason;
  std::size_t tokens = 0;
};

Answer run(const text::Tokenizer& tokenizer, const StopOptions& options,
           const std::vector<std::int32_t>& tokens) {
  StopRules rules(tokenizer, options);
  Answer answer;
  for (const std::int32_t token : tokens) {
    StopRules::Step step = rules.push(token);
    answer.text += step.text;
    answer.reason = step.reason;
    if (step.reason) break;
  }
  if (!answer.reason) answer.text += rules.finish();
  answer.tokens = rules.tokens();
  return answer;
}

class StopRulesTest : public testing::Test {
 protected:
  text::Tokenizer tokenizer_ = byte_tokenizer();
  std::int32_t eos_ = *tokenizer_.eos_id();
};

TEST_F(StopRulesTest, EndOfSequenceEndsWithoutText) {
  auto tokens = tokenizer_.encode("Grüße").value();
  tokens.push_back(eos_);
  tokens.push_back(tokens[0]);
  const Answer answer = run(tokenizer_, {{eos_}, {}, 100}, tokens);
  EXPECT_EQ(answer.text, "Grüße");
  EXPECT_EQ(answer.reason, StopReason::end_of_sequence);
  EXPECT_EQ(answer.tokens, 8u);
}

TEST_F(StopRulesTest, StopStringIsNotReturnedAndWhatPrecedesItIs) {
  const Answer answer =
      run(tokenizer_, {{eos_}, {"\nUser:"}, 100}, tokenizer_.encode("Yes\nUs.\nUser: x").value());
  EXPECT_EQ(answer.text, "Yes\nUs.");
  EXPECT_EQ(answer.reason, StopReason::stop_string);
}

TEST_F(StopRulesTest, HeldBackTextComesOutAtEveryEnd) {
  const StopOptions options = {{eos_}, {"abc"}, 4};
  auto tokens = tokenizer_.encode("xyab").value();
  EXPECT_EQ(run(tokenizer_, options, tokens).text, "xyab");
  EXPECT_EQ(run(tokenizer_, options, tokens).reason, StopReason::max_tokens);
  tokens = tokenizer_.encode("xab").value();
  EXPECT_EQ(run(tokenizer_, options, tokens).text, "xab");  // cancelled
  tokens.push_back(eos_);
  EXPECT_EQ(run(tokenizer_, options, tokens).text, "xab");
}

TEST_F(StopRulesTest, HalfACharacterAtTheEndIsReplaced) {
  const Answer answer = run(tokenizer_, {{eos_}, {}, 2}, tokenizer_.encode("aü").value());
  EXPECT_EQ(answer.text, "a\xEF\xBF\xBD");
  EXPECT_EQ(answer.reason, StopReason::max_tokens);
}

TEST_F(StopRulesTest, AStopStringOnTheLastTokenIsAStop) {
  const Answer answer = run(tokenizer_, {{eos_}, {"b"}, 2}, tokenizer_.encode("ab").value());
  EXPECT_EQ(answer.text, "a");
  EXPECT_EQ(answer.reason, StopReason::stop_string);
}

}  // namespace
}  // namespace lathe::decode
