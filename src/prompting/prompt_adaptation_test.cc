#include "prompting/prompt_adaptation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace lathe::prompting {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

PromptAdaptation full() {
  PromptAdaptation adaptation;
  adaptation.system = "You are the \"help desk\".\nBe kind.";
  adaptation.input_template = "Label: {input}";
  adaptation.examples = {{"a parcel", "shipping"}, {"a bill", "billing"}, {"caf\xc3\xa9", "other"}};
  adaptation.selection = ExampleSelection::similar;
  adaptation.shots = 2;
  adaptation.diverse_outputs = true;
  adaptation.passages = 3;
  return adaptation;
}

std::string fault(std::string_view json) {
  const auto adaptation = parse_prompt_adaptation(json);
  return adaptation.ok() ? "none" : adaptation.error().message();
}

// A file with these fields beside format and version.
std::string with(const std::string& fields) {
  return R"({"format": "lathe-prompt", "version": 1, )" + fields + "}";
}

TEST(PromptAdaptation, ComesBackAsItWasWritten) {
  const auto scratch = os::TemporaryDirectory::make().value();
  const os::Path file = scratch.path() / "prompt.json";
  ASSERT_TRUE(write_prompt_adaptation(file, full()).ok());
  EXPECT_EQ(read_prompt_adaptation(file).value(), full());
  PromptAdaptation small;
  small.system = "x";
  EXPECT_EQ(parse_prompt_adaptation(to_json(small)).value(), small);
}

TEST(PromptAdaptation, FieldsHaveDefaults) {
  const auto adaptation =
      parse_prompt_adaptation(with(R"("examples": [{"input": "a", "output": "b"}])")).value();
  EXPECT_EQ(adaptation.selection, ExampleSelection::fixed);
  EXPECT_EQ(adaptation.shots, 1u);
  EXPECT_EQ(adaptation.passages, 0u);
}

TEST(PromptAdaptation, EachFaultNamesItsField) {
  EXPECT_EQ(fault(with(R"("system": "s")")), "none");
  EXPECT_THAT(fault(""), HasSubstr("no JSON"));
  EXPECT_THAT(fault("{\"format\": "), HasSubstr("damage at byte"));
  EXPECT_THAT(fault("[]"), HasSubstr("no JSON object"));
  EXPECT_THAT(fault("{}"), HasSubstr("format"));
  EXPECT_THAT(fault(R"({"format": "lathe-prompt", "version": 2, "system": "s"})"),
              HasSubstr("version 2"));
  EXPECT_THAT(fault(with(R"("sistem": "s")")), HasSubstr("'sistem' is not known"));
  EXPECT_THAT(fault(with(R"("system": "s", "system": "t")")), HasSubstr("'system' comes twice"));
  EXPECT_THAT(fault(with(R"("system": 1)")), HasSubstr("system: must be a string"));
  EXPECT_THAT(fault(with(R"("template": "x")")), HasSubstr("template: the prompt template has no"));
  EXPECT_THAT(fault(with(R"("examples": {})")), HasSubstr("examples: must be an array"));
  EXPECT_THAT(fault(with(R"("examples": [1])")), HasSubstr("examples[0]: this is no JSON object"));
  EXPECT_THAT(fault(with(R"("examples": [{"input": "a", "output": ""}])")),
              HasSubstr("examples[0].output: is empty"));
  EXPECT_THAT(fault(with(R"("examples": [{"input": "a", "out": "b"}])")), HasSubstr("'out'"));
  EXPECT_THAT(fault(with(R"("system": "s", "selection": "random")")), HasSubstr("selection"));
  EXPECT_THAT(fault(with(R"("system": "s", "shots": 1)")), HasSubstr("shots"));
  EXPECT_THAT(fault(with(R"("system": "s", "passages": -1)")), HasSubstr("passages"));
  EXPECT_THAT(fault(with(R"("system": "s", "passages": 65)")), HasSubstr("passages"));
  EXPECT_THAT(fault(with(R"("system": "s", "passages": 1e99)")), HasSubstr("passages"));
  EXPECT_THAT(fault(with(R"("system": "s", "diverse": true)")), HasSubstr("diverse"));
  EXPECT_THAT(fault(with(R"("system": "")")), HasSubstr("changes nothing"));
  EXPECT_THAT(fault(with("\"system\": \"\xff\"")), HasSubstr("no JSON"));
}

TEST(PromptAdaptation, HostileJsonIsAnErrorNotACrash) {
  EXPECT_NE(fault(std::string(1'000'000, '[')), "none");
  EXPECT_NE(fault(with("\"system\": " + std::string(200'000, '[') + std::string(200'000, ']'))),
            "none");
  const std::string good = to_json(full());
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (int i = 0; i < 2000; ++i) {
    std::string bytes = good;
    bytes[random() % bytes.size()] = static_cast<char>(random());
    const auto adaptation = parse_prompt_adaptation(
        bytes.substr(0, random() % 4 == 0 ? random() % bytes.size() : bytes.size()));
    EXPECT_TRUE(!adaptation.ok() || check_prompt_adaptation(*adaptation).ok());
  }
}

TEST(PromptAdaptation, FilesAreNamedInErrors) {
  const auto scratch = os::TemporaryDirectory::make().value();
  const os::Path file = scratch.path() / "prompt.json";
  EXPECT_EQ(read_prompt_adaptation(file).error().kind, ErrorKind::not_found);
  ASSERT_TRUE(os::write_file_atomically(file, std::string("\0\1\2", 3)).ok());
  EXPECT_THAT(read_prompt_adaptation(file).error().message(), HasSubstr(file.string()));
  PromptAdaptation bad = full();
  bad.system = "\xff";
  EXPECT_FALSE(write_prompt_adaptation(scratch.path() / "bad.json", bad).ok());
  EXPECT_FALSE(std::filesystem::exists(scratch.path() / "bad.json"));
}

std::vector<std::string> shown(const PromptApplier& applier, const std::string& user_text) {
  const PromptParts parts = applier.parts({{"user", user_text}}).value();
  std::vector<std::string> outputs;
  for (const Example& example : parts.examples) outputs.push_back(example.output);
  return outputs;
}

TEST(PromptApplier, SimilarExamplesStandNextToTheQuestion) {
  const PromptApplier applier = PromptApplier::build(full()).value();
  EXPECT_THAT(shown(applier, "where is my bill"), ElementsAre("shipping", "billing"));
  EXPECT_THAT(shown(applier, "a caf\xc3\xa9"), ElementsAre("shipping", "other"));
  const PromptParts parts =
      applier.parts({{"user", "bill"}}, {{"Title", "passage", "doc"}}).value();
  EXPECT_EQ(parts.system, full().system);
  EXPECT_EQ(parts.input_template, full().input_template);
  EXPECT_EQ(parts.passages.size(), 1u);
  EXPECT_TRUE(build_messages(parts).ok());
  EXPECT_FALSE(applier.parts({}).ok());
}

TEST(PromptApplier, FixedExamplesAreTheFirstInOrder) {
  PromptAdaptation adaptation = full();
  adaptation.selection = ExampleSelection::fixed;
  adaptation.diverse_outputs = false;
  const PromptApplier applier = PromptApplier::build(adaptation).value();
  EXPECT_THAT(shown(applier, "where is my bill"), ElementsAre("shipping", "billing"));
  EXPECT_FALSE(PromptApplier::build({}).ok());
}

}  // namespace
}  // namespace lathe::prompting
