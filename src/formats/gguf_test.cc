#include "formats/gguf.h"

#include <gmock/gmock.h>

#include <array>
#include <functional>

#include "formats/test_support.h"
#include "tensor/quantize.h"

namespace lathe::formats {
namespace {

using tensor::DType;
using tensor::NamedTensor;

constexpr std::uint32_t kMagic = 0x46554747;

GgufMetadata metadata_of_every_type() {
  GgufMetadata m;
  m.set("u8", std::uint8_t{200});
  m.set("i8", std::int8_t{-3});
  m.set("u16", std::uint16_t{60'000});
  m.set("i16", std::int16_t{-300});
  m.set("u32", std::uint32_t{4'000'000'000});
  m.set("i32", std::int32_t{-5});
  m.set("f32", 0.25f);
  m.set("bool", true);
  m.set("string", std::string("a\0ü", 4));
  m.set("u64", std::uint64_t{1} << 40);
  m.set("i64", std::int64_t{-1} << 40);
  m.set("f64", 0.1);
  m.set("strings", GgufArray(std::vector<std::string>{"x", "", "yz"}));
  m.set("bools", GgufArray(std::vector<bool>{true, false, true}));
  m.set("ints", GgufArray(std::vector<std::int16_t>{-1, 2}));
  m.set("floats", GgufArray(std::vector<float>{1.5f}));
  m.set("longs", GgufArray(std::vector<std::uint64_t>{~std::uint64_t{0}}));
  m.set("empty", GgufArray(std::vector<double>{}));
  return m;
}

class GgufWriting : public testing::Test {
 protected:
  os::TemporaryDirectory scratch_ = os::TemporaryDirectory::make().value();
  os::Path path_ = scratch_.path() / "x.gguf";
  std::vector<float> floats_ = std::vector<float>(64, 0.5f);
  std::vector<std::byte> quantized_ = tensor::quantize(tensor::DType::q8_0, floats_);
  std::vector<NamedTensor> tensors_{
      {"b", tensor::view_of(std::span(floats_).first(6), {2, 3})},
      {"a", {DType::q8_0, {2, 32}, quantized_}},
      {"half", {DType::f16, {3}, std::as_bytes(std::span(floats_)).first(6)}},
  };
};

TEST_F(GgufWriting, RoundTrip) {
  const GgufMetadata metadata = metadata_of_every_type();
  ASSERT_TRUE(write_gguf(path_, metadata, tensors_).ok());
  const auto file = GgufFile::open(path_);
  ASSERT_TRUE(file.ok()) << file.error().message();
  EXPECT_EQ(file->version(), 3u);
  ASSERT_EQ(file->metadata().entries().size(), metadata.entries().size());
  for (std::size_t i = 0; i < metadata.entries().size(); ++i)
    EXPECT_EQ(file->metadata().entries()[i], metadata.entries()[i]) << metadata.entries()[i].first;
  ASSERT_EQ(file->tensors().size(), 3u);
  EXPECT_EQ(file->tensors()[0].name, "b");
  for (const NamedTensor& want : tensors_) {
    const auto got = file->tensor(want.name);
    ASSERT_TRUE(got.ok()) << got.error().message();
    EXPECT_EQ(got->dtype, want.view.dtype);
    EXPECT_EQ(got->shape, want.view.shape);
    EXPECT_TRUE(std::equal(got->bytes.begin(), got->bytes.end(), want.view.bytes.begin(),
                           want.view.bytes.end()));
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(got->bytes.data()) % 32, 0u);
  }
  expect_error(file->tensor("c"), ErrorKind::not_found, "\"c\"");
}

TEST_F(GgufWriting, AlignmentOfTheMetadataIsKept) {
  GgufMetadata metadata;
  metadata.set("general.alignment", std::uint32_t{256});
  ASSERT_TRUE(write_gguf(path_, metadata, tensors_).ok());
  const auto file = GgufFile::open(path_);
  ASSERT_TRUE(file.ok()) << file.error().message();
  EXPECT_EQ(file->tensors()[1].offset, 256u);
  metadata.set("general.alignment", std::uint32_t{24});
  expect_error(write_gguf(path_, metadata, tensors_), ErrorKind::bad_input, "power of two");
}

TEST_F(GgufWriting, EveryCutIsAnError) {
  ASSERT_TRUE(write_gguf(path_, metadata_of_every_type(), tensors_).ok());
  const std::string whole = os::read_file(path_).value();
  const std::size_t last_byte_of_last_tensor = whole.size() - 32 + 6;  // 6 bytes, padded to 32
  for (std::size_t length = 0; length < last_byte_of_last_tensor; ++length)
    EXPECT_FALSE(GgufFile::parse(bytes_of(whole).first(length)).ok()) << length;
  EXPECT_TRUE(GgufFile::parse(bytes_of(whole).first(last_byte_of_last_tensor)).ok());
}

TEST_F(GgufWriting, EveryChangedByteIsReadOrRefusedWithoutHarm) {
  ASSERT_TRUE(write_gguf(path_, metadata_of_every_type(), tensors_).ok());
  const std::string whole = os::read_file(path_).value();
  std::size_t refused = 0;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    for (const char flip : {'\x01', '\x80', '\xff'}) {
      std::string changed = whole;
      changed[i] = static_cast<char>(changed[i] ^ flip);
      const auto file = GgufFile::parse(bytes_of(changed));
      refused += file.ok() ? 0 : 1;
      if (!file.ok()) continue;
      for (const GgufTensorInfo& info : file->tensors()) (void)file->tensor(info.name);
    }
  }
  EXPECT_GT(refused, whole.size() / 4);
}

TEST_F(GgufWriting, BadTensorsAreRefused) {
  const auto write = [&](NamedTensor t) {
    return write_gguf(path_, {}, std::vector<NamedTensor>{std::move(t)});
  };
  expect_error(write({std::string(64, 'n'), tensors_[0].view}), ErrorKind::bad_input, "63 bytes");
  expect_error(write({"", tensors_[0].view}), ErrorKind::bad_input, "63 bytes");
  expect_error(write({"q", {DType::q8_0, {32, 2}, quantized_}}), ErrorKind::bad_input, "blocks");
  expect_error(write({"u", {DType::u8, {1}, std::as_bytes(std::span(floats_)).first(1)}}),
               ErrorKind::unsupported, "u8");
  expect_error(write_gguf(path_, {}, std::vector<NamedTensor>{tensors_[0], tensors_[0]}),
               ErrorKind::bad_input, "\"b\"");
}

TEST(GgufMetadata, GettersHoldTypesAndNameKeys) {
  const GgufMetadata m = metadata_of_every_type();
  EXPECT_EQ(m.get_int("u8").value(), 200);
  EXPECT_EQ(m.get_int("i64").value(), std::int64_t{-1} << 40);
  EXPECT_EQ(m.get_float("f32").value(), 0.25);
  EXPECT_EQ(m.get_float("i8").value(), -3);
  EXPECT_EQ(m.get_string("string").value().size(), 4u);
  const GgufStrings strings = m.get_strings("strings").value();
  EXPECT_THAT(std::vector<std::string>(strings.begin(), strings.end()),
              ::testing::ElementsAre("x", "", "yz"));
  EXPECT_EQ(m.get_ints("ints").value(), (std::vector<std::int64_t>{-1, 2}));
  EXPECT_EQ(m.find_bool("absent").value(), std::nullopt);
  expect_error(m.get_int("absent"), ErrorKind::bad_input, "\"absent\"");
  expect_error(m.get_int("f32"), ErrorKind::bad_input, "metadata \"f32\" is float32");
  expect_error(m.get_int("bool"), ErrorKind::bad_input, "\"bool\" is bool");
  expect_error(m.get_bool("u8"), ErrorKind::bad_input, "uint8");
  expect_error(m.get_strings("ints"), ErrorKind::bad_input, "an array of int16");
  expect_error(m.get_ints("longs"), ErrorKind::bad_input, "\"longs\"");
  expect_error(m.get_floats("strings"), ErrorKind::bad_input, "\"strings\"");
}

// A file with one metadata entry and tensors of 32 bytes of data each; damage changes one thing.
struct Table {
  std::uint32_t version = 3;
  std::uint64_t tensors = 1;
  std::uint64_t entries = 0;
  std::function<void(ByteBuilder&)> metadata = [](ByteBuilder&) {};
  std::function<void(ByteBuilder&)> table = [](ByteBuilder& b) { line(b, "t", {8}, 0, 0); };
  std::size_t data_bytes = 64;

  static void line(ByteBuilder& b, std::string_view name, std::vector<std::uint64_t> ne,
                   std::uint32_t type, std::uint64_t offset) {
    b.string(name).number(static_cast<std::uint32_t>(ne.size()));
    for (const std::uint64_t extent : ne) b.number(extent);
    b.number(type).number(offset);
  }
  std::string bytes() const {
    ByteBuilder b;
    b.number(kMagic).number(version).number(tensors).number(entries);
    metadata(b);
    table(b);
    b.pad_to(32).raw(std::string(data_bytes, '\0'));
    return b.bytes();
  }
  void refused(std::string_view part, ErrorKind kind = ErrorKind::bad_input) const {
    expect_error(GgufFile::parse(bytes_of(bytes())), kind, part);
  }
};

TEST(GgufDamage, TheUndamagedTableIsRead) {
  EXPECT_TRUE(GgufFile::parse(bytes_of(Table().bytes())).ok());
  EXPECT_TRUE(GgufFile::parse(bytes_of(Table{.version = 2}.bytes())).ok());
}

TEST(GgufDamage, MagicAndVersion) {
  expect_error(GgufFile::parse(bytes_of("PK\3\4....")), ErrorKind::bad_input, "no GGUF file");
  Table{.version = 1}.refused("version 1", ErrorKind::unsupported);
  Table{.version = 4}.refused("version 4", ErrorKind::unsupported);
  Table{.version = 0x03000000}.refused("big-endian", ErrorKind::unsupported);
}

TEST(GgufDamage, HugeCounts) {
  Table{.tensors = ~std::uint64_t{0}}.refused("tensors, more than");
  Table{.entries = std::uint64_t{1} << 60}.refused("metadata entries, more than");
  Table array{.entries = 1};
  array.metadata = [](ByteBuilder& b) {
    b.string("k").number(9u).number(5u).number(std::uint64_t{1} << 62);
  };
  array.refused("metadata \"k\": the file claims");
  Table string{.entries = 1};
  string.metadata = [](ByteBuilder& b) { b.string("k").number(8u).number(~std::uint64_t{0}); };
  string.refused("metadata \"k\"");
  Table key{.entries = 1};
  key.metadata = [](ByteBuilder& b) { b.number(std::uint64_t{70'000}); };
  key.refused("metadata entry 0");
}

TEST(GgufDamage, MetadataValues) {
  Table type{.entries = 1};
  type.metadata = [](ByteBuilder& b) { b.string("k").number(13u).number(0u); };
  type.refused("metadata \"k\": there is no value type 13");
  Table element{.entries = 1};
  element.metadata = [](ByteBuilder& b) {
    b.string("k").number(9u).number(99u).number(std::uint64_t{0});
  };
  element.refused("no value type 99");
  Table nested{.entries = 1};
  nested.metadata = [](ByteBuilder& b) {
    b.string("k").number(9u).number(9u).number(std::uint64_t{1});
  };
  nested.refused("array of arrays", ErrorKind::unsupported);
  Table flag{.entries = 1};
  flag.metadata = [](ByteBuilder& b) { b.string("k").number(7u).number(std::uint8_t{2}); };
  flag.refused("a bool holds 2");
  Table twice{.entries = 2};
  twice.metadata = [](ByteBuilder& b) {
    b.string("k").number(4u).number(1u).string("k").number(4u).number(1u);
  };
  twice.refused("metadata \"k\" stands twice");
}

TEST(GgufDamage, Alignment) {
  for (const std::uint32_t value : {0u, 24u, 1u << 30}) {
    Table t{.entries = 1};
    t.metadata = [value](ByteBuilder& b) {
      b.string("general.alignment").number(4u).number(value);
    };
    t.refused("general.alignment");
  }
}

TEST(GgufDamage, TensorTable) {
  const auto refused = [](std::vector<std::uint64_t> ne, std::uint32_t type, std::uint64_t offset,
                          std::string_view part) {
    Table t;
    t.table = [=](ByteBuilder& b) { Table::line(b, "t", ne, type, offset); };
    t.refused(part);
  };
  refused({1, 1, 1, 1, 1}, 0, 0, "tensor \"t\": it has 5 dimensions");
  refused({~std::uint64_t{0}}, 0, 0, "dimension 0");
  refused({std::uint64_t{1} << 40, std::uint64_t{1} << 40}, 0, 0, "overflows");
  refused({std::uint64_t{1} << 62}, 0, 0, "overflows");
  refused({8}, 0, 1, "no multiple of the alignment");
  refused({17}, 0, 0, "outside the 64 bytes");
  refused({8}, 0, 64, "outside the 64 bytes");
  refused({8}, 0, ~std::uint64_t{31}, "outside the 64 bytes");
  refused({16, 2}, 8, 0, "no whole blocks");
}

TEST(GgufDamage, OverlapAndDuplicates) {
  Table overlap{.tensors = 2};
  overlap.table = [](ByteBuilder& b) {
    Table::line(b, "a", {9}, 0, 0);
    Table::line(b, "b", {8}, 0, 32);
  };
  overlap.refused("tensor \"b\": it overlaps tensor \"a\"");
  Table twice{.tensors = 2};
  twice.table = [](ByteBuilder& b) {
    Table::line(b, "a", {8}, 0, 0);
    Table::line(b, "a", {8}, 0, 32);
  };
  twice.refused("tensor \"a\" stands twice");
}

TEST(Gguf, TensorsOfOtherTypesDoNotPreventOpening) {
  Table t{.tensors = 2};
  t.table = [](ByteBuilder& b) {
    Table::line(b, "fp4", {32}, 39, 0);
    Table::line(b, "new", {8}, 77, 32);
  };
  const std::string bytes = t.bytes();
  const auto file = GgufFile::parse(bytes_of(bytes));
  ASSERT_TRUE(file.ok()) << file.error().message();
  expect_error(file->tensor("fp4"), ErrorKind::unsupported, "\"fp4\" has type MXFP4");
  expect_error(file->tensor("new"), ErrorKind::unsupported, "type 77");
}

TEST(Gguf, ReadsFilesOfAnotherWriter) {
  const auto file = GgufFile::open(golden("gguf/q8_0.gguf"));
  ASSERT_TRUE(file.ok()) << file.error().message();
  EXPECT_EQ(file->metadata().get_string("general.architecture").value(), "llama");
  EXPECT_EQ(file->metadata().get_strings("tokenizer.ggml.tokens").value().size(), 512u);
  EXPECT_EQ(file->find("blk.0.ffn_down.weight")->shape, (tensor::Shape{256, 512}));
}

// Vocabularies of others may not be copied here: read where they lie, or named as skipped.
TEST(Gguf, ReadsFilesThatHoldAVocabularyOnly) {
  const char* goldens = std::getenv("LATHE_GOLDENS");
  const os::Path folder =
      os::Path(goldens != nullptr ? goldens : LATHE_SOURCE_DIR "/../shared/goldens") / "vocab";
  std::error_code failed;
  std::size_t read = 0;
  for (std::filesystem::directory_iterator at(folder, failed), end; !failed && at != end;
       at.increment(failed)) {
    if (at->path().extension() != ".gguf") continue;
    const auto file = GgufFile::open(at->path());
    ASSERT_TRUE(file.ok()) << file.error().message();
    EXPECT_TRUE(file->tensors().empty());
    EXPECT_GT(file->metadata().get_strings("tokenizer.ggml.tokens").value().size(), 10'000u);
    ++read;
  }
  if (read == 0) GTEST_SKIP() << "no vocabularies in " << folder;
}

}  // namespace
}  // namespace lathe::formats
