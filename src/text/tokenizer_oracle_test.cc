// Ids and texts against those of tokenizers and sentencepiece, for the pipelines of well-known
// models (testdata/tokenizers, made by tools/make_tokenizer_oracle.py).
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "text/testing.h"
#include "text/text_stream.h"
#include "text/tokenizer_files.h"

namespace lathe::text {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using Ids = std::vector<std::int32_t>;

std::vector<std::string> oracle_names() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(LATHE_SOURCE_DIR "/testdata/tokenizers"))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

class OracleTokenizer : public testing::TestWithParam<std::string> {
 protected:
  static fs::path folder() {
    return fs::path(LATHE_SOURCE_DIR) / "testdata" / "tokenizers" / GetParam();
  }
  static Tokenizer tokenizer() {
    const auto found = find_tokenizer(folder());
    EXPECT_TRUE(found.ok()) << found.error().message();
    return found->value();
  }
  static std::vector<json> vectors() {
    std::vector<json> out;
    std::istringstream lines(read_test_file((folder() / "vectors.jsonl").string()));
    for (std::string line; std::getline(lines, line);) out.push_back(json::parse(line));
    EXPECT_EQ(out.size(), 500u);
    return out;
  }
};

TEST_P(OracleTokenizer, MakesTheSameIdsAndText) {
  const Tokenizer made = tokenizer();
  TextStream stream(made, {.skip_special = false});
  for (const json& vector : vectors()) {
    SCOPED_TRACE(vector["text"].dump());
    const auto text = vector["text"].get<std::string>();
    const auto ids = vector["ids"].get<Ids>();
    EXPECT_EQ(made.encode(text, {.parse_special = true}).value(), ids);
    if (!vector.contains("decoded")) continue;
    EXPECT_EQ(made.encode(text, {.add_special_tokens = true, .parse_special = true}).value(),
              vector["ids_special"].get<Ids>());
    const auto decoded = vector["decoded"].get<std::string>();
    EXPECT_EQ(made.decode(ids, {.skip_special = false}), decoded);
    std::string streamed;
    for (const std::int32_t id : ids) {
      const std::string part = stream.push(id);
      EXPECT_TRUE(is_valid_utf8(part));
      streamed += part;
    }
    streamed += stream.flush();
    // Of a broken run of byte tokens a stream has given the whole characters already.
    if (decoded.find(kReplacementCharacter) == std::string::npos) {
      EXPECT_EQ(streamed, decoded);
    }
  }
}

TEST_P(OracleTokenizer, WrittenAndReadAgainIsTheSame) {
  const Tokenizer made = tokenizer();
  const auto again = Tokenizer::from_tokenizer_json(made.to_tokenizer_json());
  ASSERT_TRUE(again.ok()) << again.error().message();
  EXPECT_EQ(again->hash(), made.hash());
}

INSTANTIATE_TEST_SUITE_P(Families, OracleTokenizer, testing::ValuesIn(oracle_names()),
                         [](const auto& tested) {
                           std::string name = tested.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace lathe::text
