#include "formats/converted_model.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "base/half.h"
#include "formats/decoder_tensors.h"
#include "formats/gguf.h"
#include "formats/model_writer.h"
#include "formats/safetensors.h"
#include "formats/test_support.h"
#include "tensor/quantize.h"

namespace lathe::formats {
namespace {

using tensor::DType;
using tensor::TensorView;
using Target = ConversionPlan::Target;

bool same(const TensorView& a, const TensorView& b) {
  return a.dtype == b.dtype && a.shape == b.shape && std::ranges::equal(a.bytes, b.bytes);
}

class Conversion : public testing::Test {
 protected:
  ConvertedModel convert(const ModelSource& source, Target target,
                         std::optional<DType> wanted = std::nullopt) {
    std::size_t seen = 0;
    auto made = ConvertedModel::make(source, {target, wanted, scratch_.path()}, serial_,
                                     [&](std::size_t done, std::size_t) { seen = done; });
    EXPECT_TRUE(made.ok()) << made.error().message();
    EXPECT_EQ(seen, source.tensor_names().size());
    return std::move(made).value();
  }
  // Writes a converted model as GGUF or folder and opens it again.
  ModelSource written(const ConvertedModel& converted, const std::string& name) {
    std::vector<tensor::NamedTensor> tensors;
    for (const std::string& tensor : converted.model().tensor_names())
      tensors.push_back({tensor, converted.model().tensor(tensor).value()});
    const os::Path path = scratch_.path() / name;
    const auto& config = converted.model().config();
    const Status done = path.extension() == ".gguf" ? write_model_gguf(path, config, tensors, {})
                                                    : write_model_folder(path, config, tensors, {});
    EXPECT_TRUE(done.ok()) << done.error().message();
    return ModelSource::open(path).value();
  }
  // The same values in every tensor; the same types too where `types` says so.
  void expect_same(const ModelSource& a, const ModelSource& b, bool types) {
    EXPECT_EQ(a.config(), b.config());
    for (const std::string& name : a.tensor_names()) {
      const TensorView left = a.tensor(name).value(), right = b.tensor(name).value();
      if (types) {
        EXPECT_TRUE(same(left, right)) << name;
      }
      EXPECT_EQ(tensor::to_f32(left).value(), tensor::to_f32(right).value()) << name;
    }
  }
  // A folder with the weights of a golden in another plain type, vectors included.
  ModelSource all_in(const char* golden_name, DType dtype) {
    const ModelSource source = ModelSource::open(golden(golden_name)).value();
    std::vector<tensor::NamedTensor> tensors;
    std::vector<std::vector<std::uint16_t>> halves;
    for (const std::string& name : source.tensor_names()) {
      const TensorView view = source.tensor(name).value();
      const auto floats = tensor::to_f32(view).value();
      std::vector<std::uint16_t> bits;
      for (const float x : floats)
        bits.push_back(dtype == DType::f16 ? f32_to_f16(x) : f32_to_bf16(x));
      halves.push_back(std::move(bits));
      tensors.push_back({name, {dtype, view.shape, std::as_bytes(std::span(halves.back()))}});
    }
    const os::Path path = scratch_.path() / ("all-" + std::string(tensor::to_string(dtype)));
    EXPECT_TRUE(write_model_folder(path, source.config(), tensors, {}).ok());
    return ModelSource::open(path).value();
  }

  os::TemporaryDirectory scratch_ = os::TemporaryDirectory::make().value();
  SerialParallel serial_;
};

TEST_F(Conversion, WhatIsNotAskedForStays) {
  const ModelSource source = ModelSource::open(golden("llama")).value();
  const ConvertedModel kept = convert(source, Target::folder);
  EXPECT_FALSE(kept.changed());
  expect_same(source, kept.model(), true);
  EXPECT_FALSE(convert(source, Target::folder, DType::f32).changed());
}

// Folder, GGUF, folder: the same bits in each 16-bit type, with vectors as f32 between.
TEST_F(Conversion, SixteenBitFoldersComeBackFromGgufWithTheirBits) {
  for (const DType dtype : {DType::f16, DType::bf16}) {
    const ModelSource source = all_in("llama", dtype);
    const ConvertedModel there = convert(source, Target::gguf);
    EXPECT_TRUE(there.changed());
    const std::string name(tensor::to_string(dtype));
    const ModelSource file = written(there, name + ".gguf");
    expect_same(source, file, false);
    EXPECT_EQ(file.tensor("model.norm.weight")->dtype, DType::f32);
    const ModelSource back = written(convert(file, Target::folder), name);
    expect_same(source, back, true);
  }
}

TEST_F(Conversion, ShardsAndTiedEmbeddingsComeBackFromGguf) {
  const ModelSource source = ModelSource::open(golden("llama-tied-bf16-sharded")).value();
  const ModelSource file = written(convert(source, Target::gguf), "tied.gguf");
  const ModelSource back = written(convert(file, Target::folder), "tied");
  expect_same(source, back, true);
}

// GGUF, folder, GGUF for what other programs wrote: block types lose nothing by way of f32.
TEST_F(Conversion, GgufFilesComeBackFromAFolder) {
  for (const char* name : {"f16", "q8_0", "q4_0", "q4_k_m", "q6_k"}) {
    const ModelSource source =
        ModelSource::open(golden("gguf/" + std::string(name) + ".gguf")).value();
    const ModelSource again =
        written(convert(source, Target::gguf), std::string(name) + "-again.gguf");
    expect_same(source, again, true);
    const ModelSource folder =
        written(convert(source, Target::folder, DType::f32), std::string(name) + "-folder");
    expect_same(source, folder, false);
    const ModelSource back =
        written(convert(folder, Target::gguf), std::string(name) + "-back.gguf");
    expect_same(source, back, false);
  }
}

TEST_F(Conversion, BlocksAreTheQuantizersAndOfWholeRows) {
  const ModelSource source = ModelSource::open(golden("gguf/f16.gguf")).value();  // width 256
  for (const DType type : {DType::q8_0, DType::q6_k, DType::q4_k, DType::q4_0}) {
    const ConvertedModel converted = convert(source, Target::gguf, type);
    std::size_t tensors = 0;
    for (const TypeChange& change : converted.report()) {
      tensors += change.tensors;
      if (change.reason != TypeReason::asked) continue;
      EXPECT_EQ(change.to, type);
      EXPECT_EQ(change.bytes_after,
                change.bytes_before / 2 / tensor::block_elements(type) * tensor::block_bytes(type));
    }
    EXPECT_EQ(tensors, source.tensor_names().size());
    const std::string name = source.tensor_names()[2];
    const auto values = tensor::to_f32(source.tensor(name).value()).value();
    const TensorView view = converted.model().tensor(name).value();
    ASSERT_EQ(view.dtype, type) << name;
    EXPECT_TRUE(std::ranges::equal(view.bytes, tensor::quantize(type, values)));
    expect_same(converted.model(), written(converted, "x.gguf"), true);
  }
}

TEST_F(Conversion, RowsThatAreNoWholeBlocksAreCounted) {
  const ModelSource source = ModelSource::open(golden("llama")).value();  // width 64
  const ConvertedModel converted = convert(source, Target::gguf, DType::q4_k);
  std::size_t fell = 0, matrices = 0;
  for (const TypeChange& change : converted.report()) {
    if (change.reason != TypeReason::rows) continue;
    EXPECT_EQ(change.to, DType::q8_0);
    fell += change.tensors;
  }
  for (const std::string& name : source.tensor_names())
    matrices += source.tensor(name)->shape.size() == 2 ? 1 : 0;
  EXPECT_EQ(fell, matrices);
  EXPECT_EQ(to_string(TypeReason::rows, DType::q4_k), "rows are no whole blocks of q4_k");
}

// A router decides which experts work: it keeps its type.
TEST_F(Conversion, RoutersKeepTheirType) {
  const os::Path folder = os::Path(LATHE_SOURCE_DIR) / "testdata/families/mixtral";
  const ModelSource source = ModelSource::open(folder).value();
  const ConvertedModel converted = convert(source, Target::gguf, DType::q8_0);
  bool saw_router = false;
  for (const ExpectedTensor& t : expected_tensors(source.config())) {
    if (t.part != Part::router) continue;
    saw_router = true;
    EXPECT_EQ(converted.model().tensor(t.name)->dtype, source.tensor(t.name)->dtype);
  }
  EXPECT_TRUE(saw_router);
  EXPECT_TRUE(std::ranges::any_of(converted.report(), [](const TypeChange& change) {
    return change.reason == TypeReason::precision && change.tensors > 0;
  }));
}

TEST_F(Conversion, AWeightThatIsNoNumberIsNamed) {
  const ModelSource source = ModelSource::open(golden("llama")).value();
  std::vector<tensor::NamedTensor> tensors;
  for (const std::string& name : source.tensor_names())
    tensors.push_back({name, source.tensor(name).value()});
  auto damaged = tensor::to_f32(tensors[3].view).value();
  damaged[5] = std::numeric_limits<float>::quiet_NaN();
  tensors[3].view = tensor::view_of(damaged, tensors[3].view.shape);
  const os::Path folder = scratch_.path() / "nan";
  ASSERT_TRUE(write_model_folder(folder, source.config(), tensors, {}).ok());
  const ModelSource bad = ModelSource::open(folder).value();
  const auto made = ConvertedModel::make(bad, {Target::gguf, DType::q8_0, scratch_.path()}, serial_,
                                         [](std::size_t, std::size_t) {});
  ASSERT_FALSE(made.ok());
  EXPECT_NE(made.error().message().find(tensors[3].name), std::string::npos)
      << made.error().message();
}

}  // namespace
}  // namespace lathe::formats
