#include "formats/peft.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>

#include "formats/test_support.h"

namespace lathe::formats {
namespace {

using nlohmann::json;
using Change = std::function<void(json&)>;

json lora_json() {
  return {{"peft_type", "LORA"},
          {"task_type", "CAUSAL_LM"},
          {"r", 4},
          {"lora_alpha", 8},
          {"target_modules", {"q_proj", "v_proj"}},
          {"bias", "none"}};
}
json prompt_json() {
  return {{"peft_type", "PROMPT_TUNING"},
          {"task_type", "CAUSAL_LM"},
          {"num_virtual_tokens", 5},
          {"token_dim", 64}};
}

void expect_refused(json config, const Change& change, std::string_view part,
                    ErrorKind kind = ErrorKind::unsupported) {
  change(config);
  expect_error(peft_config_from_json(config.dump()), kind, part);
}

TEST(PeftGoldens, Lora) {
  const auto adapter = PeftAdapter::open(golden("adapters/lora-qv"));
  ASSERT_TRUE(adapter.ok()) << adapter.error().message();
  EXPECT_EQ(adapter->config().base_model, "llama");
  EXPECT_EQ(adapter->config().lora.rank, 4);
  ASSERT_EQ(adapter->lora().size(), 6u);
  const LoraPair& first = adapter->lora().front();
  EXPECT_EQ(first.module, "model.layers.0.self_attn.q_proj");
  EXPECT_EQ(first.a.shape, (tensor::Shape{4, 64}));
  EXPECT_EQ(first.b.shape, (tensor::Shape{64, 4}));
  EXPECT_EQ(first.scale, 2.0);
}

TEST(PeftGoldens, SoftPrompts) {
  for (const char* name : {"adapters/prompt-tuning", "adapters/p-tuning-mlp"}) {
    const auto adapter = PeftAdapter::open(golden(name));
    ASSERT_TRUE(adapter.ok()) << adapter.error().message();
    EXPECT_EQ(adapter->prompt_embeddings().shape, (tensor::Shape{5, 64}));
    EXPECT_TRUE(adapter->lora().empty());
  }
}

TEST(PeftConfigJson, FieldsThatWouldChangeResultsAreRefused) {
  const std::vector<std::pair<const char*, json>> fields{
      {"bias", "some"},
      {"target_modules", {"q.*"}},
      {"modules_to_save", {"q.*"}},
      {"layer_replication", json::array({json::array({0, 1})})},
      {"trainable_token_indices", {{"a", {1}}, {"b", {2}}}},
      {"target_parameters", {"w"}},
      {"init_lora_weights", "pissa"},
      {"alora_invocation_tokens", {1}},
      {"task_type", "SEQ_CLS"},
      {"peft_type", "OFT"},
      {"some_later_invention", 1}};
  for (const auto& [key, value] : fields)
    expect_refused(
        lora_json(), [&, k = key, v = value](json& j) { j[k] = v; }, key);
  expect_refused(
      prompt_json(), [](json& j) { j["num_transformer_submodules"] = 2; },
      "num_transformer_submodules");
  expect_refused(
      prompt_json(), [](json& j) { j["modules_to_save"] = {"x"}; }, "modules_to_save");
}

TEST(PeftConfigJson, Ranges) {
  const auto refused = [](json config, const char* key, json value) {
    expect_refused(
        std::move(config), [&](json& j) { j[key] = value; }, key, ErrorKind::bad_input);
  };
  refused(lora_json(), "r", 0);
  refused(lora_json(), "r", nullptr);
  refused(lora_json(), "lora_alpha", "8");
  refused(lora_json(), "lora_dropout", 1.0);
  refused(lora_json(), "target_modules", json::array());
  refused(lora_json(), "target_modules", nullptr);
  refused(lora_json(), "rank_pattern", {{"q_proj", 0}});
  refused(lora_json(), "alpha_pattern", 3);
  refused(lora_json(), "target_modules", std::string(5000, 'a'));
  refused(lora_json(), "trainable_token_indices", {-1});
  refused(lora_json(), "layers_to_transform", {-1});
  refused(lora_json(), "peft_type", nullptr);
  refused(prompt_json(), "num_virtual_tokens", 0);
  refused(prompt_json(), "token_dim", std::int64_t{1} << 40);
  expect_error(peft_config_from_json("{"), ErrorKind::bad_input, "adapter_config.json");
}

TEST(PeftConfigJson, AllLinearIsEveryProjection) {
  json config = lora_json();
  config["target_modules"] = "all-linear";
  const PeftConfig read = peft_config_from_json(config.dump()).value();
  EXPECT_TRUE(read.lora.targets("model.layers.9.mlp.down_proj"));
  EXPECT_FALSE(read.lora.targets("lm_head"));
}

TEST(PeftConfigJson, PatternsAndScales) {
  json config = lora_json();
  config["rank_pattern"] = {{"layers.1.self_attn.q_proj", 16}};
  config["alpha_pattern"] = {{"v_proj", 2.0}};
  config["layers_to_transform"] = {0, 1};
  LoraConfig lora = peft_config_from_json(config.dump()).value().lora;
  EXPECT_EQ(lora.rank_of("model.layers.1.self_attn.q_proj"), 16);
  EXPECT_EQ(lora.rank_of("model.layers.11.self_attn.q_proj"), 4);
  EXPECT_EQ(lora.scale_of("model.layers.0.self_attn.v_proj"), 0.5);
  EXPECT_EQ(lora.scale_of("model.layers.1.self_attn.q_proj"), 0.5);
  EXPECT_TRUE(lora.targets("model.layers.1.self_attn.q_proj"));
  EXPECT_FALSE(lora.targets("model.layers.2.self_attn.q_proj"));
  EXPECT_FALSE(lora.targets("model.layers.1.self_attn.my_q_proj"));
  lora.rslora = true;
  EXPECT_EQ(lora.scale_of("model.layers.0.self_attn.q_proj"), 4.0);
}

TEST(PeftConfigJson, RoundTrip) {
  PeftConfig c;
  c.base_model = "org/base";
  c.lora = {.rank = 2,
            .alpha = 3.5,
            .dropout = 0.1,
            .rslora = true,
            .target_modules = {"down_proj", "q_proj"},
            .layers = {0, 2},
            .rank_pattern = {{"q_proj", 7}},
            .alpha_pattern = {{"down_proj", 0.5}}};
  EXPECT_EQ(peft_config_from_json(to_json(c)).value(), c);
  PeftConfig p;
  p.kind = PeftConfig::Kind::p_tuning;
  p.prompt = {.virtual_tokens = 9, .width = 32};
  EXPECT_EQ(peft_config_from_json(to_json(p)).value(), p);
}

class PeftWriting : public testing::Test {
 protected:
  PeftWriting() {
    config_.base_model = "base";
    config_.lora.rank = 2;
    config_.lora.alpha = 4;
    config_.lora.target_modules = {"q_proj"};
    pair_ = {"model.layers.0.self_attn.q_proj", tensor::view_of(a_, {2, 3}),
             tensor::view_of(b_, {4, 2}), 1};
  }
  Status write(std::vector<LoraPair> pairs) { return write_lora_adapter(folder_, config_, pairs); }

  os::TemporaryDirectory scratch_ = os::TemporaryDirectory::make().value();
  os::Path folder_ = scratch_.path() / "adapter";
  std::array<float, 6> a_{1, 2, 3, 4, 5, 6};
  std::array<float, 8> b_{1, 2, 3, 4, 5, 6, 7, 8};
  PeftConfig config_;
  LoraPair pair_;
};

TEST_F(PeftWriting, LoraRoundTrip) {
  ASSERT_TRUE(write({pair_}).ok());
  const auto back = PeftAdapter::open(folder_);
  ASSERT_TRUE(back.ok()) << back.error().message();
  EXPECT_EQ(back->config(), config_);
  ASSERT_EQ(back->lora().size(), 1u);
  EXPECT_EQ(back->lora()[0].module, pair_.module);
  EXPECT_EQ(back->lora()[0].scale, 2.0);
  EXPECT_EQ(tensor::to_f32(back->lora()[0].b).value(), std::vector<float>(b_.begin(), b_.end()));
  expect_error(write({pair_}), ErrorKind::already_exists, "adapter");
}

TEST_F(PeftWriting, TensorsThatDoNotFitTheConfigAreRefused) {
  LoraPair other = pair_;
  other.module = "model.layers.0.self_attn.k_proj";
  expect_error(write({other}), ErrorKind::bad_input, "k_proj");
  LoraPair rank = pair_;
  rank.a = tensor::view_of(a_, {3, 2});
  expect_error(write({rank}), ErrorKind::bad_input, "lora_A [3, 2]");
  expect_error(write({}), ErrorKind::bad_input, "\"q_proj\"");
  config_.lora.rank_pattern = {{"q_proj", 2}, {"self_attn.q_proj", 3}};
  expect_error(write({pair_}), ErrorKind::unsupported, "rank_pattern has two values");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "adapter_config.json"));
}

// As PEFT saves it when a target is the router of experts, which it does not change.
TEST_F(PeftWriting, ARoutersParameterAmongTheTargetsHasNoTensors) {
  ASSERT_TRUE(write({pair_}).ok());
  json config = json::parse(os::read_file(folder_ / "adapter_config.json").value());
  config["target_modules"] = {"weight", "q_proj"};
  ASSERT_TRUE(os::write_file_atomically(folder_ / "adapter_config.json", config.dump()).ok());
  const auto read = PeftAdapter::open(folder_);
  EXPECT_TRUE(read.ok()) << read.error().message();
}

// What the config announces stands in the file, and what stands there is announced.
TEST_F(PeftWriting, PartsBesidePairsFitTheConfig) {
  ASSERT_TRUE(write({pair_}).ok());
  const auto expect = [&](const char* key, const json& value, const char* part) {
    json config = json::parse(os::read_file(folder_ / "adapter_config.json").value());
    config[key] = value;
    ASSERT_TRUE(os::write_file_atomically(folder_ / "adapter_config.json", config.dump()).ok());
    expect_error(PeftAdapter::open(folder_), ErrorKind::bad_input, part);
    config.erase(key);
    ASSERT_TRUE(os::write_file_atomically(folder_ / "adapter_config.json", config.dump()).ok());
  };
  expect("use_dora", true, "use_dora is true");
  expect("lora_bias", true, "lora_bias is true");
  expect("modules_to_save", {"lm_head"}, "\"lm_head\"");
  const std::string module = "base_model.model.model.layers.0.self_attn.q_proj";
  const std::vector<tensor::NamedTensor> tensors = {
      {module + ".lora_A.weight", pair_.a},
      {module + ".lora_B.weight", pair_.b},
      {module + ".lora_magnitude_vector", tensor::view_of(a_, {6})}};
  ASSERT_TRUE(write_safetensors(folder_ / "adapter_model.safetensors", tensors).ok());
  expect_error(PeftAdapter::open(folder_), ErrorKind::bad_input, "use_dora is false");
}

TEST_F(PeftWriting, DamagedFoldersAreNamed) {
  expect_error(PeftAdapter::open(folder_), ErrorKind::not_found, "adapter_config.json");
  ASSERT_TRUE(write({pair_}).ok());
  const os::Path weights = folder_ / "adapter_model.safetensors";
  const auto rewrite = [&](const char* name, const tensor::TensorView& view) {
    const std::string full = std::string("base_model.model.model.layers.0.self_attn.q_proj") + name;
    const std::vector<tensor::NamedTensor> one{{full, view}};
    ASSERT_TRUE(write_safetensors(weights, one).ok());
  };
  rewrite(".lora_A.weight", pair_.a);
  expect_error(PeftAdapter::open(folder_), ErrorKind::bad_input, "lora_B of module");
  rewrite(".lora_mystery", pair_.a);
  expect_error(PeftAdapter::open(folder_), ErrorKind::unsupported, "lora_mystery");
  std::filesystem::remove(weights);
  expect_error(PeftAdapter::open(folder_), ErrorKind::not_found, "adapter_model.safetensors");
  ASSERT_TRUE(os::write_file_atomically(folder_ / "adapter_model.bin", "x").ok());
  expect_error(PeftAdapter::open(folder_), ErrorKind::unsupported, "pickled");
}

TEST_F(PeftWriting, PromptRoundTripAndShape) {
  PeftConfig config;
  config.kind = PeftConfig::Kind::prompt_tuning;
  config.prompt = {.virtual_tokens = 2, .width = 3};
  expect_error(write_prompt_adapter(folder_, config, tensor::view_of(a_, {3, 2})),
               ErrorKind::bad_input, "[3, 2]");
  ASSERT_TRUE(write_prompt_adapter(folder_, config, tensor::view_of(a_, {2, 3})).ok());
  const auto back = PeftAdapter::open(folder_);
  ASSERT_TRUE(back.ok()) << back.error().message();
  EXPECT_EQ(back->config(), config);
  EXPECT_EQ(tensor::to_f32(back->prompt_embeddings()).value(),
            std::vector<float>(a_.begin(), a_.end()));
}

}  // namespace
}  // namespace lathe::formats
