// What GGUF files of each family say (testdata/gguf, by another writer): windows, angles, experts,
// and what is refused. Their logits are tested where models run.
#include <gtest/gtest.h>

#include <algorithm>

#include "formats/gguf_parts.h"
#include "formats/model_source.h"
#include "formats/model_writer.h"
#include "formats/test_support.h"

namespace lathe::formats {
namespace {

os::Path file_of(const std::string& name) {
  return os::Path(LATHE_SOURCE_DIR) / "testdata/gguf" / (name + ".gguf");
}

// A file's metadata and tensors, to be written again with one thing changed.
class GgufFamily : public testing::Test {
 protected:
  void take(const std::string& name) {
    auto opened = GgufFile::open(file_of(name));
    ASSERT_TRUE(opened.ok()) << opened.error().message();
    file_.emplace(std::move(opened).value());
    metadata_ = file_->metadata();
    tensors_.clear();
    for (const GgufTensorInfo& info : file_->tensors())
      tensors_.push_back({info.name, file_->tensor(info.name).value()});
  }
  tensor::NamedTensor& tensor(std::string_view name) {
    return *std::ranges::find(tensors_, name, &tensor::NamedTensor::name);
  }
  Result<ModelSource> open() {
    EXPECT_TRUE(write_gguf(path_, metadata_, tensors_).ok());
    return ModelSource::open(path_);
  }
  DecoderConfig config() {
    const auto model = open();
    EXPECT_TRUE(model.ok()) << model.error().message();
    return model.ok() ? model->config() : DecoderConfig();
  }
  void refused(const char* key, GgufValue value, ErrorKind kind, std::string_view part) {
    const GgufMetadata whole = metadata_;
    metadata_.set(key, std::move(value));
    expect_error(open(), kind, part);
    metadata_ = whole;
  }

  os::TemporaryDirectory scratch_ = os::TemporaryDirectory::make().value();
  os::Path path_ = scratch_.path() / "x.gguf";
  std::optional<GgufFile> file_;
  GgufMetadata metadata_;
  std::vector<tensor::NamedTensor> tensors_;
};

TEST_F(GgufFamily, GemmasWindowsAndScales) {
  take("gemma2");
  EXPECT_EQ(config().windows, (std::vector<std::int64_t>{7, 0}));
  EXPECT_EQ(config().query_scale, 0.25);  // 1 / sqrt(16)
  EXPECT_EQ(config().attention_softcap, 3);
  metadata_.set("gemma2.attention.scale", 0.5f);
  metadata_.set("gemma2.attention.sliding_window_pattern", std::uint32_t{0});
  EXPECT_EQ(config().windows, (std::vector<std::int64_t>{7, 7}));
  EXPECT_EQ(config().query_scale, 0.5);
  metadata_.set("gemma2.attention.sliding_window_pattern", std::uint32_t{1});
  EXPECT_TRUE(config().windows.empty());
  metadata_.set("gemma2.attention.sliding_window_pattern",
                GgufArray(std::vector<bool>{false, true}));
  EXPECT_EQ(config().windows, (std::vector<std::int64_t>{0, 7}));
  refused("gemma2.attention.sliding_window_pattern", GgufArray(std::vector<bool>{true}),
          ErrorKind::bad_input, "1 entries for 2 layers");
  take("gemma3");
  EXPECT_EQ(config().windows, (std::vector<std::int64_t>{7, 7, 7, 7, 7, 0, 7}));
  EXPECT_EQ(config().window_rope->theta, 10000);
  metadata_.set("gemma3.rope.freq_base_swa", 500.0f);
  EXPECT_EQ(config().window_rope->theta, 500);
}

TEST_F(GgufFamily, AWindowMakesALlamaAMistral) {
  take("llama-linear");
  EXPECT_EQ(config().family, "llama");
  metadata_.set("llama.attention.sliding_window", std::uint32_t{5});
  EXPECT_EQ(config().family, "mistral");
  EXPECT_EQ(config().windows, (std::vector<std::int64_t>{5, 5}));
  take("qwen2");
  refused("qwen2.attention.sliding_window", std::uint32_t{5}, ErrorKind::unsupported,
          "which layers it holds for");
}

TEST_F(GgufFamily, TiedEmbeddingsMayStandTwice) {
  take("gpt2");
  EXPECT_TRUE(config().tied_embeddings);
  std::vector<float> head = tensor::to_f32(tensor("output.weight").view).value();
  head[3] += 1;
  tensor("output.weight").view = tensor::view_of(head, tensor("output.weight").view.shape);
  EXPECT_FALSE(config().tied_embeddings);
}

TEST_F(GgufFamily, LongRopeNeedsBothSets) {
  take("phi3-longrope");
  EXPECT_EQ(config().rope.scaling.kind, RopeScaling::Kind::longrope);
  EXPECT_EQ(config().rope.scaling.long_factors, (std::vector<float>{1.5, 2, 3, 4}));
  std::erase_if(tensors_, [](const auto& t) { return t.name == "rope_factors_long.weight"; });
  expect_error(open(), ErrorKind::bad_input, "rope_factors_long.weight is missing");
  take("phi3-longrope");
  tensor("rope_factors_long.weight").name = "rope_freqs.weight";
  expect_error(open(), ErrorKind::unsupported, "together with factors");
}

TEST_F(GgufFamily, ExpertsMustFitTheirCount) {
  for (const char* name : {"mixtral", "mixtral-q4_0"}) {
    take(name);
    EXPECT_EQ(config().family, "mixtral");
    refused("llama.expert_count", std::uint32_t{5}, ErrorKind::bad_input, "blk.0.ffn_gate_inp");
    refused("llama.expert_count", std::uint32_t{1} << 30, ErrorKind::bad_input, "experts");
    refused("llama.expert_used_count", std::uint32_t{5}, ErrorKind::bad_input,
            "num_experts_per_tok");
    refused("llama.expert_shared_count", std::uint32_t{1}, ErrorKind::unsupported,
            "expert_shared_count");
    refused("llama.expert_gating_func", std::uint32_t{2}, ErrorKind::unsupported, "gating_func");
    tensor("blk.1.ffn_down_exps.weight").view.shape = {2, 64, 32};
    expect_error(open(), ErrorKind::bad_input, "tensor \"blk.1.ffn_down_exps.weight\"");
  }
  take("mixtral-one_by_one");
  std::erase_if(tensors_, [](const auto& t) { return t.name == "blk.1.ffn_up.3.weight"; });
  expect_error(open(), ErrorKind::bad_input, "missing: \"blk.1.ffn_up.3.weight\"");
  take("qwen3");
  refused("qwen3.expert_count", std::uint32_t{4}, ErrorKind::unsupported, "no mixture of experts");
}

TEST_F(GgufFamily, NamesThatLeadElsewhereAreNamesOnly) {
  take("qwen2");
  tensors_.push_back({"../../blk.0.attn_q.weight", tensors_.front().view});
  expect_error(open(), ErrorKind::unsupported, "\"../../blk.0.attn_q.weight\"");
}

TEST_F(GgufFamily, UnknownKeysOfTheArchitectureAreRefused) {
  take("falcon-7b");
  refused("falcon.attention.clamp_kqv", 3.0f, ErrorKind::unsupported, "clamp_kqv");
  refused("falcon.attention.max_alibi_bias", 4.0f, ErrorKind::unsupported, "max_alibi_bias");
  refused("falcon.rope.freq_base_swa", std::string("x"), ErrorKind::bad_input, "freq_base_swa");
}

// Another writer's file through ours: the same config, and values with the same bits.
TEST(GgufFamilies, SurviveReadingAndWriting) {
  const auto scratch = os::TemporaryDirectory::make().value();
  std::size_t models = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(os::Path(LATHE_SOURCE_DIR) / "testdata/gguf")) {
    const os::Path& path = entry.path();
    if (path.extension() != ".gguf" || is_later_gguf_part(path.filename().string())) continue;
    SCOPED_TRACE(path.filename().string());
    const auto model = ModelSource::open(path);
    ASSERT_TRUE(model.ok()) << model.error().message();
    std::vector<tensor::NamedTensor> weights;
    for (const std::string& name : model->tensor_names())
      weights.push_back({name, model->tensor(name).value()});
    const Status written =
        write_model_gguf(scratch.path() / "x.gguf", model->config(), weights, {});
    ASSERT_TRUE(written.ok()) << written.error().message();
    const auto back = ModelSource::open(scratch.path() / "x.gguf");
    ASSERT_TRUE(back.ok()) << back.error().message();
    EXPECT_EQ(back->config(), model->config());
    for (const tensor::NamedTensor& w : weights)
      EXPECT_TRUE(std::ranges::equal(back->tensor(w.name).value().bytes, w.view.bytes)) << w.name;
    ++models;
  }
  EXPECT_GE(models, 21u);
}

}  // namespace
}  // namespace lathe::formats
