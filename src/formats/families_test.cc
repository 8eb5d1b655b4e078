// Models of every family through both formats: the same config and the same weights come back.
#include <gtest/gtest.h>

#include <algorithm>

#include "formats/model_source.h"
#include "formats/model_writer.h"
#include "formats/test_support.h"

namespace lathe::formats {
namespace {

std::vector<os::Path> models() {
  std::vector<os::Path> found = {golden("qwen2"), golden("falcon-7b-layout")};
  for (const auto& entry :
       std::filesystem::directory_iterator(os::Path(LATHE_SOURCE_DIR) / "testdata/families"))
    found.push_back(entry.path());
  return found;
}

class FamilyModel : public testing::TestWithParam<os::Path> {
 protected:
  void SetUp() override {
    auto opened = ModelSource::open(GetParam());
    ASSERT_TRUE(opened.ok()) << opened.error().message();
    model_.emplace(std::move(opened).value());
    for (const std::string& name : model_->tensor_names())
      weights_.push_back({name, model_->tensor(name).value()});
  }
  // Norms of Gemma are stored with 1 added: what the model computes with has the same bits.
  void expect_same_weights(const ModelSource& back) const {
    for (const tensor::NamedTensor& w : weights_) {
      std::vector<float> read = tensor::to_f32(back.tensor(w.name).value()).value();
      std::vector<float> written = tensor::to_f32(w.view).value();
      if (w.view.shape.size() == 1 && w.name.ends_with("norm.weight")) {
        const auto offset = static_cast<float>(model_->config().norm_offset);
        for (float& value : read) value += offset;
        for (float& value : written) value += offset;
      }
      EXPECT_EQ(read, written) << w.name;
    }
  }

  os::TemporaryDirectory scratch_ = os::TemporaryDirectory::make().value();
  std::optional<ModelSource> model_;
  std::vector<tensor::NamedTensor> weights_;
};

TEST_P(FamilyModel, FolderRoundTrip) {
  const os::Path folder = scratch_.path() / "model";
  const Status written = write_model_folder(folder, model_->config(), weights_, {});
  ASSERT_TRUE(written.ok()) << written.error().message();
  const auto back = ModelSource::open(folder);
  ASSERT_TRUE(back.ok()) << back.error().message();
  EXPECT_EQ(back->config(), model_->config());
  expect_same_weights(*back);
}

TEST_P(FamilyModel, GgufRoundTripOrAReason) {
  const os::Path file = scratch_.path() / "model.gguf";
  const Status written = write_model_gguf(file, model_->config(), weights_, {});
  DecoderConfig expected = model_->config();
  const RopeScaling none;
  const bool scales_windows = expected.window_rope && expected.window_rope->scaling != none;
  const bool has_own_scale = expected.family == "gpt2" && expected.query_scale != 0;
  if (!expected.rope.scaling.truncate || scales_windows || has_own_scale ||
      expected.scores_by_layer || expected.rope.exponent_dim != 0) {
    expect_error(written, ErrorKind::unsupported, "");
    EXPECT_FALSE(std::filesystem::exists(file));
    return;
  }
  ASSERT_TRUE(written.ok()) << written.error().message();
  const auto back = ModelSource::open(file);
  ASSERT_TRUE(back.ok()) << back.error().message();
  // GGUF keeps these as f32.
  const DecoderConfig& read = back->config();
  EXPECT_NEAR(read.rope.scaling.attention_factor, expected.rope.scaling.attention_factor, 1e-6);
  EXPECT_EQ(static_cast<float>(read.query_scale), static_cast<float>(expected.query_scale));
  expected.rope.scaling.attention_factor = read.rope.scaling.attention_factor;
  expected.query_scale = read.query_scale;
  EXPECT_EQ(read, expected);
  expect_same_weights(*back);
}

// And from there into a folder again.
TEST_P(FamilyModel, GgufToFolderKeepsTheModel) {
  const os::Path file = scratch_.path() / "model.gguf";
  if (!write_model_gguf(file, model_->config(), weights_, {}).ok()) GTEST_SKIP() << "not in GGUF";
  const auto gguf = ModelSource::open(file).value();
  std::vector<tensor::NamedTensor> weights;
  for (const std::string& name : gguf.tensor_names())
    weights.push_back({name, gguf.tensor(name).value()});
  const os::Path folder = scratch_.path() / "model";
  const Status written = write_model_folder(folder, gguf.config(), weights, {});
  ASSERT_TRUE(written.ok()) << written.error().message();
  const auto back = ModelSource::open(folder);
  ASSERT_TRUE(back.ok()) << back.error().message();
  DecoderConfig expected = gguf.config();
  EXPECT_NEAR(back->config().query_scale, expected.query_scale, 1e-7);
  expected.query_scale = back->config().query_scale;
  EXPECT_EQ(back->config(), expected);
  expect_same_weights(*back);
}

INSTANTIATE_TEST_SUITE_P(All, FamilyModel, testing::ValuesIn(models()), [](const auto& test) {
  std::string name = test.param.filename().string();
  std::ranges::replace(name, '-', '_');
  return name;
});

}  // namespace
}  // namespace lathe::formats
