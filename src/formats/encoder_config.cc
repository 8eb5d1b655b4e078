#include "formats/encoder_config.h"

#include <fmt/format.h>

#include "formats/config_bounds.h"
#include "formats/encoders/encoder_family.h"
#include "formats/families/family.h"
#include "formats/foreign_text.h"

namespace lathe::formats {
namespace {

using nlohmann::json;

constexpr std::int64_t kMaxEncoderPositions = std::int64_t{1} << 24;

// What stands there, or what is in the config already.
Status read_encoder_size(const JsonFields& fields, const char* key, std::int64_t& size) {
  if (key == nullptr) return {};
  LATHE_TRY(const auto given, fields.find_int(key));
  size = given.value_or(size);
  return {};
}

Status read_sizes(const JsonFields& fields, const EncoderKeys& keys, EncoderConfig& c) {
  LATHE_CHECK(read_encoder_size(fields, "vocab_size", c.vocab_size));
  LATHE_CHECK(read_encoder_size(fields, keys.hidden, c.hidden_size));
  LATHE_CHECK(read_encoder_size(fields, keys.intermediate, c.intermediate_size));
  LATHE_CHECK(read_encoder_size(fields, keys.layers, c.layers));
  LATHE_CHECK(read_encoder_size(fields, keys.heads, c.heads));
  LATHE_CHECK(read_encoder_size(fields, "max_position_embeddings", c.positions));
  return read_encoder_size(fields, keys.token_types, c.token_types);
}

Status read_functions(const JsonFields& fields, const EncoderKeys& keys, EncoderConfig& c) {
  LATHE_TRY(const auto activation, fields.find_string(keys.activation));
  if (activation) {
    LATHE_TRY(c.activation, activation_named(*activation).at(keys.activation));
  }
  if (keys.norm_eps == nullptr) return {};
  LATHE_TRY(const auto eps, fields.find_number(keys.norm_eps));
  c.norm_eps = eps.value_or(c.norm_eps);
  return {};
}

// Fields of the configuration classes whose other values Lathe does not implement.
Status check_unsupported_encoder_fields(const JsonFields& fields) {
  for (const char* key : {"is_decoder", "is_encoder_decoder", "add_cross_attention"})
    LATHE_CHECK(allow_only(fields, key, false));
  LATHE_CHECK(allow_only(fields, "position_embedding_type", "absolute"));
  return allow_only(fields, "quantization_config", nullptr);
}

// BertConfig's defaults.
EncoderConfig base_config(const EncoderFamily& family) {
  EncoderConfig c;
  c.family = family.name;
  c.vocab_size = 30522;
  c.hidden_size = 768;
  c.intermediate_size = 3072;
  c.layers = 12;
  c.heads = 12;
  c.positions = 512;
  c.token_types = 2;
  if (family.defaults != nullptr) family.defaults(c);
  return c;
}

Result<EncoderConfig> read_config(const JsonFields& fields) {
  LATHE_TRY(const std::string type, fields.get_string("model_type"));
  LATHE_TRY(const EncoderFamily* family, find_encoder_family(type).at("model_type"));
  EncoderConfig c = base_config(*family);
  LATHE_CHECK(check_unsupported_encoder_fields(fields));
  LATHE_CHECK(read_sizes(fields, family->keys, c));
  LATHE_CHECK(read_functions(fields, family->keys, c));
  if (family->counted_pad_id >= 0) {
    LATHE_TRY(const auto pad_id, fields.find_int("pad_token_id"));
    c.counted_pad_id = pad_id.value_or(family->counted_pad_id);
  }
  LATHE_CHECK(check(c));
  return c;
}

}  // namespace

Status check(const EncoderConfig& c) {
  LATHE_CHECK(find_encoder_family(c.family));
  LATHE_CHECK(check_range("vocab_size", c.vocab_size, 1, kMaxVocab));
  LATHE_CHECK(check_range("hidden_size", c.hidden_size, 1, kMaxWidth));
  LATHE_CHECK(check_range("intermediate_size", c.intermediate_size, 1, kMaxWidth));
  LATHE_CHECK(check_range("num_hidden_layers", c.layers, 1, kMaxLayers));
  LATHE_CHECK(check_range("num_attention_heads", c.heads, 1, kMaxHeads));
  if (c.hidden_size % c.heads != 0)
    return Error::bad_input(fmt::format(
        "hidden_size ({}) is no multiple of num_attention_heads ({})", c.hidden_size, c.heads));
  LATHE_CHECK(check_range("max_position_embeddings", c.positions, 1, kMaxEncoderPositions));
  LATHE_CHECK(check_range("type_vocab_size", c.token_types, 0, kMaxVocab));
  if (!(c.norm_eps >= kLeastEps && c.norm_eps <= 1))
    return Error::bad_input(
        fmt::format("layer_norm_eps is {}, outside {} to 1", c.norm_eps, kLeastEps));
  if (c.counted_pad_id) {
    LATHE_CHECK(check_range("pad_token_id", *c.counted_pad_id, 0, c.vocab_size - 1));
    if (max_tokens(c) < 1)
      return Error::bad_input(
          fmt::format("max_position_embeddings ({}) leaves no position behind pad_token_id ({})",
                      c.positions, *c.counted_pad_id));
  }
  return {};
}

std::int64_t max_tokens(const EncoderConfig& config) {
  return config.counted_pad_id ? config.positions - *config.counted_pad_id - 1 : config.positions;
}

std::vector<std::int32_t> positions_of(const EncoderConfig& config,
                                       const std::vector<std::int32_t>& tokens) {
  std::vector<std::int32_t> positions;
  positions.reserve(tokens.size());
  auto next = static_cast<std::int32_t>(config.counted_pad_id ? *config.counted_pad_id + 1 : 0);
  for (const std::int32_t token : tokens) {
    const bool pad = config.counted_pad_id && token == *config.counted_pad_id;
    positions.push_back(pad ? token : next++);
  }
  return positions;
}

Result<EncoderConfig> encoder_config_from_json(std::string_view config_json) {
  LATHE_TRY(const json object, parse_json_object(config_json, kConfigLimits).at("config.json"));
  return read_config(JsonFields(object)).at("config.json");
}

}  // namespace lathe::formats
