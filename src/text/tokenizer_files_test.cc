// Folders from before tokenizer.json; their ids against transformers are in
// tokenizer_oracle_test.cc.
#include "text/tokenizer_files.h"

#include <gmock/gmock.h>

#include "text/testing.h"

namespace lathe::text {
namespace {

using testing::HasSubstr;
using Ids = std::vector<std::int32_t>;

constexpr const char* kWords = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nthe\n##re\n";

class OlderFolder : public testing::Test {
 protected:
  void write(const char* name, std::string_view text) {
    ASSERT_TRUE(os::write_file_atomically(scratch_.path() / name, text).ok());
  }
  Tokenizer tokenizer() const {
    auto found = find_tokenizer(scratch_.path());
    EXPECT_TRUE(found.ok()) << found.error().message();
    return **found;
  }
  std::string error() const {
    const auto found = find_tokenizer(scratch_.path());
    return found.ok() ? "no error" : found.error().message();
  }
  os::TemporaryDirectory scratch_ = os::TemporaryDirectory::make().value();
};

TEST_F(OlderFolder, WithoutAnyFileIsNone) {
  const auto found = find_tokenizer(scratch_.path());
  ASSERT_TRUE(found.ok());
  EXPECT_FALSE(found->has_value());
}

TEST_F(OlderFolder, WordsAloneAreUncasedBert) {
  write("vocab.txt", kWords);
  EXPECT_EQ(tokenizer().encode("The there", {.add_special_tokens = true}).value(),
            (Ids{2, 5, 5, 6, 3}));
}

TEST_F(OlderFolder, CapitalsStayWhereTheConfigSaysSo) {
  write("vocab.txt", kWords);
  write("tokenizer_config.json", R"({"tokenizer_class":"BertTokenizer","do_lower_case":false})");
  EXPECT_EQ(tokenizer().encode("The the").value(), (Ids{1, 5}));
}

TEST_F(OlderFolder, TokensOfTheFilesBesideAreAdded) {
  write("vocab.txt", kWords);
  write("added_tokens.json", R"({"<new>": 8, "<tool>": 7})");
  write("special_tokens_map.json", R"({"pad_token": "<tool>", "mask_token": null})");
  write("tokenizer_config.json",
        R"({"pad_token": "[PAD]", "additional_special_tokens": ["the", "<last>"]})");
  const Tokenizer made = tokenizer();
  EXPECT_EQ(made.encode("<new><tool>the<last>", {.parse_special = true}).value(),
            (Ids{8, 7, 5, 9}));
  EXPECT_TRUE(made.is_special(7));   // named as a control token
  EXPECT_FALSE(made.is_special(8));  // only listed
  EXPECT_FALSE(made.is_special(0));  // no longer the one for padding
  EXPECT_FALSE(made.is_special(4));  // null
}

TEST_F(OlderFolder, DamageNamesItsFile) {
  write("vocab.txt", kWords);
  write("added_tokens.json", R"({"<new>": "8"})");
  EXPECT_THAT(error(), HasSubstr("added_tokens.json: the id of `<new>` is no integer"));
  write("added_tokens.json", R"({"<new>": -1})");
  EXPECT_THAT(error(), HasSubstr("added_tokens.json: -1 is no token id"));
  write("added_tokens.json", "[]");
  EXPECT_THAT(error(), HasSubstr("added_tokens.json: this is no JSON object"));
}

TEST_F(OlderFolder, AnUnknownClassIsNamed) {
  write("vocab.txt", kWords);
  write("tokenizer_config.json", R"({"tokenizer_class":"FnetTokenizer"})");
  EXPECT_THAT(error(), HasSubstr("FnetTokenizer"));
}

}  // namespace
}  // namespace lathe::text
