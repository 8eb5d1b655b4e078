// A packed tokenizer is the one that it was made of, whatever kind of model it has, and foreign
// bytes in its place never crash it.
#include "text/packed_tokenizer.h"

#include <gmock/gmock.h>

#include <cstring>

#include "base/fnv.h"
#include "text/testing.h"
#include "text/tokenizer_parts.h"

namespace lathe::text {
namespace {

using formats::PackedMatrix;
using ::testing::HasSubstr;

// Four kinds of models, with byte fallback, added tokens and decoders of several kinds.
constexpr const char* kBytePairs =
    R"({"added_tokens":[{"id":8,"content":"<|end|>","special":true},
                        {"id":9,"content":"Tag","special":false,"lstrip":true}],
        "pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false,"use_regex":true},
        "decoder":{"type":"ByteLevel"},
        "model":{"type":"BPE","ignore_merges":true,
                 "vocab":{"a":0,"b":1,"c":2,"ab":3,"abc":4,"\u0120":5,"\u0120a":6,"\u0120ab":7},
                 "merges":["a b","ab c","\u0120 a","\u0120a b"]}})";
constexpr const char* kMarkedPairs =
    R"({"added_tokens":[{"id":0,"content":"<unk>","special":true},
                        {"id":9,"content":"NORM","normalized":true,"special":false}],
        "normalizer":{"type":"Sequence","normalizers":[{"type":"Lowercase"},
          {"type":"Replace","pattern":{"String":" "},"content":"\u2581"}]},
        "decoder":{"type":"Sequence","decoders":[
          {"type":"Replace","pattern":{"String":"\u2581"},"content":" "},
          {"type":"ByteFallback"},{"type":"Fuse"},
          {"type":"Strip","content":" ","start":1,"stop":0}]},
        "model":{"type":"BPE","unk_token":"<unk>","byte_fallback":true,"fuse_unk":true,
                 "vocab":{"<unk>":0,"a":1,"b":2,"\u2581":3,"ab":4,"\u2581a":5,"<0xC3>":6,"<0xA9>":7,
                          "\u2581ab":8},
                 "merges":["a b","\u2581 a","\u2581a b"]}})";
constexpr const char* kPieces =
    R"({"added_tokens":[{"id":0,"content":"<unk>","special":true}],
        "pre_tokenizer":{"type":"Metaspace","replacement":"\u2581","prepend_scheme":"always"},
        "decoder":{"type":"Metaspace","replacement":"\u2581","prepend_scheme":"always"},
        "model":{"type":"Unigram","unk_id":0,"vocab":[["<unk>",0],["\u2581",-2],["a",-3],["b",-3.5],
          ["\u2581ab",-4],["ab",-4.25]]}})";
constexpr const char* kWords =
    R"({"added_tokens":[{"id":0,"content":"[UNK]","special":true}],
        "normalizer":{"type":"BertNormalizer","lowercase":true},
        "pre_tokenizer":{"type":"BertPreTokenizer"},
        "decoder":{"type":"WordPiece","prefix":"##","cleanup":true},
        "model":{"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##",
                 "max_input_chars_per_word":100,
                 "vocab":{"[UNK]":0,"a":1,"##b":2,"ab":3,"##c":4,"b":5}}})";

constexpr const char* kAll[] = {kBytePairs, kMarkedPairs, kPieces, kWords};

Tokenizer made_of(const char* json) {
  auto made = Tokenizer::from_tokenizer_json(json);
  EXPECT_TRUE(made.ok()) << (made.ok() ? "" : made.error().message());
  return std::move(made).value();
}

// A folder with a model's tokenizer and its packed one.
class PackedTokenizerTest : public ::testing::Test {
 protected:
  void put(const char* json) {
    ASSERT_TRUE(os::write_file_atomically(folder_.path() / "tokenizer.json", json).ok());
    ASSERT_TRUE(write_packed_tokenizer(folder_.path(), made_of(json)).ok());
  }
  os::Path path() const { return packed_tokenizer_path(folder_.path()); }

  os::TemporaryDirectory folder_ = os::TemporaryDirectory::make().value();
};

void expect_same(const Tokenizer& a, const Tokenizer& b, RandomText& random) {
  EXPECT_EQ(a.hash(), b.hash());
  EXPECT_EQ(a.to_tokenizer_json(), b.to_tokenizer_json());
  EXPECT_EQ(a.to_tokenizer_config_json(), b.to_tokenizer_config_json());
  ASSERT_EQ(a.vocab_size(), b.vocab_size());
  for (std::int32_t id = -1; id <= a.vocab_size(); ++id) {
    EXPECT_EQ(a.id_to_token(id), b.id_to_token(id));
    EXPECT_EQ(a.token_bytes(id), b.token_bytes(id));
    EXPECT_EQ(a.is_special(id), b.is_special(id));
    EXPECT_EQ(a.token_to_id(a.id_to_token(id)), b.token_to_id(a.id_to_token(id)));
  }
  for (int i = 0; i < 200; ++i) {
    std::string text;
    for (std::size_t n = random.below(12); n > 0; --n) {
      constexpr const char* kWordsOfTexts[] = {"a",  "b",        "ab",   "abc",     " ",    "Tag",
                                               "AB", "\xC3\xA9", "NORM", "<|end|>", "norm", "."};
      text += kWordsOfTexts[random.below(std::size(kWordsOfTexts))];
    }
    const EncodeOptions options{.add_special_tokens = true, .parse_special = i % 2 == 0};
    const auto ids = a.encode(text, options).value();
    EXPECT_EQ(ids, b.encode(text, options).value()) << text;
    EXPECT_EQ(a.decode(ids), b.decode(ids)) << text;
  }
}

TEST_F(PackedTokenizerTest, IsTheTokenizerThatItWasMadeOf) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  RandomText random(seed);
  for (const char* json : kAll) {
    put(json);
    const auto packed = open_packed_tokenizer(folder_.path());
    ASSERT_TRUE(packed.ok()) << packed.error().message();
    expect_same(made_of(json), *packed, random);
    // And what is packed of it has the same bytes again.
    std::string outline, again;
    const auto before = pack_tokenizer(made_of(json), outline);
    EXPECT_EQ(pack_tokenizer(*packed, again).size(), before.size());
    EXPECT_EQ(outline, again);
  }
}

TEST_F(PackedTokenizerTest, KeepsControlTokensThatOtherFilesName) {
  put(kBytePairs);
  const Tokenizer named = made_of(kBytePairs).with_control_tokens({.bos = 1, .eos = 8});
  ASSERT_TRUE(write_packed_tokenizer(folder_.path(), named).ok());
  const Tokenizer packed = open_packed_tokenizer(folder_.path()).value();
  EXPECT_EQ(packed.bos_id(), 1);
  EXPECT_EQ(packed.eos_id(), 8);
}

TEST_F(PackedTokenizerTest, IsOfTheFilesThatTheModelHasNow) {
  EXPECT_EQ(open_packed_tokenizer(folder_.path()).error().kind, ErrorKind::not_found);
  put(kBytePairs);
  EXPECT_TRUE(check_packed_tokenizer(folder_.path()).ok());
  ASSERT_TRUE(os::write_file_atomically(folder_.path() / "tokenizer_config.json", "{}").ok());
  EXPECT_EQ(check_packed_tokenizer(folder_.path()).error().kind, ErrorKind::bad_input);
  put(kBytePairs);
  const std::int64_t sealed = os::file_stamp(path()).value().modified;
  ASSERT_TRUE(os::set_modification_time(path(), sealed + 1).ok());
  EXPECT_EQ(check_packed_tokenizer(folder_.path()).error().kind, ErrorKind::unavailable);
}

// The sections of a tokenizer, to be changed; parsed as a file of them.
class Sections {
 public:
  explicit Sections(const char* json) : tokenizer_(made_of(json)) {
    for (PackedMatrix& one : pack_tokenizer(tokenizer_, outline_)) {
      bytes_.emplace_back(one.bytes.begin(), one.bytes.end());
      sections_.push_back(std::move(one));
    }
  }
  std::size_t size() const { return sections_.size(); }
  std::vector<std::byte>& bytes(std::size_t index) { return bytes_[index]; }
  PackedMatrix& section(std::string_view name) {
    return *std::ranges::find(sections_, name, &PackedMatrix::name);
  }
  std::vector<std::byte>& bytes(std::string_view name) {
    return bytes_[static_cast<std::size_t>(&section(name) - sections_.data())];
  }
  // Valid as long as this object.
  Result<Tokenizer> unpack() {
    for (std::size_t i = 0; i < sections_.size(); ++i) sections_[i].bytes = bytes_[i];
    return unpack_tokenizer(sections_, nullptr);
  }

 private:
  Tokenizer tokenizer_;
  std::string outline_;
  std::vector<PackedMatrix> sections_;
  std::vector<std::vector<std::byte>> bytes_;
};

void expect_refused(Sections& sections, ErrorKind kind, const char* message) {
  const auto unpacked = sections.unpack();
  ASSERT_FALSE(unpacked.ok()) << message;
  EXPECT_EQ(unpacked.error().kind, kind);
  EXPECT_THAT(unpacked.error().message(), HasSubstr(message));
}

TEST(PackedTokenizer, SectionsThatDoNotFitAreRefused) {
  Sections lacking(kBytePairs);
  lacking.section("pairs").name = "pears";
  expect_refused(lacking, ErrorKind::bad_input, "pairs: the packed tokenizer lacks it");
  Sections cut(kBytePairs);
  cut.bytes("merges").pop_back();
  expect_refused(cut, ErrorKind::bad_input, "merges: its bytes are not those of its elements");
  Sections fewer(kBytePairs);
  fewer.bytes("marks").pop_back();
  --fewer.section("marks").rows;
  expect_refused(fewer, ErrorKind::bad_input, "do not fit together");
  Sections none(kBytePairs);
  none.bytes("pairs").clear();
  none.section("pairs").rows = 0;
  expect_refused(none, ErrorKind::bad_input, "do not fit together");
  Sections newer(kBytePairs);
  const std::string text = R"({"version": 99})";
  const auto bytes = std::as_bytes(std::span(text));
  newer.bytes("outline").assign(bytes.begin(), bytes.end());
  newer.section("outline").rows = bytes.size();
  expect_refused(newer, ErrorKind::unsupported, "version 99");
}

// Every table with bytes of noise: refused, or a tokenizer that gives ids of its vocabulary.
TEST(PackedTokenizer, NoiseInATableNeverLeavesTheVocabulary) {
  const std::uint64_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  RandomText random(seed);
  for (const char* json : kAll) {
    const Sections whole(json);
    for (int round = 0; round < 300; ++round) {
      Sections sections = whole;
      std::vector<std::byte>& bytes = sections.bytes(1 + random.below(sections.size() - 1));
      const std::size_t changes = bytes.empty() ? 0 : 1 + random.below(bytes.size());
      for (std::size_t i = 0; i < changes; ++i)
        bytes[random.below(bytes.size())] = static_cast<std::byte>(random.below(256));
      const auto unpacked = sections.unpack();
      if (!unpacked.ok()) continue;
      const auto ids = unpacked->encode("ab abc a\xC3\xA9 Tag <|end|>", {.parse_special = true});
      if (!ids.ok()) continue;
      for (const std::int32_t id : *ids) {
        EXPECT_GE(id, 0);
        EXPECT_LT(id, unpacked->vocab_size());
      }
      (void)unpacked->decode(*ids, {.skip_special = false});
      (void)unpacked->to_tokenizer_json();
      (void)unpacked->hash();
    }
  }
}

// What a tokenizer of this version is made of: when this changes, files that lie packed must be
// made again. Raise kPackedTokenizerVersion, and then this value.
TEST(PackedTokenizer, TheVersionIsRaisedWhenTheTablesChange) {
  Fnv64 hash;
  for (const char* json : kAll) {
    std::string outline;
    const Tokenizer tokenizer = made_of(json);
    for (const PackedMatrix& section : pack_tokenizer(tokenizer, outline)) {
      hash.add_field(section.name);
      hash.add(section.columns);
      hash.add(formats::packed_hash(section.bytes));
    }
  }
  EXPECT_EQ(kPackedTokenizerVersion, 1);
  EXPECT_EQ(hash.value(), 12421163514690145158u);
}

}  // namespace
}  // namespace lathe::text
