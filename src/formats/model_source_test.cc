#include "formats/model_source.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "formats/safetensors.h"

namespace lathe::formats {
namespace {

using tensor::TensorView;

const os::Path kGoldens = os::Path(LATHE_SOURCE_DIR) / "testdata/goldens";

std::vector<float> values(const Result<TensorView>& view) {
  EXPECT_TRUE(view.ok()) << view.error().message();
  return tensor::to_f32(*view).value();
}

void expect_every_tensor_reads(const ModelSource& model) {
  const auto expected = expected_tensors(model.config());
  ASSERT_EQ(model.tensor_names().size(), expected.size());
  for (const ExpectedTensor& e : expected) {
    const auto view = model.tensor(e.name);
    ASSERT_TRUE(view.ok()) << view.error().message();
    EXPECT_EQ(view->shape, e.shape) << e.name;
  }
}

TEST(ModelSource, ReadsAFolder) {
  const auto model = ModelSource::open(kGoldens / "llama");
  ASSERT_TRUE(model.ok()) << model.error().message();
  EXPECT_EQ(model->kind(), ModelSource::Kind::huggingface);
  EXPECT_EQ(model->gguf(), nullptr);
  EXPECT_EQ(model->config().kv_heads, 2);
  EXPECT_EQ(model->config().eos_ids, std::vector<std::int64_t>{2});
  expect_every_tensor_reads(*model);
  EXPECT_FALSE(model->tensor("model.layers.3.input_layernorm.weight").ok());
  EXPECT_FALSE(model->tokenizer_json().ok());
  EXPECT_EQ(model->chat_template().value(), std::nullopt);
}

TEST(ModelSource, ReadsShardsAndTiedEmbeddings) {
  const auto model = ModelSource::open(kGoldens / "llama-tied-bf16-sharded");
  ASSERT_TRUE(model.ok()) << model.error().message();
  EXPECT_TRUE(model->config().tied_embeddings);
  expect_every_tensor_reads(*model);
  EXPECT_EQ(model->tensor("model.embed_tokens.weight")->dtype, tensor::DType::bf16);
  EXPECT_FALSE(model->tensor("lm_head.weight").ok());
}

TEST(ModelSource, ReadsLlama3Rope) {
  const auto model = ModelSource::open(kGoldens / "llama-rope-llama3");
  ASSERT_TRUE(model.ok()) << model.error().message();
  EXPECT_EQ(model->config().rope.scaling.kind, RopeScaling::Kind::llama3);
  EXPECT_EQ(model->config().rope.theta, 500000);
  EXPECT_EQ(model->config().rope.scaling.original_positions, 16);
}

class GgufGolden : public testing::TestWithParam<const char*> {};

TEST_P(GgufGolden, ValuesAreTheOracles) {
  const auto model = ModelSource::open(kGoldens / "gguf" / (std::string(GetParam()) + ".gguf"));
  ASSERT_TRUE(model.ok()) << model.error().message();
  expect_every_tensor_reads(*model);
  const auto oracle =
      SafetensorsFile::open(kGoldens / "gguf" / (std::string(GetParam()) + ".safetensors")).value();
  std::size_t compared = 0;
  for (const auto& [name, view] : oracle.tensors()) {
    if (!name.starts_with("weight:")) continue;
    const auto want = tensor::to_f32(view).value();
    const auto got = values(model->gguf()->tensor(name.substr(7)));
    ASSERT_EQ(got.size(), want.size());
    for (std::size_t i = 0; i < got.size(); ++i)
      ASSERT_LE(std::fabs(got[i] - want[i]), std::fabs(want[i]) * 0x1p-23f) << name << " " << i;
    ++compared;
  }
  EXPECT_GE(compared, 3u);
}

INSTANTIATE_TEST_SUITE_P(Types, GgufGolden, testing::Values("f16", "q8_0"));

}  // namespace
}  // namespace lathe::formats
