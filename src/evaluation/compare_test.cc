#include "evaluation/compare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "evaluation/reading.h"
#include "evaluation/recommend.h"
#include "evaluation/test_model.h"

namespace lathe::evaluation {
namespace {

using ::testing::HasSubstr;
using testing::row_of;

class CompareTest : public testing::ModelTest {
 protected:
  void SetUp() override {
    ModelTest::SetUp();
    const os::Path docs = folder_.path() / "docs";
    ASSERT_TRUE(os::make_directories(docs).ok());
    ASSERT_TRUE(os::write_file_atomically(docs / "a.md", "# Gate\n\nThe gate opens at nine.").ok());
    ASSERT_TRUE(os::write_file_atomically(docs / "b.md", "# Pool\n\nThe pool is closed.").ok());
    inputs_.model = model_;
    inputs_.model_path = folder_.path() / "model";
    inputs_.model_name = "tiny";
    inputs_.documents = docs;
    inputs_.folder = folder_.path() / "artefacts";
    for (std::size_t i = 0; i < 4; ++i) {
      inputs_.train.push_back(row_of(kQuestions[i], kAnswers[i], i + 1));
      inputs_.test.push_back(row_of(kQuestions[i] + std::string("?"), kAnswers[i], i + 1,
                                    {{"task", i < 2 ? "gate" : "pool"}}));
    }
    options_.shots = 2;
    options_.lora.epochs = options_.prompt_tuning.epochs = 2;
    options_.lora.batch_rows = options_.prompt_tuning.batch_rows = 2;
    options_.prompt_tuning.virtual_tokens = 3;
    options_.evaluate.max_tokens = 5;
    options_.evaluate.latency_rows = 2;
  }

  Result<Comparison> run(const CompareCallbacks& callbacks = {}) {
    return compare(inputs_, options_, parallel_, clock_, callbacks);
  }

  static constexpr const char* kQuestions[] = {"gate", "when is the gate open", "pool",
                                               "is the pool open"};
  static constexpr const char* kAnswers[] = {"nine", "nine", "shut", "shut"};
  CompareInputs inputs_;
  CompareOptions options_;
};

const WayResult& result_of(const Comparison& comparison, Way way) {
  for (const WayResult& result : comparison.ways) {
    if (result.way == way) return result;
  }
  ADD_FAILURE() << to_string(way);
  return comparison.ways.front();
}

TEST_F(CompareTest, TriesEachWayOnTheSameRowsAndSaysWhatItCosts) {
  options_.ways.assign(std::rbegin(kAllWays), std::rend(kAllWays));
  const auto compared = run();
  ASSERT_TRUE(compared.ok()) << compared.error().message();
  const Comparison& result = compared.value();
  ASSERT_EQ(result.ways.size(), std::size(kAllWays));
  for (std::size_t i = 0; i < result.ways.size(); ++i) {
    const WayResult& way = result.ways[i];
    SCOPED_TRACE(to_string(way.way));
    EXPECT_EQ(way.way, kAllWays[i]);
    ASSERT_FALSE(way.error) << way.error->message();
    EXPECT_EQ(way.evaluation.overall.rows, 4u);
    EXPECT_EQ(way.evaluation.overall.errors, 0u);
    EXPECT_EQ(way.evaluation.by_tag.at("task").at("pool").rows, 2u);
    EXPECT_EQ(way.training.has_value(), uses_training(way.way));
    EXPECT_EQ(way.artefact_bytes > 0, way.way != Way::zero_shot);
    for (const auto& source : way.adaptations) EXPECT_TRUE(std::filesystem::exists(source.path));
    if (way.training) {
      EXPECT_EQ(way.training->steps, 4);
      // 32,160 weights in f32 at least.
      EXPECT_GT(way.training->peak_bytes, 128'640u);
    }
  }
  EXPECT_EQ(result.documents, 2u);
  EXPECT_EQ(result.passages, 2u);
  EXPECT_EQ(result.training_rows, 4u);
  EXPECT_EQ(result.leaked_rows, 0u);
  EXPECT_TRUE(result.recommendation.has_value());

  const auto tokens = [&](Way way) { return result_of(result, way).evaluation.prompt_tokens; };
  EXPECT_GT(tokens(Way::few_shot), tokens(Way::zero_shot));
  EXPECT_GT(tokens(Way::retrieval), tokens(Way::zero_shot));
  EXPECT_DOUBLE_EQ(tokens(Way::prompt_tuning), tokens(Way::zero_shot) + 3);
  EXPECT_DOUBLE_EQ(tokens(Way::lora), tokens(Way::zero_shot));
  EXPECT_DOUBLE_EQ(tokens(Way::lora_retrieval), tokens(Way::retrieval));
  EXPECT_THAT(result_of(result, Way::retrieval).evaluation.rows[0].sources.at(0),
              HasSubstr("a.md"));
  // One LoRA serves both ways.
  EXPECT_EQ(result_of(result, Way::lora).adaptations.at(0).path,
            result_of(result, Way::lora_retrieval).adaptations.at(1).path);
}

TEST_F(CompareTest, TheArtefactsAnswerAsTheyDidInTheComparison) {
  options_.ways = {Way::few_shot, Way::lora_retrieval};
  options_.passages = 1;
  const Comparison result = run().value();
  tasks::AnswerOptions answer;
  answer.max_tokens = options_.evaluate.max_tokens;
  for (const WayResult& way : result.ways) {
    const auto again = assistant(way.adaptations);
    for (std::size_t i = 0; i < inputs_.test.size(); ++i) {
      EXPECT_EQ(again->answer({inputs_.test[i].messages.data(), 1}, answer).value().text,
                way.evaluation.rows[i].answer);
    }
    for (const RowResult& row : way.evaluation.rows) EXPECT_LE(row.sources.size(), 1u);
  }
}

TEST_F(CompareTest, ChoosesHowRetrievalReadsOnTrainingRowsAlone) {
  options_.ways = {Way::retrieval};
  options_.choose_reading = true;
  inputs_.train.pop_back();  // so that a count of three tells training rows from test rows
  std::vector<std::size_t> totals;
  CompareCallbacks callbacks;
  callbacks.on_row = [&](Way, std::size_t done, std::size_t total) {
    if (done == total) totals.push_back(total);
    return true;
  };
  const Comparison result = run(callbacks).value();
  ASSERT_EQ(result.readings.size(), std::size(kReadings));
  const Reading& best = best_reading(result.readings).reading;
  EXPECT_EQ(result.options.passages, best.passages);
  EXPECT_EQ(result.options.chunking.words, best.chunk_words);
  std::vector<std::size_t> expected(std::size(kReadings), 3);
  expected.push_back(4);
  EXPECT_EQ(totals, expected);
  for (const RowResult& row : result.ways.front().evaluation.rows) {
    EXPECT_LE(row.sources.size(), best.passages);
  }
}

TEST(BestReading, HasTheMostRightAnswersThenTheShortestPrompts) {
  const std::vector<ReadingTrial> trials = {
      {{1, 30}, 5, 9, 50}, {{3, 30}, 7, 9, 150}, {{1, 60}, 7, 9, 90}, {{5, 60}, 6, 9, 40}};
  EXPECT_EQ(best_reading(trials).prompt_tokens, 90);
}

// A model that is nothing but random weights knows no answer; a LoRA can learn four.
TEST_F(CompareTest, RecommendsTheWayThatLearned) {
  options_.ways = {Way::zero_shot, Way::lora};
  options_.lora.epochs = 60;
  options_.lora.learning_rate = 1e-2f;
  for (std::size_t i = 0; i < 4; ++i) {  // enough rows to be sure
    for (std::size_t copy = 0; copy < 3; ++copy) {
      inputs_.test.push_back(row_of(kQuestions[i], kAnswers[i], 5 + i));
    }
  }
  const Comparison result = run().value();
  EXPECT_EQ(result.leaked_rows, 12u);
  EXPECT_EQ(result_of(result, Way::zero_shot).evaluation.overall.right, 0u);
  EXPECT_GE(result_of(result, Way::lora).evaluation.overall.right, 12u)
      << "loss " << result_of(result, Way::lora).training->loss;
  EXPECT_EQ(result.recommendation->way, Way::lora);
}

TEST_F(CompareTest, AWayThatFailsIsReportedAndTheOthersGoOn) {
  options_.ways = {Way::zero_shot, Way::few_shot, Way::lora};
  inputs_.train[3].messages[0].content = std::string(3000, 'x');  // too long to train on
  const Comparison result = run().value();
  EXPECT_FALSE(result_of(result, Way::zero_shot).error);
  EXPECT_FALSE(result_of(result, Way::few_shot).error);
  const WayResult& lora = result_of(result, Way::lora);
  ASSERT_TRUE(lora.error);
  EXPECT_EQ(lora.error->kind, ErrorKind::limit);
  EXPECT_THAT(lora.error->message(), HasSubstr("lora"));
  EXPECT_TRUE(lora.evaluation.rows.empty());
  EXPECT_NE(result.recommendation->way, Way::lora);
}

TEST_F(CompareTest, TellsStagesAndRowsAndStopsWhenTold) {
  std::vector<std::string> stages;
  std::set<Way> seen;
  CompareCallbacks callbacks;
  callbacks.on_stage = [&](const std::string& what) { stages.push_back(what); };
  callbacks.on_row = [&](Way way, std::size_t, std::size_t total) {
    EXPECT_EQ(total, 4u);
    seen.insert(way);
    return way != Way::retrieval;
  };
  const auto stopped = run(callbacks);
  ASSERT_FALSE(stopped.ok());
  EXPECT_EQ(stopped.error().kind, ErrorKind::cancelled);
  EXPECT_EQ(stages.size(), 3u);
  EXPECT_EQ(seen, (std::set<Way>{Way::zero_shot, Way::few_shot, Way::retrieval}));

  inputs_.folder = folder_.path() / "second";
  callbacks = {};
  callbacks.training.on_step = [](const training::Progress& p) { return p.step < 2; };
  const auto in_training = run(callbacks);
  ASSERT_FALSE(in_training.ok());
  EXPECT_EQ(in_training.error().kind, ErrorKind::cancelled);
}

TEST_F(CompareTest, RefusesWhatCannotBeComparedBeforeAnyWork) {
  const auto refusal = [&] {
    const auto result = run();
    EXPECT_FALSE(std::filesystem::exists(inputs_.folder / "knowledge.db"));
    return result.ok() ? std::string("no error") : result.error().message();
  };
  options_.shots = 0;
  EXPECT_THAT(refusal(), HasSubstr("shots"));
  options_.shots = 2;
  options_.passages = 0;
  EXPECT_THAT(refusal(), HasSubstr("passages"));
  options_.passages = 3;
  options_.lora.lora.rank = 0;
  EXPECT_THAT(refusal(), HasSubstr("rank"));
  options_.lora.lora.rank = 8;
  options_.ways = {Way::retrieval};
  inputs_.documents.clear();
  EXPECT_THAT(refusal(), HasSubstr("retrieval needs documents"));
  options_.ways = {Way::few_shot};
  const auto train = std::exchange(inputs_.train, {});
  EXPECT_THAT(refusal(), HasSubstr("few-shot needs training rows"));
  inputs_.train = train;
  training::Row completion;
  completion.kind = training::Row::Kind::completion;
  inputs_.test.push_back(completion);
  EXPECT_THAT(refusal(), HasSubstr("few-shot needs conversations"));
  inputs_.test.back().kind = training::Row::Kind::text;
  EXPECT_THAT(refusal(), HasSubstr("no answer to compare with"));
  inputs_.test.clear();
  EXPECT_THAT(refusal(), HasSubstr("no test rows"));
}

TEST_F(CompareTest, RefusesAFolderThatHoldsSomething) {
  ASSERT_TRUE(os::make_directories(inputs_.folder).ok());
  ASSERT_TRUE(os::write_file_atomically(inputs_.folder / "mine.txt", "x").ok());
  const auto refused = run();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind, ErrorKind::already_exists);
}

TEST_F(CompareTest, TheUsualWaysAreThoseThatTheDataAllow) {
  EXPECT_THAT(usual_ways(false),
              ::testing::ElementsAre(Way::zero_shot, Way::few_shot, Way::prompt_tuning, Way::lora));
  EXPECT_EQ(usual_ways(true).size(), std::size(kAllWays));
}

}  // namespace
}  // namespace lathe::evaluation
