#include "formats/safetensors.h"

#include <gtest/gtest.h>

#include <array>

#include "formats/test_support.h"
#include "tensor/quantize.h"

namespace lathe::formats {
namespace {

using tensor::DType;
using tensor::NamedTensor;

std::string file_of(const std::string& header, std::size_t data_bytes) {
  return ByteBuilder()
      .number(std::uint64_t{header.size()})
      .raw(header)
      .raw(std::string(data_bytes, '\1'))
      .bytes();
}

Result<SafetensorsFile> parse(const std::string& bytes) {
  return SafetensorsFile::parse(bytes_of(bytes));
}
// A view of a temporary would dangle: only errors are looked at here.
void expect_refused(const std::string& header, std::size_t data_bytes, std::string_view part,
                    ErrorKind kind = ErrorKind::bad_input) {
  expect_error(parse(file_of(header, data_bytes)), kind, part);
}

class SafetensorsWriting : public testing::Test {
 protected:
  os::TemporaryDirectory scratch_ = os::TemporaryDirectory::make().value();
  os::Path path_ = scratch_.path() / "x.safetensors";
  std::array<float, 6> floats_{1, -2, 3.5f, 0, 1e-30f, 6};
  std::array<std::int64_t, 2> longs_{-1, std::int64_t{1} << 40};
  std::array<std::uint8_t, 3> octets_{1, 2, 3};
  std::vector<NamedTensor> tensors_{
      {"z", tensor::view_of(floats_, {2, 3})},
      {"odd", {DType::u8, {3}, std::as_bytes(std::span(octets_))}},
      {"a", {DType::i64, {2}, std::as_bytes(std::span(longs_))}},
      {"none", {DType::f32, {0, 4}, {}}},
      {"scalar", tensor::view_of(std::span(floats_).first(1), {})},
  };
};

TEST_F(SafetensorsWriting, RoundTrip) {
  ASSERT_TRUE(write_safetensors(path_, tensors_, {{"format", "pt"}, {"ü", "\n"}}).ok());
  const auto file = SafetensorsFile::open(path_);
  ASSERT_TRUE(file.ok()) << file.error().message();
  EXPECT_EQ(file->metadata().at("ü"), "\n");
  ASSERT_EQ(file->tensors().size(), tensors_.size());
  EXPECT_EQ(file->tensors().front().name, "a");
  for (const NamedTensor& want : tensors_) {
    const tensor::TensorView* got = file->find(want.name);
    ASSERT_NE(got, nullptr);
    EXPECT_EQ(got->dtype, want.view.dtype);
    EXPECT_EQ(got->shape, want.view.shape);
    EXPECT_TRUE(std::equal(got->bytes.begin(), got->bytes.end(), want.view.bytes.begin(),
                           want.view.bytes.end()));
    const auto address = reinterpret_cast<std::uintptr_t>(got->bytes.data());
    EXPECT_EQ(address % tensor::block_bytes(want.view.dtype), 0u) << want.name;
  }
  EXPECT_EQ(file->find("absent"), nullptr);
  expect_error(file->tensor("absent"), ErrorKind::not_found, "\"absent\"");
}

TEST_F(SafetensorsWriting, TheOrderGivenDoesNotMatter) {
  ASSERT_TRUE(write_safetensors(path_, tensors_).ok());
  const std::string first = os::read_file(path_).value();
  std::reverse(tensors_.begin(), tensors_.end());
  ASSERT_TRUE(write_safetensors(path_, tensors_).ok());
  EXPECT_EQ(os::read_file(path_).value(), first);
}

TEST_F(SafetensorsWriting, EveryCutIsAnError) {
  ASSERT_TRUE(write_safetensors(path_, tensors_).ok());
  const std::string whole = os::read_file(path_).value();
  for (std::size_t length = 0; length < whole.size(); ++length)
    EXPECT_FALSE(parse(whole.substr(0, length)).ok()) << length;
  EXPECT_FALSE(parse(whole + "x").ok());
}

TEST_F(SafetensorsWriting, BadTensorsAreRefusedAndWriteNothing) {
  const std::vector<NamedTensor> twice{tensors_[0], tensors_[0]};
  expect_error(write_safetensors(path_, twice), ErrorKind::bad_input, "\"z\"");
  const std::vector<NamedTensor> reserved{{"__metadata__", tensors_[0].view}};
  expect_error(write_safetensors(path_, reserved), ErrorKind::bad_input, "__metadata__");
  const auto quantized = tensor::quantize(tensor::DType::q8_0, std::vector<float>(32, 1.0f));
  const std::vector<NamedTensor> q8{{"q", {DType::q8_0, {32}, quantized}}};
  expect_error(write_safetensors(path_, q8), ErrorKind::unsupported, "q8_0");
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST(Safetensors, ReadsAFileOfTheReferenceWriter) {
  const auto file = SafetensorsFile::open(golden("llama/model.safetensors"));
  ASSERT_TRUE(file.ok()) << file.error().message();
  EXPECT_EQ(file->metadata().at("format"), "pt");
  EXPECT_EQ(file->find("model.norm.weight")->shape, tensor::Shape{64});
}

TEST(Safetensors, ErrorsNameTheFile) {
  const auto scratch = os::TemporaryDirectory::make().value();
  const os::Path path = scratch.path() / "short.safetensors";
  ASSERT_TRUE(os::write_file_atomically(path, "abc").ok());
  expect_error(SafetensorsFile::open(path), ErrorKind::bad_input, path.string());
  expect_error(SafetensorsFile::open(scratch.path() / "no"), ErrorKind::not_found, "no");
}

TEST(SafetensorsDamage, HeaderLength) {
  expect_error(parse(ByteBuilder().number(~std::uint64_t{0}).raw("{}").bytes()),
               ErrorKind::bad_input, "at most 100000000");
  expect_error(parse(ByteBuilder().number(std::uint64_t{3}).raw("{}").bytes()),
               ErrorKind::bad_input, "claims 3 bytes");
}

TEST(SafetensorsDamage, HeaderJson) {
  expect_refused("{\"a\":", 0, "JSON");
  expect_refused("[]", 0, "no object");
  expect_refused(std::string(50'000, '['), 0, "deeper", ErrorKind::limit);
  expect_refused(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                 R"("a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})",
                 1, "\"a\" stands twice");
  expect_refused(R"({"__metadata__":{"k":1}})", 0, "\"k\" is no string");
  expect_refused(R"({"__metadata__":[]})", 0, "no object");
}

TEST(SafetensorsDamage, Entries) {
  expect_refused(R"({"a":1})", 0, "tensor \"a\"");
  expect_refused(R"({"a":{"dtype":"U8","shape":[1]}})", 1, "tensor \"a\"");
  expect_refused(R"({"a":{"dtype":7,"shape":[1],"data_offsets":[0,1]}})", 1, "dtype");
  expect_refused(R"({"a":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}})", 1, "F8_E4M3",
                 ErrorKind::unsupported);
  expect_refused(R"({"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,1]}})", 1, "shape holds -1");
  expect_refused(R"({"a":{"dtype":"U8","shape":[1.5],"data_offsets":[0,1]}})", 1, "shape holds");
  expect_refused(R"({"a":{"dtype":"U8","shape":{},"data_offsets":[0,1]}})", 1, "shape");
  expect_refused(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0]}})", 1, "no pair");
}

TEST(SafetensorsDamage, ShapesThatOverflow) {
  expect_refused(R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}})", 0,
                 "overflows");
  expect_refused(R"({"a":{"dtype":"F64","shape":[4611686018427387904],"data_offsets":[0,0]}})", 0,
                 "overflows");
}

TEST(SafetensorsDamage, Offsets) {
  expect_refused(R"({"a":{"dtype":"U8","shape":[9],"data_offsets":[0,9]}})", 8, "outside the 8");
  expect_refused(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[1,0]}})", 8, "outside");
  expect_refused(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", 4, "takes 8 bytes");
}

TEST(SafetensorsDamage, OverlapGapAndRest) {
  const auto two = [](int begin, int end) {
    return R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[)" +
           std::to_string(end - begin) + R"(],"data_offsets":[)" + std::to_string(begin) + "," +
           std::to_string(end) + "]}}";
  };
  EXPECT_TRUE(parse(file_of(two(4, 8), 8)).ok());
  expect_refused(two(3, 8), 8, "tensor \"b\": it begins at 3, which overlaps");
  expect_refused(two(5, 8), 8, "tensor \"b\": it begins at 5, which leaves a gap");
  expect_refused(two(4, 7), 8, "end at 7 of 8 bytes");
}

}  // namespace
}  // namespace lathe::formats
