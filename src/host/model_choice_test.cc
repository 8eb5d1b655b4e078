#include "host/model_choice.h"

#include <gtest/gtest.h>

#include <set>

#include "formats/decoder_config.h"
#include "hub/target.h"

namespace lathe::host {
namespace {

const MachineSpeed kMachine{.bytes_per_second = 20e9, .operations_per_second = 200e9};

const CatalogueModel& model(const ModelCatalogue& catalogue, const std::string& repository) {
  for (const CatalogueModel& each : catalogue.models) {
    if (each.repository == repository) return each;
  }
  ADD_FAILURE() << repository;
  return catalogue.models.front();
}

TEST(CatalogueTest, IsWholeAndOfFamiliesThatRun) {
  const ModelCatalogue catalogue = read_catalogue().value();
  EXPECT_GE(catalogue.models.size(), 30u);
  const auto known = formats::decoder_family_names();
  std::set<std::string> families(known.begin(), known.end());
  families.insert({"bert", "roberta", "xlm-roberta"});
  const auto tasks = task_names();
  std::set<std::string> seen;
  const hub::Url hub = hub::parse_url("https://huggingface.co").value();
  for (const CatalogueModel& each : catalogue.models) {
    EXPECT_TRUE(seen.insert(each.repository).second) << each.repository;
    EXPECT_TRUE(hub::parse_target(each.repository, hub).ok()) << each.repository;
    EXPECT_TRUE(families.count(each.family)) << each.family;
    EXPECT_LE(each.sizes.used_parameters, each.sizes.parameters) << each.repository;
    EXPECT_LT(each.sizes.vocab_size * each.sizes.hidden_size, each.sizes.parameters)
        << each.repository;
    for (const std::string& task : each.tasks)
      EXPECT_EQ(std::count(tasks.begin(), tasks.end(), task), 1) << task;
    for (const std::string& language : each.languages) EXPECT_EQ(language.size(), 2u) << language;
    for (const Benchmark& benchmark : each.benchmarks) {
      EXPECT_TRUE(benchmark.value > 0 && benchmark.value <= 100) << each.repository;
      EXPECT_FALSE(benchmark.source.empty());
    }
  }
}

TEST(CatalogueTest, NamesWhatIsWrong) {
  const auto why = [](const char* text) { return read_catalogue(text).error().message(); };
  EXPECT_NE(why("{}").find("as_of"), std::string::npos);
  EXPECT_NE(why(R"({"as_of":"x","models":[{"repository":"a/b"}]})").find("a/b"), std::string::npos);
}

class ChoiceTest : public ::testing::Test {
 protected:
  Choice choose(const ChoiceWishes& wishes,
                const std::vector<store::ComparisonRecord>& own = {}) const {
    auto choice = choose_models(catalogue_, wishes, kMachine, own);
    EXPECT_TRUE(choice.ok()) << choice.error().message();
    return std::move(choice).value();
  }
  ChoiceWishes wishes(const std::string& task, double gigabytes) const {
    ChoiceWishes wishes;
    wishes.task = task;
    wishes.memory = static_cast<std::uint64_t>(gigabytes * 1e9);
    return wishes;
  }
  const ModelCatalogue catalogue_ = read_catalogue().value();
};

TEST_F(ChoiceTest, HoldsEveryWish) {
  ChoiceWishes asked = wishes("summarize", 8);
  asked.language = "de";
  asked.licences = {"permissive"};
  const Choice choice = choose(asked);
  ASSERT_FALSE(choice.candidates.empty());
  for (const Candidate& each : choice.candidates) {
    EXPECT_LE(each.weights + each.cache, asked.memory);
    EXPECT_TRUE(each.model.licence == "apache-2.0" || each.model.licence == "mit");
    EXPECT_TRUE(std::count(each.model.languages.begin(), each.model.languages.end(), "de"));
    EXPECT_NE(each.model.kind, "encoder");
    EXPECT_GT(each.decode_tokens_per_second, 0);
  }
  EXPECT_FALSE(choice.reasons.empty());
  EXPECT_EQ(choice.left_out.size(), 4u);
}

TEST_F(ChoiceTest, PutsTheBestThatFitsFirst) {
  const Choice small = choose(wishes("generate", 3));
  const Choice large = choose(wishes("generate", 30));
  EXPECT_GT(large.candidates.size(), small.candidates.size());
  EXPECT_GT(large.candidates.front().quality->value, small.candidates.front().quality->value);
  const Choice search = choose(wishes("search", 2));
  EXPECT_EQ(search.candidates.front().model.repository, "BAAI/bge-large-en-v1.5");
  EXPECT_EQ(search.candidates.front().cache, 0u);
}

TEST_F(ChoiceTest, TheUsersOwnComparisonsComeFirst) {
  store::ComparisonRecord own;
  own.model = "mine";  // pulled under another name
  own.repository = "HuggingFaceTB/SmolLM2-135M-Instruct";
  own.data = "test.jsonl";
  own.rows = 99;
  own.way = "lora";
  own.accuracy = 0.8;
  const Choice choice = choose(wishes("generate", 30), {own});
  EXPECT_EQ(choice.candidates.front().model.repository, own.repository);
  EXPECT_NE(choice.reasons.front().find("80.0 % of 99 rows"), std::string::npos);
}

TEST_F(ChoiceTest, ForecastsByTheSizes) {
  const CatalogueModel& llama = model(catalogue_, "meta-llama/Llama-3.2-1B-Instruct");
  EXPECT_EQ(llama.sizes.parameters, 1'235'814'400);
  const CatalogueModel& mixtral = model(catalogue_, "mistralai/Mixtral-8x7B-Instruct-v0.1");
  EXPECT_EQ(mixtral.sizes.parameters, 46'702'792'704);
  EXPECT_LT(mixtral.sizes.used_parameters, 13'000'000'000);
}

TEST_F(ChoiceTest, UnknownWishesAreNamed) {
  for (const char* task : {"sing", ""}) {
    ChoiceWishes asked = wishes(task, 8);
    if (*task == '\0') asked.task = "generate", asked.language = "xx";
    const auto choice = choose_models(catalogue_, asked, kMachine, {});
    ASSERT_FALSE(choice.ok());
    EXPECT_EQ(choice.error().kind, ErrorKind::bad_input);
    EXPECT_NE(choice.error().message().find("choose one of"), std::string::npos);
  }
  ChoiceWishes none = wishes("generate", 0.001);
  EXPECT_TRUE(choose(none).candidates.empty());
}

}  // namespace
}  // namespace lathe::host
