// Models of every family through both formats: the same config and the same weights come back.
#include <gtest/gtest.h>

#include <algorithm>

#include "formats/families/family.h"
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
  void expect_same_weights(const ModelSource& back) const {
    for (const tensor::NamedTensor& w : weights_) {
      EXPECT_TRUE(std::ranges::equal(tensor::to_f32(back.tensor(w.name).value()).value(),
                                     tensor::to_f32(w.view).value()))
          << w.name;
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
  const RopeScaling& scaling = model_->config().rope.scaling;
  const bool in_gguf = find_decoder_family(model_->config().family).value()->in_gguf;
  if (!in_gguf || !model_->config().windows.empty() || !scaling.truncate) {
    ASSERT_FALSE(written.ok());
    EXPECT_EQ(written.error().kind, ErrorKind::unsupported);
    EXPECT_FALSE(std::filesystem::exists(file));
    return;
  }
  ASSERT_TRUE(written.ok()) << written.error().message();
  const auto back = ModelSource::open(file);
  ASSERT_TRUE(back.ok()) << back.error().message();
  DecoderConfig expected = model_->config();
  // Changes nothing within the context, and GGUF cannot say it.
  if (expected.rope.scaling.kind == RopeScaling::Kind::dynamic) expected.rope.scaling = {};
  // GGUF keeps the factor as f32.
  EXPECT_NEAR(back->config().rope.scaling.attention_factor, scaling.attention_factor, 1e-6);
  expected.rope.scaling.attention_factor = back->config().rope.scaling.attention_factor;
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
