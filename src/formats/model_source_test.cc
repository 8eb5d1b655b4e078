#include "formats/model_source.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <functional>
#include <nlohmann/json.hpp>

#include "formats/decoder_tensors.h"
#include "formats/safetensors.h"
#include "formats/test_support.h"

namespace lathe::formats {
namespace {

using tensor::TensorView;

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
  const auto model = ModelSource::open(golden("llama"));
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
  const auto model = ModelSource::open(golden("llama-tied-bf16-sharded"));
  ASSERT_TRUE(model.ok()) << model.error().message();
  EXPECT_TRUE(model->config().tied_embeddings);
  expect_every_tensor_reads(*model);
  EXPECT_EQ(model->tensor("model.embed_tokens.weight")->dtype, tensor::DType::bf16);
  EXPECT_FALSE(model->tensor("lm_head.weight").ok());
}

TEST(ModelSource, ReadsLlama3Rope) {
  const auto model = ModelSource::open(golden("llama-rope-llama3"));
  ASSERT_TRUE(model.ok()) << model.error().message();
  EXPECT_EQ(model->config().rope.scaling.kind, RopeScaling::Kind::llama3);
  EXPECT_EQ(model->config().rope.theta, 500000);
  EXPECT_EQ(model->config().rope.scaling.original_positions, 16);
}

class GgufGolden : public testing::TestWithParam<const char*> {};

TEST_P(GgufGolden, ValuesAreTheOracles) {
  const auto model = ModelSource::open(golden("gguf/" + std::string(GetParam()) + ".gguf"));
  ASSERT_TRUE(model.ok()) << model.error().message();
  expect_every_tensor_reads(*model);
  const auto oracle =
      SafetensorsFile::open(golden("gguf/" + std::string(GetParam()) + ".safetensors")).value();
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

INSTANTIATE_TEST_SUITE_P(Types, GgufGolden,
                         testing::Values("f16", "q8_0", "q4_0", "q4_k_m", "q6_k"));

// A copy of a golden folder that a test may damage.
class DamagedFolder : public testing::Test {
 protected:
  void use(const std::string& name) {
    std::filesystem::copy(golden(name), folder_, std::filesystem::copy_options::recursive);
  }
  void change_json(const char* file, const std::function<void(nlohmann::json&)>& change) {
    auto value = nlohmann::json::parse(os::read_file(folder_ / file).value());
    change(value);
    ASSERT_TRUE(os::write_file_atomically(folder_ / file, value.dump()).ok());
  }
  // Rewrites model.safetensors after `change` had the tensors.
  void change_weights(const std::function<void(std::vector<tensor::NamedTensor>&)>& change) {
    const auto file = SafetensorsFile::open(golden("llama/model.safetensors")).value();
    std::vector<tensor::NamedTensor> tensors(file.tensors().begin(), file.tensors().end());
    change(tensors);
    ASSERT_TRUE(write_safetensors(folder_ / "model.safetensors", tensors).ok());
  }
  void refused(ErrorKind kind, std::string_view part) {
    expect_error(ModelSource::open(folder_), kind, part);
    expect_error(ModelSource::open(folder_), kind, folder_.string());
  }

  os::TemporaryDirectory scratch_ = os::TemporaryDirectory::make().value();
  os::Path folder_ = scratch_.path() / "model";
};

TEST_F(DamagedFolder, WhatIsNoModel) {
  refused(ErrorKind::not_found, "no such file");
  ASSERT_TRUE(os::make_directories(folder_).ok());
  refused(ErrorKind::not_found, "config.json");
  ASSERT_TRUE(os::write_file_atomically(folder_ / "adapter_config.json", "{}").ok());
  refused(ErrorKind::bad_input, "this is an adapter");
  const os::Path file = scratch_.path() / "x.txt";
  ASSERT_TRUE(os::write_file_atomically(file, "x").ok());
  expect_error(ModelSource::open(file), ErrorKind::bad_input, "neither a folder nor");
  const os::Path pickle = scratch_.path() / "model.pt";
  ASSERT_TRUE(os::write_file_atomically(pickle, "x").ok());
  expect_error(ModelSource::open(pickle), ErrorKind::unsupported, "pickle");
}

TEST_F(DamagedFolder, PickledWeights) {
  use("llama");
  std::filesystem::remove(folder_ / "model.safetensors");
  refused(ErrorKind::not_found, "model.safetensors");
  ASSERT_TRUE(os::write_file_atomically(folder_ / "pytorch_model.bin", "x").ok());
  refused(ErrorKind::unsupported, "pytorch_model.bin");
}

TEST_F(DamagedFolder, MissingUnexpectedAndWronglyShapedTensors) {
  use("llama");
  change_weights([](auto& t) { t.erase(t.begin()); });
  refused(ErrorKind::bad_input, "1 tensor is missing: \"lm_head.weight\"");
  change_weights([](auto& t) { t.push_back({"model.layers.3.mlp.up_proj.weight", t[0].view}); });
  refused(ErrorKind::unsupported, "\"model.layers.3.mlp.up_proj.weight\"");
  change_weights([](auto& t) { std::swap(t[0].view.shape[0], t[0].view.shape[1]); });
  refused(ErrorKind::bad_input, "tensor \"lm_head.weight\": its shape is [64, 320]");
  change_weights([](auto& t) { t[0].view.dtype = tensor::DType::i32; });
  refused(ErrorKind::unsupported, "type i32");
}

TEST_F(DamagedFolder, RotaryBuffersOfOldCheckpointsAreKnown) {
  use("llama");
  const std::array<float, 8> buffer{};
  change_weights([&](auto& t) {
    t.push_back({"model.layers.0.self_attn.rotary_emb.inv_freq", tensor::view_of(buffer, {8})});
  });
  EXPECT_TRUE(ModelSource::open(folder_).ok());
}

TEST_F(DamagedFolder, ATiedHeadMustBeTheEmbeddings) {
  use("llama");
  change_json("config.json", [](auto& j) { j["tie_word_embeddings"] = true; });
  refused(ErrorKind::bad_input, "tie_word_embeddings");
  change_weights([](auto& t) { t[0].view = t[1].view; });  // lm_head, embed_tokens
  const auto model = ModelSource::open(folder_);
  ASSERT_TRUE(model.ok()) << model.error().message();
  EXPECT_FALSE(model->tensor("lm_head.weight").ok());
}

TEST_F(DamagedFolder, ShardNamesDoNotLeaveTheFolder) {
  use("llama-tied-bf16-sharded");
  for (const char* name : {"../model-00002-of-00002.safetensors", "/etc/x.safetensors",
                           "a\\b.safetensors", "..", ".x.safetensors", "model.bin", ""}) {
    change_json("model.safetensors.index.json",
                [&](auto& j) { j["weight_map"]["model.norm.weight"] = name; });
    refused(ErrorKind::bad_input, "no plain name");
  }
}

TEST_F(DamagedFolder, IndexAndShardsMustAgree) {
  use("llama-tied-bf16-sharded");
  const char* index = "model.safetensors.index.json";
  const std::string whole = os::read_file(folder_ / index).value();
  change_json(index, [](auto& j) { j["weight_map"].erase("model.norm.weight"); });
  refused(ErrorKind::bad_input, "model.norm.weight");
  ASSERT_TRUE(os::write_file_atomically(folder_ / index, whole).ok());
  change_json(index, [](auto& j) { j["weight_map"]["x"] = j["weight_map"]["model.norm.weight"]; });
  refused(ErrorKind::bad_input, "no tensor \"x\"");
  ASSERT_TRUE(os::write_file_atomically(folder_ / index, whole).ok());
  std::filesystem::remove(folder_ / "model-00002-of-00002.safetensors");
  refused(ErrorKind::not_found, "model-00002-of-00002.safetensors");
  ASSERT_TRUE(os::write_file_atomically(folder_ / index, "{}").ok());
  refused(ErrorKind::bad_input, "weight_map");
}

TEST_F(DamagedFolder, ChatTemplatesInTheTokenizerConfig) {
  use("llama");
  const auto with = [&](const char* text) {
    EXPECT_TRUE(os::write_file_atomically(folder_ / "tokenizer_config.json", text).ok());
    return ModelSource::open(folder_).value().chat_template();
  };
  EXPECT_EQ(with("{}").value(), std::nullopt);
  EXPECT_EQ(with(R"({"chat_template":"T"})").value(), "T");
  EXPECT_EQ(with(R"({"chat_template":[{"name":"rag","template":"R"},)"
                 R"({"name":"default","template":"D"}]})")
                .value(),
            "D");
  expect_error(with(R"({"chat_template":[{"name":"rag","template":"R"}]})"), ErrorKind::unsupported,
               "default");
  expect_error(with(R"({"chat_template":7})"), ErrorKind::bad_input, "chat_template is 7");
}

TEST(DamagedGguf, WhatIsNoModel) {
  const auto scratch = os::TemporaryDirectory::make().value();
  const os::Path path = scratch.path() / "x.gguf";
  const auto good = GgufFile::open(golden("gguf/f16.gguf")).value();
  std::vector<tensor::NamedTensor> tensors;
  for (const GgufTensorInfo& info : good.tensors())
    tensors.push_back({info.name, good.tensor(info.name).value()});
  const auto refused = [&](ErrorKind kind, std::string_view part) {
    ASSERT_TRUE(write_gguf(path, good.metadata(), tensors).ok());
    expect_error(ModelSource::open(path), kind, part);
    expect_error(ModelSource::open(path), kind, path.string());
  };
  const auto whole = tensors;
  tensors.clear();
  refused(ErrorKind::bad_input, "vocabulary without a model");
  tensors = whole;
  tensors.erase(tensors.begin() + 3);
  refused(ErrorKind::bad_input, "missing: \"blk.0.attn_k.weight\"");
  tensors = whole;
  tensors.push_back({"blk.0.attn_norm.bias", whole[1].view});
  refused(ErrorKind::unsupported, "\"blk.0.attn_norm.bias\"");
  tensors.back().name = "blk.0.attn_q.bias";  // then keys and values must have biases, too
  refused(ErrorKind::bad_input, "\"blk.0.attn_k.bias\"");
  // A name that is canonical already is no GGUF name of a weight.
  tensors = whole;
  tensors[0].name = "lm_head.weight";
  refused(ErrorKind::unsupported, "\"lm_head.weight\"");
  tensors = whole;
  std::swap(tensors[0].view.shape[0], tensors[0].view.shape[1]);
  refused(ErrorKind::bad_input, "tensor \"output.weight\": its shape is [256, 512]");
}

TEST(DamagedGguf, QuantizedOtherwise) {
  const auto scratch = os::TemporaryDirectory::make().value();
  const os::Path path = scratch.path() / "x.gguf";
  std::string bytes = os::read_file(golden("gguf/q8_0.gguf")).value();
  const std::size_t line = bytes.find("blk.0.attn_v.weight") + 19;  // rank, two extents, type
  bytes[line + 4 + 16] = 16;                                        // IQ2_XXS: smaller, so it fits
  ASSERT_TRUE(os::write_file_atomically(path, bytes).ok());
  expect_error(ModelSource::open(path), ErrorKind::unsupported,
               "tensor \"blk.0.attn_v.weight\": weights of type IQ2_XXS");
}

}  // namespace
}  // namespace lathe::formats
