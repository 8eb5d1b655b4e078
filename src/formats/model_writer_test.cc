#include "formats/model_writer.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/half.h"
#include "formats/gguf_names.h"
#include "formats/model_source.h"
#include "formats/safetensors.h"
#include "formats/test_support.h"
#include "tensor/quantize.h"

namespace lathe::formats {
namespace {

using tensor::DType;
using tensor::NamedTensor;
using tensor::TensorView;

// Every weight of an open model, as views.
std::vector<NamedTensor> weights_of(const ModelSource& model) {
  std::vector<NamedTensor> all;
  for (const std::string& name : model.tensor_names())
    all.push_back({name, model.tensor(name).value()});
  return all;
}

bool same_bytes(const TensorView& a, const TensorView& b) {
  return a.dtype == b.dtype && a.shape == b.shape && std::ranges::equal(a.bytes, b.bytes);
}

class ModelWriting : public testing::Test {
 protected:
  void SetUp() override {
    auto source = ModelSource::open(golden("llama"));
    ASSERT_TRUE(source.ok()) << source.error().message();
    model_.emplace(std::move(source).value());
    weights_ = weights_of(*model_);
  }
  NamedTensor& weight(std::string_view name) {
    return *std::ranges::find(weights_, name, &NamedTensor::name);
  }

  os::TemporaryDirectory scratch_ = os::TemporaryDirectory::make().value();
  os::Path folder_ = scratch_.path() / "model";
  os::Path gguf_ = scratch_.path() / "model.gguf";
  std::optional<ModelSource> model_;
  std::vector<NamedTensor> weights_;
};

TEST_F(ModelWriting, FolderRoundTrip) {
  const ModelTexts texts{
      .tokenizer_json = "{}", .tokenizer_config_json = R"({"a":1})", .chat_template = "{{ x }}"};
  ASSERT_TRUE(write_model_folder(folder_, model_->config(), weights_, texts).ok());
  const auto back = ModelSource::open(folder_);
  ASSERT_TRUE(back.ok()) << back.error().message();
  EXPECT_EQ(back->config(), model_->config());
  for (const NamedTensor& w : weights_)
    EXPECT_TRUE(same_bytes(back->tensor(w.name).value(), w.view)) << w.name;
  EXPECT_EQ(back->tokenizer_json().value(), "{}");
  EXPECT_EQ(back->tokenizer_config_json().value(), R"({"a":1})");
  EXPECT_EQ(back->chat_template().value(), "{{ x }}");
  expect_error(write_model_folder(folder_, model_->config(), weights_, {}),
               ErrorKind::already_exists, "model");
}

TEST_F(ModelWriting, GgufRoundTrip) {
  GgufMetadata extra;
  extra.set("general.name", std::string("golden"));
  extra.set("tokenizer.chat_template", std::string("{{ x }}"));
  extra.set("tokenizer.huggingface.json", std::string("{}"));
  ASSERT_TRUE(write_model_gguf(gguf_, model_->config(), weights_, extra).ok());
  const auto back = ModelSource::open(gguf_);
  ASSERT_TRUE(back.ok()) << back.error().message();
  EXPECT_EQ(back->kind(), ModelSource::Kind::gguf);
  EXPECT_EQ(back->config(), model_->config());
  for (const NamedTensor& w : weights_)
    EXPECT_TRUE(same_bytes(back->tensor(w.name).value(), w.view)) << w.name;
  EXPECT_EQ(back->chat_template().value(), "{{ x }}");
  EXPECT_EQ(back->tokenizer_json().value(), "{}");
  EXPECT_EQ(back->gguf()->metadata().get_string("general.name").value(), "golden");
}

TEST_F(ModelWriting, GgufStoresQueriesInterleavedAndVectorsInF32) {
  ASSERT_TRUE(write_model_gguf(gguf_, model_->config(), weights_, {}).ok());
  const auto file = GgufFile::open(gguf_).value();
  const auto stored = tensor::to_f32(file.tensor("blk.0.attn_q.weight").value()).value();
  const auto split =
      tensor::to_f32(model_->tensor("model.layers.0.self_attn.q_proj.weight").value()).value();
  // Head 1 (rows 16 … 31 of 64 columns): row 16 + 3 holds pair 1's second half, row 16 + 8 + 1.
  EXPECT_TRUE(
      std::equal(stored.begin() + 19 * 64, stored.begin() + 20 * 64, split.begin() + 25 * 64));
  EXPECT_EQ(file.find("blk.0.attn_norm.weight")->type, 0u);
}

TEST_F(ModelWriting, Llama3RopeSurvivesGguf) {
  const auto llama3 = ModelSource::open(golden("llama-rope-llama3")).value();
  ASSERT_TRUE(write_model_gguf(gguf_, llama3.config(), weights_of(llama3), {}).ok());
  const auto back = ModelSource::open(gguf_);
  ASSERT_TRUE(back.ok()) << back.error().message();
  EXPECT_EQ(back->config(), llama3.config());
  EXPECT_EQ(back->gguf()->find("rope_freqs.weight")->shape, tensor::Shape{8});
}

TEST_F(ModelWriting, TiedBf16SurvivesGgufAndKeepsItsBits) {
  const auto tied = ModelSource::open(golden("llama-tied-bf16-sharded")).value();
  ASSERT_TRUE(write_model_gguf(gguf_, tied.config(), weights_of(tied), {}).ok());
  const auto back = ModelSource::open(gguf_);
  ASSERT_TRUE(back.ok()) << back.error().message();
  EXPECT_EQ(back->config(), tied.config());
  const char* matrix = "model.layers.1.self_attn.k_proj.weight";
  EXPECT_TRUE(same_bytes(back->tensor(matrix).value(), tied.tensor(matrix).value()));
  const char* norm = "model.norm.weight";
  EXPECT_EQ(tensor::to_f32(back->tensor(norm).value()).value(),
            tensor::to_f32(tied.tensor(norm).value()).value());
}

TEST_F(ModelWriting, Q8RowsMoveWhole) {
  std::vector<std::vector<std::byte>> blocks;
  for (NamedTensor& w : weights_) {
    if (w.view.shape.size() != 2) continue;
    blocks.push_back(tensor::quantize(tensor::DType::q8_0, tensor::to_f32(w.view).value()));
    w.view = {DType::q8_0, w.view.shape, blocks.back()};
  }
  ASSERT_TRUE(write_model_gguf(gguf_, model_->config(), weights_, {}).ok());
  const auto back = ModelSource::open(gguf_);
  ASSERT_TRUE(back.ok()) << back.error().message();
  for (const NamedTensor& w : weights_)
    EXPECT_TRUE(same_bytes(back->tensor(w.name).value(), w.view)) << w.name;
  EXPECT_EQ(back->gguf()->metadata().get_int("general.file_type").value(), 7);
  expect_error(write_model_folder(folder_, model_->config(), weights_, {}), ErrorKind::unsupported,
               "q8_0");
}

TEST_F(ModelWriting, AnotherWritersGgufSurvivesWriting) {
  const auto other = ModelSource::open(golden("gguf/q8_0.gguf")).value();
  ASSERT_TRUE(write_model_gguf(gguf_, other.config(), weights_of(other), {}).ok());
  const auto back = GgufFile::open(gguf_).value();
  for (const GgufTensorInfo& info : other.gguf()->tensors())
    EXPECT_TRUE(same_bytes(back.tensor(info.name).value(), other.gguf()->tensor(info.name).value()))
        << info.name;
}

TEST_F(ModelWriting, WeightsThatDoNotFitAreRefusedByName) {
  const auto both = [&](ErrorKind kind, std::string_view part) {
    expect_error(write_model_folder(folder_, model_->config(), weights_, {}), kind, part);
    expect_error(write_model_gguf(gguf_, model_->config(), weights_, {}), kind, part);
    EXPECT_FALSE(std::filesystem::exists(folder_) || std::filesystem::exists(gguf_));
  };
  const std::vector<NamedTensor> whole = weights_;
  weights_.pop_back();
  both(ErrorKind::bad_input, "1 tensor is missing: \"lm_head.weight\"");
  weights_ = whole;
  weights_.push_back(whole[3]);
  both(ErrorKind::bad_input, "two tensors are named");
  weights_.back().name = "model.extra";
  both(ErrorKind::unsupported, "\"model.extra\"");
  weights_ = whole;
  weight("model.norm.weight").view.shape = {8, 8};
  both(ErrorKind::bad_input, "tensor \"model.norm.weight\": its shape is [8, 8]");
}

TEST_F(ModelWriting, ExtraMetadataMayNotContradict) {
  GgufMetadata extra;
  extra.set("tokenizer.ggml.eos_token_id", std::uint32_t{2});
  EXPECT_TRUE(write_model_gguf(gguf_, model_->config(), weights_, extra).ok());
  extra.set("tokenizer.ggml.eos_token_id", std::uint32_t{3});
  expect_error(write_model_gguf(gguf_, model_->config(), weights_, extra), ErrorKind::bad_input,
               "eos_token_id");
}

TEST(GgufNames, MapBothWaysAndNothingElse) {
  DecoderConfig config;
  config.vocab_size = 8;
  config.hidden_size = config.intermediate_size = 8;
  config.layers = 13;
  config.heads = config.kv_heads = 2;
  config.head_dim = 4;
  config.qk_norm = config.qkv_bias = true;
  const GgufNames names(config);
  const auto canonical = [&](const char* name) {
    const auto found = names.canonical_names(name);
    return found.size() == 1 ? found.front() : std::string();
  };
  EXPECT_EQ(canonical("blk.12.ffn_gate.weight"), "model.layers.12.mlp.gate_proj.weight");
  EXPECT_EQ(canonical("blk.2.attn_k_norm.weight"), "model.layers.2.self_attn.k_norm.weight");
  EXPECT_EQ(names.place_of("model.layers.0.post_attention_layernorm.weight").name,
            "blk.0.ffn_norm.weight");
  EXPECT_EQ(names.place_of("model.layers.3.self_attn.q_proj.bias").name, "blk.3.attn_q.bias");
  EXPECT_EQ(names.place_of("lm_head.weight").name, "output.weight");
  for (const char* name : {"blk.01.ffn_gate.weight", "blk..ffn_gate.weight", "blk.-1.ffn_up.weight",
                           "blk.1.ffn_gate.scale", "blk.9999999.ffn_up.weight", ""})
    EXPECT_TRUE(names.canonical_names(name).empty()) << name;
}

}  // namespace
}  // namespace lathe::formats
