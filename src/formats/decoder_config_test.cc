#include "formats/decoder_config.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <nlohmann/json.hpp>

#include "formats/decoder_tensors.h"
#include "formats/test_support.h"

namespace lathe::formats {
namespace {

using nlohmann::json;
using Change = std::function<void(json&)>;

json plain_config() {
  return {{"model_type", "llama"},    {"vocab_size", 320},
          {"hidden_size", 64},        {"intermediate_size", 160},
          {"num_hidden_layers", 3},   {"num_attention_heads", 4},
          {"num_key_value_heads", 2}, {"max_position_embeddings", 128},
          {"rms_norm_eps", 1e-5}};
}

Result<DecoderConfig> read(const Change& change, std::string_view generation = {}) {
  json config = plain_config();
  change(config);
  return decoder_config_from_json(config.dump(), generation);
}

void expect_refused(const Change& change, std::string_view part,
                    ErrorKind kind = ErrorKind::bad_input) {
  expect_error(read(change), kind, part);
}

DecoderConfig full_config() {
  DecoderConfig c;
  c.vocab_size = 320;
  c.hidden_size = 48;
  c.intermediate_size = 100;
  c.layers = 2;
  c.heads = 4;
  c.kv_heads = 1;
  c.head_dim = 16;
  c.max_positions = 512;
  c.norm_eps = 1e-5;
  c.rope.theta = 500000;
  c.tied_embeddings = true;
  c.bos_id = 1;
  c.eos_ids = {2, 5};
  c.pad_id = 0;
  return c;
}

RopeScaling llama3_scaling() {
  RopeScaling s;
  s.kind = RopeScaling::Kind::llama3;
  s.factor = 8;
  s.low_freq_factor = 1;
  s.high_freq_factor = 4;
  s.original_positions = 64;
  return s;
}

RopeScaling dynamic_scaling() {
  RopeScaling s;
  s.kind = RopeScaling::Kind::dynamic;
  s.factor = 2;
  return s;
}

RopeScaling yarn_scaling() {
  RopeScaling s;
  s.kind = RopeScaling::Kind::yarn;
  s.factor = 4;
  s.original_positions = 64;
  s.beta_fast = 16;
  s.attention_factor = 0.1 * std::log(4.0) + 1;  // what GGUF need not say
  return s;
}

TEST(ConfigJson, DefaultsAreThoseOfTheFormat) {
  const auto c = read([](json& j) { j.erase("num_key_value_heads"), j.erase("rms_norm_eps"); });
  ASSERT_TRUE(c.ok()) << c.error().message();
  EXPECT_EQ(c->kv_heads, 4);
  EXPECT_EQ(c->head_dim, 16);
  EXPECT_EQ(c->norm_eps, 1e-6);
  EXPECT_EQ(c->rope.theta, 10000);
  EXPECT_FALSE(c->tied_embeddings);
  EXPECT_EQ(c->bos_id, 1);
  EXPECT_EQ(c->eos_ids, std::vector<std::int64_t>{2});
  EXPECT_EQ(c->pad_id, std::nullopt);
}

TEST(ConfigJson, TokenIdsOutsideTheVocabularyAreNone) {
  const auto c = read(
      [](json& j) {
        j["bos_token_id"] = 320;
        j["eos_token_id"] = {-1, 7, 50256};
        j["pad_token_id"] = 32000;
      },
      R"({"pad_token_id":320})");
  ASSERT_TRUE(c.ok()) << c.error().message();
  EXPECT_EQ(c->bos_id, std::nullopt);
  EXPECT_EQ(c->eos_ids, std::vector<std::int64_t>{7});
  EXPECT_EQ(c->pad_id, std::nullopt);
}

TEST(ConfigJson, AbsentSizesAreThoseOfTheClass) {
  const auto c = decoder_config_from_json(R"({"model_type":"mistral","num_key_value_heads":null})");
  ASSERT_TRUE(c.ok()) << c.error().message();
  EXPECT_EQ(c->vocab_size, 32000);
  EXPECT_EQ(c->hidden_size, 4096);
  EXPECT_EQ(c->intermediate_size, 14336);
  EXPECT_EQ(c->kv_heads, 32);  // null is not absent
  EXPECT_EQ(decoder_config_from_json(R"({"model_type":"mistral"})")->kv_heads, 8);
}

TEST(ConfigJson, OriginalPositionsOutsideTheRopeGoFirst) {
  const auto c = read([](json& j) {
    j["original_max_position_embeddings"] = 32;
    j["rope_scaling"] = {
        {"rope_type", "yarn"}, {"factor", nullptr}, {"original_max_position_embeddings", 64}};
  });
  ASSERT_TRUE(c.ok()) << c.error().message();
  EXPECT_EQ(c->rope.scaling.original_positions, 32);
  EXPECT_EQ(c->rope.scaling.factor, 4);  // of 128 to 32
}

TEST(ConfigJson, WindowsAreThoseOfTheClass) {
  const auto gemma = [](json& j) {
    j["model_type"] = "gemma2";
    j["layer_types"] = {"full_attention", "sliding_attention", "full_attention"};
  };
  EXPECT_EQ(read(gemma)->windows, (std::vector<std::int64_t>{0, 4096, 0}));
  expect_refused([&](json& j) { gemma(j), j["sliding_window"] = nullptr; }, "sliding_window");
  const auto mistral = [](json& j) {
    j["model_type"] = "mistral";
    j["layer_types"] = {"full_attention", "sliding_attention", "full_attention"};
  };
  expect_refused(mistral, "layer_types", ErrorKind::unsupported);
  const auto qwen2 = read([](json& j) {
    j["model_type"] = "qwen2";
    j["use_sliding_window"] = true;
    j["max_window_layers"] = 2;
  });
  ASSERT_TRUE(qwen2.ok()) << qwen2.error().message();
  EXPECT_EQ(qwen2->windows, (std::vector<std::int64_t>{0, 0, 4096}));
}

TEST(ConfigJson, FirstFalconFiles) {
  const auto read_falcon = [](const char* more) {
    return decoder_config_from_json(
        std::string(R"({"vocab_size":96,"hidden_size":32,"n_layer":2,"n_head":4,)") + more + "}");
  };
  const auto grouped =
      read_falcon(R"("model_type":"RefinedWeb","architectures":["RWForCausalLM"],"n_head_kv":2)");
  ASSERT_TRUE(grouped.ok()) << grouped.error().message();
  EXPECT_EQ(grouped->family, "falcon");
  EXPECT_EQ(grouped->kv_heads, 2);
  EXPECT_TRUE(grouped->parallel_residual && grouped->separate_norms);
  const auto single = read_falcon(R"("model_type":"RefinedWebModel","multi_query":true)");
  ASSERT_TRUE(single.ok()) << single.error().message();
  EXPECT_EQ(single->kv_heads, 1);
  expect_error(read_falcon(R"("model_type":"RefinedWeb","num_attention_heads":8)"),
               ErrorKind::bad_input, "n_head is 4");
}

TEST(ConfigJson, NullTokenIdsAreNone) {
  const auto c = read([](json& j) {
    j["bos_token_id"] = nullptr;
    j["eos_token_id"] = nullptr;
    j["pad_token_id"] = -1;
  });
  ASSERT_TRUE(c.ok()) << c.error().message();
  EXPECT_EQ(c->bos_id, std::nullopt);
  EXPECT_TRUE(c->eos_ids.empty());
  EXPECT_EQ(c->pad_id, std::nullopt);
}

TEST(ConfigJson, GenerationConfigHasTheLastWordOnTokenIds) {
  const auto c = read([](json& j) { j["eos_token_id"] = 9; },
                      R"({"eos_token_id":[7,8,7],"pad_token_id":3,"temperature":0.6})");
  ASSERT_TRUE(c.ok()) << c.error().message();
  EXPECT_EQ(c->eos_ids, (std::vector<std::int64_t>{7, 8}));
  EXPECT_EQ(c->pad_id, 3);
  EXPECT_EQ(c->bos_id, 1);
  expect_error(read([](json&) {}, "[]"), ErrorKind::bad_input, "generation_config.json");
}

TEST(ConfigJson, BothSpellingsOfRope) {
  const json llama3{{"rope_type", "llama3"},
                    {"factor", 8.0},
                    {"low_freq_factor", 1.0},
                    {"high_freq_factor", 4.0},
                    {"original_max_position_embeddings", 64}};
  const auto older = read([&](json& j) { j["rope_theta"] = 5e5, j["rope_scaling"] = llama3; });
  const auto newer = read([&](json& j) {
    j["rope_parameters"] = llama3;
    j["rope_parameters"]["rope_theta"] = 5e5;
  });
  ASSERT_TRUE(older.ok()) << older.error().message();
  ASSERT_TRUE(newer.ok()) << newer.error().message();
  EXPECT_EQ(*older, *newer);
  EXPECT_EQ(older->rope.scaling, llama3_scaling());
  const auto linear = read([](json& j) {
    j["rope_scaling"] = {{"type", "linear"}, {"factor", 2}};
  });
  ASSERT_TRUE(linear.ok()) << linear.error().message();
  EXPECT_EQ(rope_divisors(*linear), std::vector<float>(8, 2.0f));
}

TEST(ConfigJson, RopeThatWouldChangeResultsIsRefused) {
  const auto rope = [](json value) { return [value](json& j) { j["rope_scaling"] = value; }; };
  expect_refused(rope({{"rope_type", "proportional"}, {"factor", 2}}), "\"proportional\"",
                 ErrorKind::unsupported);
  expect_refused(rope({{"rope_type", "longrope"}, {"factor", 2}}), "short_factor");
  expect_refused(rope({{"rope_type", "yarn"}, {"factor", 0}}), "factor is 0");
  expect_refused(rope({{"rope_type", "yarn"}, {"factor", 2}, {"mystery", 1}}), "mystery",
                 ErrorKind::unsupported);
  expect_refused(rope({{"type", "linear"}, {"rope_type", "llama3"}, {"factor", 2}}), "rope_type");
  expect_refused(rope({{"type", "linear"}}), "rope_scaling.factor is missing");
  expect_refused(rope({{"type", "linear"}, {"factor", 0}}), "factor is 0");
  expect_refused(rope({{"type", "linear"}, {"factor", 2}, {"mystery", 1}}), "rope_scaling.mystery",
                 ErrorKind::unsupported);
  expect_refused(rope(7), "rope_scaling is 7");
  expect_refused(rope({{"rope_type", "llama3"},
                       {"factor", 8},
                       {"low_freq_factor", 4},
                       {"high_freq_factor", 4},
                       {"original_max_position_embeddings", 64}}),
                 "not above low_freq_factor");
  expect_refused(
      [](json& j) {
        j["rope_theta"] = 1e4;
        j["rope_parameters"] = {{"rope_type", "default"}, {"rope_theta", 2e4}};
      },
      "contradicts");
  expect_refused(
      [](json& j) {
        j["rope_parameters"] = {{"partial_rotary_factor", 0.5}};
      },
      "partial_rotary_factor", ErrorKind::unsupported);
}

TEST(ConfigJson, FieldsThatWouldChangeResultsAreRefused) {
  const std::vector<std::pair<const char*, json>> fields{
      {"hidden_act", "mish"},
      {"sliding_window", 4096},
      {"quantization_config", {{"bits", 4}}},
      {"layer_types", {"full_attention", "sliding_attention"}},
      {"model_type", "mamba"},
      {"architectures", json::array({"LlamaForSequenceClassification"})},
      {"text_config", {{"model_type", "gemma3_text"}}},
      {"vision_config", {{"model_type", "siglip_vision_model"}}},
      {"partial_rotary_factor", 0.5}};
  for (const auto& [key, value] : fields)
    expect_refused([&](json& j) { j[key] = value; }, key, ErrorKind::unsupported);
  EXPECT_TRUE(read([](json& j) {
                j["hidden_act"] = "silu";
                j["attention_bias"] = false;
                j["sliding_window"] = nullptr;
                j["layer_types"] = {"full_attention", "full_attention", "full_attention"};
                j["attention_dropout"] = 0.0;
                j["pretraining_tp"] = 1;
              }).ok());
}

TEST(ConfigJson, SizesAreChecked) {
  const std::vector<std::tuple<const char*, json, const char*>> cases{
      {"vocab_size", 0, "vocab_size is 0"},
      {"vocab_size", "many", "vocab_size is \"many\""},
      {"hidden_size", nullptr, "hidden_size is missing"},
      {"hidden_size", -64, "hidden_size is -64"},
      {"hidden_size", 65, "no multiple of num_attention_heads"},
      {"hidden_size", std::uint64_t{1} << 63, "hidden_size is"},
      {"num_attention_heads", 0, "num_attention_heads"},
      {"num_key_value_heads", 3, "no multiple of num_key_value_heads (3)"},
      {"num_key_value_heads", 8, "num_key_value_heads is 8"},
      {"num_hidden_layers", 1'000'000'000, "num_hidden_layers is"},
      {"intermediate_size", 1.5, "intermediate_size is 1.5"},
      {"head_dim", 15, "head_dim is 15"},
      {"max_position_embeddings", 0, "max_position_embeddings"},
      {"rms_norm_eps", 0, "epsilon is 0"},
      {"rms_norm_eps", true, "rms_norm_eps is true"},
      {"rope_theta", -1, "rope_theta is -1"},
      {"eos_token_id", "</s>", "eos_token_id holds"},
      {"tie_word_embeddings", 1, "tie_word_embeddings is 1"}};
  for (const auto& [key, value, part] : cases)
    expect_refused([&, k = key, v = value](json& j) { j[k] = v; }, part);
}

TEST(ConfigJson, RoundTrip) {
  DecoderConfig c = full_config();
  for (const RopeScaling& scaling :
       {RopeScaling{}, llama3_scaling(), yarn_scaling(), dynamic_scaling()}) {
    c.rope.scaling = scaling;
    const auto text = to_config_json(c, "bfloat16");
    ASSERT_TRUE(text.ok()) << text.error().message();
    const auto back = decoder_config_from_json(*text, to_generation_config_json(c));
    ASSERT_TRUE(back.ok()) << back.error().message();
    EXPECT_EQ(*back, c);
    EXPECT_EQ(json::parse(*text)["dtype"], "bfloat16");
    EXPECT_EQ(json::parse(*text)["architectures"], json::array({"LlamaForCausalLM"}));
  }
  c.rope.scaling = {.kind = RopeScaling::Kind::factors, .factors = std::vector<float>(8, 2.0f)};
  expect_error(to_config_json(c, "float32"), ErrorKind::unsupported, "rotary factors");
}

TEST(ConfigJson, GemmasScaleOfScoresComesBack) {
  for (const double scalar : {30.0, 144.0, 168.0, 224.0, 256.0, 0.7, 1e-5, 12345.678}) {
    const json config = {{"model_type", "gemma2"}, {"query_pre_attn_scalar", scalar}};
    const auto read = decoder_config_from_json(config.dump());
    ASSERT_TRUE(read.ok()) << read.error().message();
    const std::string written = to_config_json(*read, "float32").value();
    EXPECT_EQ(decoder_config_from_json(written)->query_scale, read->query_scale) << scalar;
    if (scalar == std::round(scalar)) {
      EXPECT_EQ(json::parse(written)["query_pre_attn_scalar"], scalar);
    }
  }
}

// Nothing is rotated with ALiBi and with learned positions, so what a file says of it is no part of
// the model.
class NotRotated : public testing::TestWithParam<json> {};

TEST_P(NotRotated, HasNoRotarySettings) {
  const auto with = [](const json& rope) {
    json config = GetParam();
    config["rope_parameters"] = rope;
    return decoder_config_from_json(config.dump());
  };
  const auto plain = with({{"rope_type", "default"}, {"rope_theta", 10000.0}});
  ASSERT_TRUE(plain.ok()) << plain.error().message();
  const auto other = with({{"rope_type", "dynamic"}, {"rope_theta", 10000.5}, {"factor", 4.0}});
  ASSERT_TRUE(other.ok()) << other.error().message();
  EXPECT_EQ(*other, *plain);
  EXPECT_EQ(context_limit(*other), plain->max_positions);
  const auto back = decoder_config_from_json(to_config_json(*other, "float32").value());
  ASSERT_TRUE(back.ok()) << back.error().message();
  EXPECT_EQ(*back, *other);
}

INSTANTIATE_TEST_SUITE_P(
    Families, NotRotated,
    testing::Values(json{{"model_type", "falcon"},
                         {"alibi", true},
                         {"hidden_size", 64},
                         {"num_attention_heads", 4}},
                    json{{"model_type", "gpt2"}, {"n_embd", 64}, {"n_head", 4}}),
    [](const auto& tested) { return tested.param["model_type"].template get<std::string>(); });

TEST(ConfigJson, YarnSharpensAttentionUnlessToldOtherwise) {
  const auto yarn = [](json more) {
    return [more](json& j) {
      j["rope_scaling"] = {{"rope_type", "yarn"}, {"factor", 4}};
      j["rope_scaling"].update(more);
    };
  };
  const double usual = 0.1 * std::log(4.0) + 1;
  EXPECT_DOUBLE_EQ(read(yarn(json::object()))->rope.scaling.attention_factor, usual);
  EXPECT_EQ(read(yarn(json::object()))->rope.scaling.original_positions, 128);
  EXPECT_DOUBLE_EQ(read(yarn({{"attention_factor", 1.5}}))->rope.scaling.attention_factor, 1.5);
  EXPECT_DOUBLE_EQ(
      read(yarn({{"mscale", 1.0}, {"mscale_all_dim", 1.0}}))->rope.scaling.attention_factor, 1);
}

// Each family: what it adds comes back from its own config.json.
TEST(ConfigJson, FamiliesRoundTrip) {
  struct Case {
    const char* family;
    const char* architecture;
    std::function<void(DecoderConfig&)> change;
  };
  const std::vector<Case> cases = {
      {"llama", "LlamaForCausalLM",
       [](DecoderConfig& c) { c.qkv_bias = c.output_bias = c.mlp_bias = true; }},
      {"mistral", "MistralForCausalLM",
       [](DecoderConfig& c) {
         c.windows = {64, 64};
       }},
      {"mistral", "MistralForCausalLM", [](DecoderConfig&) {}},
      {"qwen2", "Qwen2ForCausalLM", [](DecoderConfig& c) { c.qkv_bias = true; }},
      {"qwen2", "Qwen2ForCausalLM",
       [](DecoderConfig& c) {
         c.qkv_bias = true;
         c.windows = {0, 64};
       }},
      {"qwen3", "Qwen3ForCausalLM", [](DecoderConfig& c) { c.qk_norm = true; }}};
  for (const Case& one : cases) {
    SCOPED_TRACE(one.family);
    DecoderConfig c = full_config();
    c.family = one.family;
    one.change(c);
    const auto text = to_config_json(c, "float32");
    ASSERT_TRUE(text.ok()) << text.error().message();
    EXPECT_EQ(json::parse(*text)["architectures"], json::array({one.architecture}));
    const auto back = decoder_config_from_json(*text, to_generation_config_json(c));
    ASSERT_TRUE(back.ok()) << back.error().message();
    EXPECT_EQ(*back, c);
  }
}

TEST(ConfigJson, DefaultsOfFamilies) {
  const auto mistral = read([](json& j) { j["model_type"] = "mistral"; });
  ASSERT_TRUE(mistral.ok()) << mistral.error().message();
  EXPECT_EQ(mistral->windows, std::vector<std::int64_t>(3, 4096));
  const auto qwen2 = read([](json& j) {
    j["model_type"] = "qwen2";
    j["sliding_window"] = 32;  // off, as use_sliding_window is
  });
  ASSERT_TRUE(qwen2.ok()) << qwen2.error().message();
  EXPECT_TRUE(qwen2->windows.empty());
  EXPECT_TRUE(qwen2->qkv_bias);
  EXPECT_EQ(qwen2->bos_id, std::nullopt);
  const auto qwen3 = read([](json& j) { j["model_type"] = "qwen3"; });
  ASSERT_TRUE(qwen3.ok()) << qwen3.error().message();
  EXPECT_EQ(qwen3->head_dim, 128);
  EXPECT_TRUE(qwen3->qk_norm);
  expect_refused(
      [](json& j) {
        j["model_type"] = "qwen2";
        j["use_sliding_window"] = true;
        j["sliding_window"] = 8;
        j["layer_types"] = {"full_attention"};
      },
      "layer_types has 1 entries");
}

TEST(ConfigGguf, FamiliesRoundTrip) {
  DecoderConfig c = full_config();
  c.family = "qwen3";
  c.qk_norm = true;
  GgufMetadata metadata;
  ASSERT_TRUE(to_gguf(c, metadata).ok());
  EXPECT_TRUE(metadata.has("qwen3.block_count"));
  EXPECT_FALSE(metadata.has("llama.block_count"));
  GgufTensorFacts facts{.names = {"blk.0.attn_q_norm.weight"}};
  EXPECT_EQ(decoder_config_from_gguf(metadata, facts).value(), c);
}

TEST(ConfigGguf, RoundTrip) {
  DecoderConfig c = full_config();
  RopeScaling linear{.kind = RopeScaling::Kind::linear, .factor = 4, .factors = {}};
  RopeScaling factors{.kind = RopeScaling::Kind::factors, .factors = {1, 1, 2, 2, 3, 3, 4, 4}};
  for (const RopeScaling& scaling :
       {RopeScaling{}, linear, llama3_scaling(), yarn_scaling(), factors}) {
    c.rope.scaling = scaling;
    c.eos_ids.push_back(static_cast<std::int64_t>(c.eos_ids.size()) + 10);  // up to six ids
    GgufMetadata metadata;
    ASSERT_TRUE(to_gguf(c, metadata).ok());
    GgufTensorFacts facts;
    if (scaling.kind == RopeScaling::Kind::llama3 || scaling.kind == RopeScaling::Kind::factors)
      facts.rope_factors = rope_divisors(c);
    const auto back = decoder_config_from_gguf(metadata, facts);
    ASSERT_TRUE(back.ok()) << back.error().message();
    EXPECT_EQ(*back, c);
  }
}

class ConfigGgufDamage : public testing::Test {
 protected:
  ConfigGgufDamage() { EXPECT_TRUE(to_gguf(full_config(), metadata_).ok()); }
  void refused(const char* key, GgufValue value, std::string_view part,
               ErrorKind kind = ErrorKind::bad_input) {
    GgufMetadata changed = metadata_;
    changed.set(key, std::move(value));
    expect_error(decoder_config_from_gguf(changed, {}), kind, part);
  }
  GgufMetadata metadata_;
};

TEST_F(ConfigGgufDamage, IsNamed) {
  refused("general.architecture", std::string("mamba"), "\"mamba\"", ErrorKind::unsupported);
  refused("llama.block_count", std::string("3"), "llama.block_count");
  refused("llama.expert_count", std::uint32_t{8}, "llama.expert_used_count");
  refused("llama.attention.sliding_window", std::int32_t{-8}, "sliding_window");
  refused("llama.attention.causal", false, "attention.causal", ErrorKind::unsupported);
  refused("llama.rope.scaling.type", std::string("longrope"), "rope_factors_long.weight");
  refused("llama.rope.scaling.type", std::string("su"), "\"su\"", ErrorKind::unsupported);
  refused("llama.rope.scaling.attn_factor", 1.5f, "attn_factor", ErrorKind::unsupported);
  refused("llama.rope.dimension_count", std::int32_t{-8}, "rope.dimension_count");
  refused("llama.rope.scaling.type", std::string("yarn"), "llama.rope.scaling.factor");
  refused("llama.rope.dimension_count", std::uint32_t{8}, "rope.dimension_count",
          ErrorKind::unsupported);
  refused("llama.attention.value_length", std::uint32_t{8}, "value_length", ErrorKind::unsupported);
  refused("llama.attention.head_count", GgufArray(std::vector<std::uint32_t>{4, 2}),
          "differs from layer to layer", ErrorKind::unsupported);
  refused("tokenizer.ggml.tokens", GgufArray(std::vector<std::string>(321)), "321 tokens");
  refused("tokenizer.ggml.eos_token_id", std::uint32_t{320}, "eos_token_id is 320");
  refused("lathe.rope.llama3.factor", 8.0f, "lathe.rope.llama3");
  expect_error(decoder_config_from_gguf({}, {}), ErrorKind::bad_input, "general.architecture");
}

TEST_F(ConfigGgufDamage, Llama3FactorsThatContradictTheirParameters) {
  DecoderConfig c = full_config();
  c.rope.scaling = llama3_scaling();
  GgufMetadata metadata;
  ASSERT_TRUE(to_gguf(c, metadata).ok());
  GgufTensorFacts facts{.rope_factors = rope_divisors(c)};
  facts.rope_factors[7] += 0.1f;
  expect_error(decoder_config_from_gguf(metadata, facts), ErrorKind::bad_input,
               "rope_freqs.weight");
}

TEST(ConfigGguf, UniformArraysAreCounts) {
  GgufMetadata metadata;
  ASSERT_TRUE(to_gguf(full_config(), metadata).ok());
  metadata.set("llama.attention.head_count_kv", GgufArray(std::vector<std::int32_t>{1, 1}));
  EXPECT_EQ(decoder_config_from_gguf(metadata, {}).value().kv_heads, 1);
}

// By hand from the published rule, head_dim 16, theta 500000, 64 old positions.
TEST(RopeDivisors, Llama3KeepsHighAndStretchesLowFrequencies) {
  DecoderConfig c = full_config();
  c.rope.scaling = llama3_scaling();
  const std::vector<float> divisors = rope_divisors(c);
  ASSERT_EQ(divisors.size(), 8u);
  EXPECT_EQ(divisors[0], 1.0f);  // wavelength 6.3, 10 turns in 64 positions
  EXPECT_EQ(divisors[7], 8.0f);
  // i = 1: frequency 500000^(-1/8) = 0.193923, 1.975281 turns; blend (1.975281 - 1) / 3 = 0.325094;
  // 1 / ((1 - 0.325094) / 8 + 0.325094)
  EXPECT_NEAR(divisors[1], 2.442259f, 1e-5f);
}

// transformers stretches by the number of values that the config asks for, rounded up only later.
TEST(DynamicTheta, AnOddNumberOfRotatedValuesCountsAsItIs) {
  RopeConfig rope;
  rope.scaling = dynamic_scaling();
  EXPECT_DOUBLE_EQ(dynamic_theta(rope, 8, 16, 16), 10000);
  EXPECT_NEAR(dynamic_theta(rope, 8, 16, 40), 10000 * std::pow(4, 8.0 / 6), 1e-6);
  rope.exponent_dim = 7;
  EXPECT_NEAR(dynamic_theta(rope, 8, 16, 40), 10000 * std::pow(4, 7.0 / 5), 1e-6);
}

TEST(ExpectedTensors, AreAllWeightsInOrder) {
  DecoderConfig c = full_config();
  const auto tied = expected_tensors(c);
  EXPECT_EQ(tied.size(), 2u + 9 * 2);
  EXPECT_EQ(tied[2].name, "model.layers.0.self_attn.q_proj.weight");
  EXPECT_EQ(tied[2].shape, (tensor::Shape{64, 48}));
  c.tied_embeddings = false;
  EXPECT_EQ(expected_tensors(c).back().name, "lm_head.weight");
}

}  // namespace
}  // namespace lathe::formats
