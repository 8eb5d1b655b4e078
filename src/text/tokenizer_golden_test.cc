// Ids and texts against those of an independent implementation (testdata/goldens/tokenizers).
#include <nlohmann/json.hpp>
#include <sstream>

#include "text/testing.h"
#include "text/text_stream.h"

namespace lathe::text {
namespace {

using nlohmann::json;

class GoldenTokenizer : public testing::TestWithParam<const char*> {
 protected:
  std::vector<json> vectors() const {
    std::vector<json> out;
    std::istringstream lines(read_test_file(golden_path(GetParam()) + "/vectors.jsonl"));
    for (std::string line; std::getline(lines, line);) out.push_back(json::parse(line));
    EXPECT_EQ(out.size(), 500u);
    return out;
  }
};

TEST_P(GoldenTokenizer, MakesTheSameIdsAndText) {
  const Tokenizer tokenizer = golden_tokenizer(GetParam());
  for (const json& vector : vectors()) {
    const auto text = vector["text"].get<std::string>();
    SCOPED_TRACE(vector["text"].dump());
    const auto ids = vector["ids"].get<std::vector<std::int32_t>>();
    EXPECT_EQ(tokenizer.encode(text, {.add_special_tokens = false, .parse_special = true}).value(),
              ids);
    EXPECT_EQ(tokenizer.encode(text, {.add_special_tokens = true, .parse_special = true}).value(),
              vector["ids_special"].get<std::vector<std::int32_t>>());
    EXPECT_EQ(tokenizer.decode(ids, {.skip_special = false}), vector["decoded"].get<std::string>());
  }
}

TEST_P(GoldenTokenizer, StreamsTheSameText) {
  const Tokenizer tokenizer = golden_tokenizer(GetParam());
  TextStream stream(tokenizer, {.skip_special = false});
  for (const json& vector : vectors()) {
    SCOPED_TRACE(vector["text"].dump());
    std::string text;
    for (const std::int32_t id : vector["ids"].get<std::vector<std::int32_t>>())
      text += stream.push(id);
    text += stream.flush();
    EXPECT_EQ(text, vector["decoded"].get<std::string>());
  }
}

TEST_P(GoldenTokenizer, WrittenAndReadAgainIsTheSame) {
  const Tokenizer tokenizer = golden_tokenizer(GetParam());
  const auto again = Tokenizer::from_tokenizer_json(tokenizer.to_tokenizer_json());
  ASSERT_TRUE(again.ok()) << again.error().message();
  EXPECT_EQ(again->hash(), tokenizer.hash());
  EXPECT_EQ(again->vocab_size(), tokenizer.vocab_size());
  for (const json& vector : vectors()) {
    const auto text = vector["text"].get<std::string>();
    EXPECT_EQ(again->encode(text, {true, true}).value(),
              tokenizer.encode(text, {true, true}).value());
  }
}

INSTANTIATE_TEST_SUITE_P(Bpe, GoldenTokenizer, testing::ValuesIn(kGoldenTokenizers),
                         [](const auto& param) {
                           std::string name = param.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace lathe::text
