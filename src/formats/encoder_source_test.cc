// Encoders from folders and GGUF files: configs of every family, heads, odd spellings, and what is
// refused.
#include "formats/encoder_source.h"

#include <gtest/gtest.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "formats/encoder_tensors.h"
#include "formats/safetensors.h"
#include "formats/test_support.h"

namespace lathe::formats {
namespace {

using nlohmann::json;

os::Path encoder(const std::string& name) {
  return os::Path(LATHE_SOURCE_DIR) / "testdata/encoders" / name;
}

json config_of(const std::string& name) {
  return json::parse(os::read_file(encoder(name) / "config.json").value());
}

Result<EncoderConfig> parse(const json& config) { return encoder_config_from_json(config.dump()); }

TEST(EncoderConfig, DefaultsAreTheFamilys) {
  const auto bert = parse({{"model_type", "bert"}});
  ASSERT_TRUE(bert.ok()) << bert.error().message();
  EXPECT_EQ(bert->hidden_size, 768);
  EXPECT_EQ(bert->token_types, 2);
  EXPECT_EQ(bert->norm_eps, 1e-12);
  EXPECT_EQ(max_tokens(*bert), 512);
  const auto roberta = parse({{"model_type", "roberta"}, {"max_position_embeddings", 514}});
  ASSERT_TRUE(roberta.ok()) << roberta.error().message();
  EXPECT_EQ(roberta->vocab_size, 50265);
  EXPECT_EQ(max_tokens(*roberta), 512);
  const auto distilbert = parse({{"model_type", "distilbert"}});
  ASSERT_TRUE(distilbert.ok()) << distilbert.error().message();
  EXPECT_EQ(distilbert->layers, 6);
  EXPECT_EQ(distilbert->token_types, 0);
}

TEST(EncoderConfig, RobertasPadTokensStandAtTheirOwnPosition) {
  const auto config = parse({{"model_type", "roberta"}, {"pad_token_id", 1}});
  EXPECT_EQ(positions_of(*config, {0, 7, 1, 8, 1, 2}),
            (std::vector<std::int32_t>{2, 3, 1, 4, 1, 5}));
  const auto bert = parse({{"model_type", "bert"}, {"pad_token_id", 0}});
  EXPECT_EQ(positions_of(*bert, {0, 7, 0}), (std::vector<std::int32_t>{0, 1, 2}));
}

TEST(EncoderConfig, FieldsThatWouldChangeResultsAreRefused) {
  const std::pair<const char*, json> fields[] = {{"position_embedding_type", "relative_key"},
                                                 {"is_decoder", true},
                                                 {"add_cross_attention", true},
                                                 {"hidden_act", "mish"},
                                                 {"quantization_config", json::object()}};
  for (const auto& [key, value] : fields) {
    json config = config_of("bert-mean");
    config[key] = value;
    expect_error(parse(config), ErrorKind::unsupported, key);
  }
}

TEST(EncoderConfig, SizesAreChecked) {
  const std::pair<const char*, json> fields[] = {{"vocab_size", 0},
                                                 {"hidden_size", -1},
                                                 {"hidden_size", 33},
                                                 {"num_hidden_layers", 100'000},
                                                 {"num_attention_heads", 0},
                                                 {"intermediate_size", std::int64_t{1} << 60},
                                                 {"type_vocab_size", -1},
                                                 {"layer_norm_eps", 0.0},
                                                 {"max_position_embeddings", 0}};
  for (const auto& [key, value] : fields) {
    json config = config_of("bert-mean");
    config[key] = value;
    expect_error(parse(config), ErrorKind::bad_input, key);
  }
  json roberta = config_of("roberta");
  roberta["max_position_embeddings"] = 2;
  expect_error(parse(roberta), ErrorKind::bad_input, "pad_token_id");
}

TEST(EncoderSource, HeadsAreListedAndNotLoaded) {
  const auto with_head = EncoderSource::open(encoder("bert-head-old-names"));
  ASSERT_TRUE(with_head.ok()) << with_head.error().message();
  std::vector<std::string> unused(with_head->unused_tensors().begin(),
                                  with_head->unused_tensors().end());
  ASSERT_FALSE(unused.empty());
  for (const std::string& name : unused) EXPECT_TRUE(name.starts_with("cls.")) << name;
  EXPECT_TRUE(with_head->tensor("embeddings.LayerNorm.weight").ok());
  EXPECT_FALSE(with_head->tensor(unused.front()).ok());
  const auto golden_bert = EncoderSource::open(golden("bert"));
  ASSERT_TRUE(golden_bert.ok()) << golden_bert.error().message();
  EXPECT_EQ(golden_bert->unused_tensors().size(), 2u);  // the pooler's
}

TEST(EncoderSource, ReadsShardsOfHalves) {
  const auto sharded = EncoderSource::open(encoder("bert-f16-sharded"));
  ASSERT_TRUE(sharded.ok()) << sharded.error().message();
  for (const std::string& name : sharded->tensor_names())
    EXPECT_EQ(sharded->tensor(name)->dtype, tensor::DType::f16) << name;
}

TEST(EncoderSource, IsToldFromModelsThatGenerate) {
  EXPECT_TRUE(is_encoder(encoder("roberta")));
  EXPECT_TRUE(is_encoder(encoder("bert-mean") / "model.gguf"));
  EXPECT_FALSE(is_encoder(golden("llama")));
  EXPECT_FALSE(is_encoder("/nonexistent"));
  const auto decoder = ModelSource::open(encoder("roberta"));
  ASSERT_FALSE(decoder.ok());
  EXPECT_NE(decoder.error().message().find("does not generate"), std::string::npos);
  EXPECT_FALSE(ModelSource::open(encoder("bert-mean") / "model.gguf").ok());
  expect_error(EncoderSource::open(golden("llama")), ErrorKind::unsupported, "llama");
}

class EncoderFolder : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::copy(encoder("bert-mean"), folder_, std::filesystem::copy_options::recursive);
  }
  void write(const char* name, const json& value) {
    ASSERT_TRUE(os::write_file_atomically(folder_ / name, value.dump()).ok());
  }
  // The weights with one tensor renamed; an empty new name takes it away.
  void rename(const std::string& from, const std::string& to) {
    std::vector<tensor::NamedTensor> tensors;
    const auto file = SafetensorsFile::open(encoder("bert-mean") / "model.safetensors");
    for (const tensor::NamedTensor& t : file->tensors()) {
      if (t.name != from) tensors.push_back(t);
      if (t.name == from && !to.empty()) tensors.push_back({to, t.view});
    }
    ASSERT_TRUE(write_safetensors(folder_ / "model.safetensors", tensors).ok());
  }

  os::TemporaryDirectory scratch_ = os::TemporaryDirectory::make().value();
  os::Path folder_ = scratch_.path() / "model";
};

constexpr const char* kQuery = "encoder.layer.1.attention.self.query.weight";

TEST_F(EncoderFolder, EveryTensorMustHaveAPlace) {
  rename(kQuery, "");
  expect_error(EncoderSource::open(folder_), ErrorKind::bad_input, kQuery);
  rename(kQuery, "encoder.layer.1.attention.self.adapter.weight");
  expect_error(EncoderSource::open(folder_), ErrorKind::bad_input, kQuery);
  rename("pooler.dense.weight", "extra.weight");
  expect_error(EncoderSource::open(folder_), ErrorKind::unsupported, "extra.weight");
  rename("pooler.dense.bias", std::string("bert.") + kQuery);
  expect_error(EncoderSource::open(folder_), ErrorKind::bad_input, "the same weight");
}

TEST_F(EncoderFolder, ModulesSayHowVectorsAreMade) {
  const auto opened = EncoderSource::open(folder_);
  ASSERT_TRUE(opened.ok()) << opened.error().message();
  EXPECT_EQ(opened->embedding().pooling, Pooling::mean);
  EXPECT_TRUE(opened->embedding().normalised);
  EXPECT_EQ(opened->embedding().max_tokens, 24);
  std::filesystem::remove(folder_ / "sentence_bert_config.json");
  EXPECT_EQ(EncoderSource::open(folder_)->embedding().max_tokens, 40);
  std::filesystem::remove(folder_ / "modules.json");
  EXPECT_EQ(EncoderSource::open(folder_)->embedding().pooling, std::nullopt);
}

TEST_F(EncoderFolder, OtherModulesAreRefused) {
  const json transformer = {{"type", "sentence_transformers.models.Transformer"}, {"path", ""}};
  const json pooling = {{"type", "sentence_transformers.models.Pooling"}, {"path", "1_Pooling"}};
  write("modules.json", json::array({transformer}));
  expect_error(EncoderSource::open(folder_), ErrorKind::unsupported, "Pooling");
  const json dense = {{"type", "sentence_transformers.models.Dense"}, {"path", "2_Dense"}};
  write("modules.json", json::array({transformer, pooling, dense}));
  expect_error(EncoderSource::open(folder_), ErrorKind::unsupported, "models.Dense");
  const json own = {{"type", "custom.Pooling"}, {"path", "1_Pooling"}};
  write("modules.json", json::array({transformer, own}));
  expect_error(EncoderSource::open(folder_), ErrorKind::unsupported, "custom.Pooling");
  const json outside = {{"type", "sentence_transformers.models.Pooling"}, {"path", "../x"}};
  write("modules.json", json::array({transformer, outside}));
  expect_error(EncoderSource::open(folder_), ErrorKind::bad_input, "../x");
}

TEST_F(EncoderFolder, PoolingsThatAreNotKnownAreRefused) {
  const char* file = "1_Pooling/config.json";
  write(file, {{"pooling_mode_mean_sqrt_len_tokens", true}});
  expect_error(EncoderSource::open(folder_), ErrorKind::unsupported, "mean_sqrt_len");
  write(file, {{"pooling_mode_mean_tokens", true}, {"pooling_mode_cls_token", true}});
  expect_error(EncoderSource::open(folder_), ErrorKind::unsupported, "several");
  write(file, {{"pooling_mode", "weightedmean"}});
  expect_error(EncoderSource::open(folder_), ErrorKind::unsupported, "weightedmean");
  write(file, {{"pooling_mode_mean_tokens", true}, {"word_embedding_dimension", 31}});
  expect_error(EncoderSource::open(folder_), ErrorKind::bad_input, "31");
  write(file, {{"pooling_mode_mean_tokens", true}, {"include_prompt", false}});
  expect_error(EncoderSource::open(folder_), ErrorKind::unsupported, "include_prompt");
  write(file, {{"pooling_mode", "lasttoken"}});
  EXPECT_EQ(EncoderSource::open(folder_)->embedding().pooling, Pooling::last);
}

TEST_F(EncoderFolder, SettingsThatWouldChangeVectorsAreRefused) {
  write("sentence_bert_config.json", {{"max_seq_length", 24}, {"do_lower_case", true}});
  expect_error(EncoderSource::open(folder_), ErrorKind::unsupported, "do_lower_case");
  write("sentence_bert_config.json", {{"tokenizer_args", {{"a", 1}}}});
  expect_error(EncoderSource::open(folder_), ErrorKind::unsupported, "tokenizer_args");
  write("sentence_bert_config.json", {{"max_seq_length", 0}});
  expect_error(EncoderSource::open(folder_), ErrorKind::bad_input, "at most 0");
  std::filesystem::remove(folder_ / "sentence_bert_config.json");
  write("config_sentence_transformers.json", {{"default_prompt_name", "query"}});
  expect_error(EncoderSource::open(folder_), ErrorKind::bad_input, "query");
}

TEST(EncoderGguf, SaysPoolingButNotWhetherVectorsAreNormalised) {
  const auto gguf = EncoderSource::open(encoder("bert-mean") / "model.gguf");
  ASSERT_TRUE(gguf.ok()) << gguf.error().message();
  const auto folder = EncoderSource::open(encoder("bert-mean"));
  EXPECT_EQ(gguf->config(), folder->config());
  EXPECT_EQ(gguf->embedding().pooling, Pooling::mean);
  EXPECT_TRUE(gguf->embedding().normalised);
  const auto unsaid = EncoderSource::open(encoder("xlm-roberta") / "model.gguf");
  ASSERT_TRUE(unsaid.ok()) << unsaid.error().message();
  EXPECT_EQ(unsaid->embedding().pooling, std::nullopt);
  EXPECT_EQ(max_tokens(unsaid->config()), 36);  // 40 less the pad id's 3 and one
}

TEST(EncoderGguf, KeysThatWouldChangeResultsAreRefused) {
  const auto file = GgufFile::open(encoder("bert-mean") / "model.gguf");
  const std::pair<const char*, GgufValue> entries[] = {
      {"bert.attention.causal", true},
      {"bert.attention.sliding_window", std::uint32_t{8}},
      {"bert.attention.head_count_kv", std::uint32_t{2}}};
  for (const auto& [key, value] : entries) {
    GgufMetadata metadata = file->metadata();
    metadata.set(key, value);
    expect_error(encoder_config_from_gguf(metadata, 2), ErrorKind::unsupported, key);
  }
  GgufMetadata metadata = file->metadata();
  metadata.set("bert.pooling_type", std::uint32_t{4});
  const auto config = encoder_config_from_gguf(metadata, 2);
  expect_error(embedding_config_of_gguf(metadata, *config), ErrorKind::unsupported, "reranker");
}

}  // namespace
}  // namespace lathe::formats
