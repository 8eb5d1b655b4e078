#include "evaluation/evaluate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "evaluation/test_model.h"
#include "prompting/prompt_adaptation.h"

namespace lathe::evaluation {
namespace {

using ::testing::HasSubstr;
using testing::row_of;

class EvaluateTest : public testing::ModelTest {
 protected:
  // Rows whose expected answers are what the model says alone, or something else where `wrong`
  // says so.
  std::vector<training::Row> rows(std::size_t count, FunctionRef<bool(std::size_t)> wrong) {
    std::vector<training::Row> made;
    const auto alone = assistant();
    for (std::size_t i = 0; i < count; ++i) {
      training::Row row = row_of("question " + std::to_string(i), "", i + 1);
      row.tags["half"] = i < count / 2 ? "first" : "second";
      const auto answer = alone->answer({row.messages.data(), 1}, answer_options()).value();
      row.messages.back().content = answer.text + (wrong(i) ? " and more" : "");
      made.push_back(std::move(row));
    }
    return made;
  }

  tasks::AnswerOptions answer_options() const {
    tasks::AnswerOptions options;
    options.max_tokens = options_.max_tokens;
    return options;
  }

  EvaluateOptions options_{.max_tokens = 6, .match = {}, .latency_rows = 4};
};

TEST_F(EvaluateTest, CountsRightAnswersOverallAndByTag) {
  const auto data = rows(60, [](std::size_t i) { return i % 3 == 0 || i >= 50; });
  const Evaluation result = evaluate(*assistant(), data, options_, clock_).value();
  ASSERT_EQ(result.rows.size(), 60u);
  for (std::size_t i = 0; i < 60; ++i) {
    EXPECT_EQ(result.rows[i].line, i + 1);
    EXPECT_EQ(result.rows[i].question, "question " + std::to_string(i));
    EXPECT_EQ(result.rows[i].right, i % 3 != 0 && i < 50) << result.rows[i].answer;
    EXPECT_FALSE(result.rows[i].error);
  }
  EXPECT_EQ(result.overall.rows, 60u);
  EXPECT_EQ(result.overall.right, 33u);
  EXPECT_DOUBLE_EQ(result.overall.accuracy, 33.0 / 60);
  EXPECT_LT(result.overall.interval.low, 33.0 / 60);
  EXPECT_EQ(result.by_tag.at("half").at("first").right, 20u);
  EXPECT_EQ(result.by_tag.at("half").at("second").right, 13u);
  EXPECT_EQ(result.by_tag.at("half").at("second").rows, 30u);
  EXPECT_GT(result.overall.f1, result.overall.accuracy);
}

TEST_F(EvaluateTest, CountsTokensAndTimesRowsThatRunAlone) {
  const auto data = rows(10, [](std::size_t) { return false; });
  const Evaluation result = evaluate(*assistant(), data, options_, clock_).value();
  // <|user|> question 0 <|end|> <|assistant|>
  EXPECT_EQ(result.rows[0].prompt_tokens, 13u);
  EXPECT_DOUBLE_EQ(result.prompt_tokens, 13);
  std::size_t cut = 0, tokens = 0;
  for (const RowResult& row : result.rows) {
    EXPECT_GE(row.answer_tokens, 1u);
    EXPECT_LE(row.answer_tokens, 6u);
    if (row.cut) {
      EXPECT_EQ(row.answer_tokens, 6u);
    }
    cut += row.cut;
    tokens += row.answer_tokens;
  }
  EXPECT_EQ(result.cut, cut);
  EXPECT_DOUBLE_EQ(result.answer_tokens, static_cast<double>(tokens) / 10);
  EXPECT_EQ(result.latency.rows, 4u);
  EXPECT_GT(result.latency.median, 0);
  EXPECT_GE(result.latency.p90, result.latency.median);
  EXPECT_GE(result.seconds, result.latency.p90);
  options_.latency_rows = 0;
  EXPECT_EQ(evaluate(*assistant(), data, options_, clock_).value().latency.rows, 0u);
}

TEST_F(EvaluateTest, FailingRowsCountAsWrongAndSayWhy) {
  auto data = rows(4, [](std::size_t) { return false; });
  data[1].messages[0].content = std::string(2000, 'x');
  data[2].messages[0].role = "tool";
  for (options_.latency_rows = 0; options_.latency_rows <= 4; options_.latency_rows += 4) {
    const Evaluation result = evaluate(*assistant(), data, options_, clock_).value();
    EXPECT_EQ(result.overall.rows, 4u);
    EXPECT_EQ(result.overall.right, 2u);
    EXPECT_EQ(result.overall.errors, 2u);
    ASSERT_TRUE(result.rows[1].error);
    EXPECT_EQ(result.rows[1].error->kind, ErrorKind::limit);
    ASSERT_TRUE(result.rows[2].error);
    EXPECT_THAT(result.rows[2].error->message(), HasSubstr("unknown role tool"));
    EXPECT_EQ(result.by_tag.at("half").at("first").errors, 1u);
    EXPECT_DOUBLE_EQ(result.prompt_tokens, 13) << "the mean of the rows that were answered";
  }
}

TEST_F(EvaluateTest, TellsProgressAndStopsWhenTold) {
  const auto data = rows(8, [](std::size_t) { return false; });
  std::vector<std::size_t> seen;
  const auto count = [&](std::size_t done, std::size_t total) {
    EXPECT_EQ(total, 8u);
    seen.push_back(done);
    return true;
  };
  ASSERT_TRUE(evaluate(*assistant(), data, options_, clock_, count).ok());
  EXPECT_THAT(seen, ::testing::ElementsAre(1, 2, 3, 4, 5, 6, 7, 8));
  for (const std::size_t stop_at : {2u, 6u}) {
    const auto stop = [&](std::size_t done, std::size_t) { return done < stop_at; };
    const auto stopped = evaluate(*assistant(), data, options_, clock_, stop);
    ASSERT_FALSE(stopped.ok());
    EXPECT_EQ(stopped.error().kind, ErrorKind::cancelled);
  }
}

TEST_F(EvaluateTest, EvaluatesWhatTheAdaptationsMakeOfARow) {
  const auto data = rows(6, [](std::size_t) { return false; });
  const os::Path file = folder_.path() / "prompt.json";
  prompting::PromptAdaptation prompt;
  prompt.system = "Be brief.";
  ASSERT_TRUE(prompting::write_prompt_adaptation(file, prompt).ok());
  const auto adapted = assistant({{tasks::AdaptationSource::Kind::prompt, "brief", file}});
  const Evaluation result = evaluate(*adapted, data, options_, clock_).value();
  EXPECT_DOUBLE_EQ(result.prompt_tokens, 13 + 11);  // <|system|>Be brief.<|end|>
  for (std::size_t i = 0; i < data.size(); ++i) {
    const auto served = adapted->answer({data[i].messages.data(), 1}, answer_options()).value();
    EXPECT_EQ(result.rows[i].answer, served.text) << "what is evaluated is what is served";
  }
  training::Row completion;
  completion.kind = training::Row::Kind::completion;
  completion.prompt = "Once";
  completion.text = " upon";
  const auto refused = evaluate(*adapted, std::vector{completion}, options_, clock_);
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message(), HasSubstr("completion"));
}

TEST_F(EvaluateTest, AnswersCompletions) {
  training::Row row;
  row.kind = training::Row::Kind::completion;
  row.prompt = "Once";
  row.line = 1;
  const auto alone = assistant();
  const auto answer =
      alone->engine()
          .generate(alone->request(alone->prepare_completion("Once").value(), answer_options()))
          .value();
  row.text = answer.text;
  const Evaluation result = evaluate(*alone, std::vector{row}, options_, clock_).value();
  EXPECT_EQ(result.overall.right, 1u);
  EXPECT_EQ(result.rows[0].prompt_tokens, 4u);
}

TEST_F(EvaluateTest, RefusesRowsWithoutAnExpectedAnswer) {
  auto data = rows(2, [](std::size_t) { return false; });
  data[1].messages.pop_back();
  const auto refused = evaluate(*assistant(), data, options_, clock_);
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message(), HasSubstr("line 2"));
  training::Row text;
  text.kind = training::Row::Kind::text;
  text.text = "some text";
  EXPECT_FALSE(question_of(text).ok());
  EXPECT_FALSE(evaluate(*assistant(), {}, options_, clock_).ok());
  options_.max_tokens = 0;
  EXPECT_FALSE(evaluate(*assistant(), data, options_, clock_).ok());
}

TEST(QuestionTest, TheLastAnswerIsExpectedAndEverythingBeforeItAsked) {
  training::Row row;
  row.messages = {
      {"system", "s"}, {"user", "a"}, {"assistant", "b"}, {"user", "c"}, {"assistant", "d"}};
  const Question question = question_of(row).value();
  EXPECT_EQ(question.expected, "d");
  EXPECT_EQ(question.question, "c");
  ASSERT_EQ(question.conversation.size(), 4u);
  EXPECT_EQ(question.conversation[2].content, "b");
}

}  // namespace
}  // namespace lathe::evaluation
