// DecoderConfig from and to Hugging Face's config.json.
//
// transformers reads the fields of the model type's own configuration class only, so other keys
// cannot change what the model computes; those of its fields that can, and that Lathe does not
// implement, are refused here or in the family's file unless they hold the value that changes
// nothing.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "formats/decoder_config.h"
#include "formats/families/family.h"
#include "formats/foreign_text.h"
#include "formats/json.h"

namespace lathe::formats {
namespace {

using nlohmann::json;

Error refuse(const JsonFields& fields, const char* key, const json& value) {
  return Error::unsupported(
      fmt::format("{} is {}, which is not supported", fields.name(key), JsonFields::show(value)));
}

Result<const DecoderFamily*> read_family(const JsonFields& fields) {
  LATHE_TRY(const std::string type, fields.get_string("model_type"));
  for (const char* part : {"text_config", "vision_config", "audio_config"}) {
    if (fields.find(part) != nullptr)
      return Error::unsupported(fmt::format("{} is a model of more than text: config.json has {}",
                                            in_quotes(type), part))
          .fix_with("use the text model alone, saved by itself (gemma3_text, mistral, llama)");
  }
  LATHE_TRY(const DecoderFamily* family, find_family_of_type(type).at("model_type"));
  LATHE_TRY(const auto architectures, fields.find_strings("architectures"));
  const bool known = !architectures || (architectures->size() == 1 &&
                                        (architectures->front() == family->architecture ||
                                         architectures->front() == family->other_architecture));
  if (!known)
    return Error::unsupported(
        fmt::format("architectures is {}; of model_type {} only {} is supported",
                    architectures->empty() ? "empty" : in_quotes(architectures->front()),
                    in_quotes(type), family->architecture));
  return family;
}

// Gives fields of other names the names that are read.
Status rename_fields(const DecoderFamily& family, json& config) {
  for (const FieldAlias& alias : family.aliases) {
    const auto found = config.find(alias.other);
    if (found == config.end()) continue;
    const json value = *found;
    const auto named = config.find(alias.name);
    if (named != config.end() && *named != value && !value.is_null())
      return Error::bad_input(fmt::format("{} is {}, but {} is {}", alias.other,
                                          JsonFields::show(value), alias.name,
                                          JsonFields::show(*named)));
    if (!value.is_null()) config[alias.name] = value;
  }
  return {};
}

Status check_unsupported_fields(const JsonFields& fields) {
  for (const char* key : {"is_encoder_decoder", "add_cross_attention"})
    LATHE_CHECK(allow_only(fields, key, false));
  return allow_only(fields, "quantization_config", nullptr);
}

// A size that is absent is the class's default, which families set before.
Status read_size(const JsonFields& fields, const char* key, std::int64_t& size) {
  if (!fields.mentions(key)) return {};
  LATHE_TRY(size, fields.get_int(key));
  return {};
}

Status read_intermediate(const JsonFields& fields, const SizeKeys& keys, DecoderConfig& c) {
  if (!keys.fourfold) return read_size(fields, keys.intermediate, c.intermediate_size);
  LATHE_TRY(const auto given, fields.find_int(keys.intermediate));
  const bool small = c.hidden_size > 0 && c.hidden_size < (std::int64_t{1} << 40);
  c.intermediate_size = given ? *given : small ? 4 * c.hidden_size : 0;  // check() refuses 0
  return {};
}

// null: as many as heads, where a family's default is another.
Status read_kv_heads(const JsonFields& fields, const SizeKeys& keys, DecoderConfig& c) {
  std::optional<std::int64_t> given;
  if (keys.kv_heads != nullptr) {
    LATHE_TRY(given, fields.find_int(keys.kv_heads));
    if (fields.mentions(keys.kv_heads)) c.kv_heads = c.heads;
  }
  c.kv_heads = given.value_or(c.kv_heads > 0 ? c.kv_heads : c.heads);
  return {};
}

Status read_sizes(const JsonFields& fields, const SizeKeys& keys, DecoderConfig& c) {
  LATHE_CHECK(read_size(fields, "vocab_size", c.vocab_size));
  LATHE_CHECK(read_size(fields, keys.hidden, c.hidden_size));
  LATHE_CHECK(read_intermediate(fields, keys, c));
  LATHE_CHECK(read_size(fields, keys.layers, c.layers));
  LATHE_CHECK(read_size(fields, keys.heads, c.heads));
  LATHE_CHECK(read_kv_heads(fields, keys, c));
  LATHE_TRY(auto head_dim, fields.find_int("head_dim"));
  if (!head_dim && !fields.mentions("head_dim") && c.head_dim > 0) head_dim = c.head_dim;
  if (!head_dim && (c.heads <= 0 || c.hidden_size % c.heads != 0))
    return Error::bad_input(
        fmt::format("{} ({}) is no multiple of {} ({}), and head_dim is missing", keys.hidden,
                    c.hidden_size, keys.heads, c.heads));
  c.head_dim = head_dim ? *head_dim : c.hidden_size / c.heads;
  LATHE_TRY(const auto positions, fields.find_int(keys.positions));
  c.max_positions = positions.value_or(c.max_positions);
  LATHE_TRY(const auto eps, fields.find_number(keys.norm_eps));
  c.norm_eps = eps.value_or(c.norm_eps);
  LATHE_TRY(const auto tied, fields.find_bool("tie_word_embeddings"));
  c.tied_embeddings = tied.value_or(c.tied_embeddings);
  LATHE_TRY(const auto activation, fields.find_string(keys.activation));
  if (activation) {
    LATHE_TRY(c.activation, activation_named(*activation).at(keys.activation));
  }
  return {};
}

// "partial_rotary_factor" where the family has it.
Status take_rotary_factor(const JsonFields& fields, const char* key, DecoderConfig& c) {
  LATHE_TRY(const auto factor, fields.find_number(key));
  if (!factor) return {};
  LATHE_TRY(const DecoderFamily* family, find_decoder_family(c.family));
  if (!family->partial_rotary && *factor != 1) return refuse(fields, key, json(*factor));
  return take_rotary_share(fields.name(key), *factor, c);
}

// A key of a rope object that is not null must be one that its kind reads.
Status check_rope_keys(const JsonFields& fields, const json& object,
                       std::initializer_list<std::string_view> known) {
  for (const auto& [key, value] : object.items()) {
    if (!value.is_null() && std::find(known.begin(), known.end(), key) == known.end())
      return refuse(fields, key.c_str(), value);
  }
  return {};
}

// "rope_type", or "type" as older files spell it.
Result<std::string> read_rope_type(const JsonFields& fields) {
  LATHE_TRY(const auto current, fields.find_string("rope_type"));
  LATHE_TRY(const auto older, fields.find_string("type"));
  if (current && older && *current != *older)
    return Error::bad_input(fmt::format("{} is {}, but {} is {}", fields.name("rope_type"),
                                        in_quotes(*current), fields.name("type"),
                                        in_quotes(*older)));
  return current ? *current : older.value_or("default");
}

// How much YaRN sharpens attention for a stretch by `factor`.
double yarn_mscale(double factor, double mscale) {
  return factor <= 1 ? 1 : 0.1 * mscale * std::log(factor) + 1;
}

// What a rope object is read with.
struct RopeContext {
  std::int64_t max_positions = 0;
  std::int64_t outer_positions = 0;  // original_max_position_embeddings outside it; 0: not there
  bool yarn_is_longrope = false;
};

// What stands outside goes first (standardize_rope_params).
Result<std::int64_t> read_original(const JsonFields& fields, const RopeContext& context) {
  LATHE_TRY(const auto inner, fields.find_int("original_max_position_embeddings"));
  if (context.outer_positions > 0) return context.outer_positions;
  return inner.value_or(context.max_positions);
}

Result<RopeScaling> read_yarn(const JsonFields& fields, const RopeContext& context) {
  RopeScaling s;
  s.kind = RopeScaling::Kind::yarn;
  LATHE_TRY(s.original_positions, read_original(fields, context));
  if (fields.mentions("factor") && fields.find("factor") == nullptr) {
    s.factor = static_cast<double>(context.max_positions) /
               static_cast<double>(std::max<std::int64_t>(s.original_positions, 1));
  } else {
    LATHE_TRY(s.factor, fields.get_number("factor"));
  }
  LATHE_TRY(const auto fast, fields.find_number("beta_fast"));
  LATHE_TRY(const auto slow, fields.find_number("beta_slow"));
  LATHE_TRY(const auto truncate, fields.find_bool("truncate"));
  if (fast.value_or(0) != 0) s.beta_fast = *fast;  // 0 counts as absent, as in the source
  if (slow.value_or(0) != 0) s.beta_slow = *slow;
  s.truncate = truncate.value_or(true);
  LATHE_TRY(const auto given, fields.find_number("attention_factor"));
  LATHE_TRY(const auto mscale, fields.find_number("mscale"));
  LATHE_TRY(const auto all_dim, fields.find_number("mscale_all_dim"));
  if (given) {
    s.attention_factor = *given;
  } else if (mscale.value_or(0) != 0 && all_dim.value_or(0) != 0) {
    s.attention_factor = yarn_mscale(s.factor, *mscale) / yarn_mscale(s.factor, *all_dim);
  } else {
    s.attention_factor = yarn_mscale(s.factor, 1);
  }
  return s;
}

Result<std::vector<float>> read_rope_factors(const JsonFields& fields, const char* key) {
  const json* list = fields.find(key);
  if (list == nullptr || !list->is_array())
    return Error::bad_input(fmt::format("{} is no list of numbers", fields.name(key)));
  std::vector<float> factors;
  for (const json& factor : *list) {
    if (!factor.is_number())
      return Error::bad_input(
          fmt::format("{} holds {}, not a number", fields.name(key), JsonFields::show(factor)));
    factors.push_back(factor.get<float>());
  }
  return factors;
}

// Ding et al. 2024, as _compute_longrope_parameters reads it.
Result<RopeScaling> read_longrope(const JsonFields& fields, const RopeContext& context) {
  RopeScaling s;
  s.kind = RopeScaling::Kind::longrope;
  LATHE_TRY(s.factors, read_rope_factors(fields, "short_factor"));
  LATHE_TRY(s.long_factors, read_rope_factors(fields, "long_factor"));
  LATHE_TRY(s.original_positions, read_original(fields, context));
  LATHE_TRY(const auto factor, fields.find_number("factor"));
  LATHE_TRY(const auto sharper, fields.find_number("attention_factor"));
  const auto original = static_cast<double>(s.original_positions);
  const double stretch = factor.value_or(static_cast<double>(context.max_positions) / original);
  s.attention_factor = sharper        ? *sharper
                       : stretch <= 1 ? 1
                                      : std::sqrt(1 + std::log(stretch) / std::log(original));
  return s;
}

// rope_scaling, or rope_parameters of transformers 5 (which also hold rope_theta).
Result<RopeScaling> read_rope_scaling(const json& object, const std::string& place,
                                      const RopeContext& context) {
  const JsonFields fields(object, place);
  LATHE_TRY(std::string type, read_rope_type(fields));
  if (type == "su" || (type == "yarn" && context.yarn_is_longrope)) type = "longrope";
  RopeScaling s;
  if (type == "default") {
    LATHE_CHECK(check_rope_keys(fields, object,
                                {"rope_type", "type", "rope_theta", "partial_rotary_factor"}));
    return s;
  }
  if (type == "linear") {
    s.kind = RopeScaling::Kind::linear;
    LATHE_CHECK(check_rope_keys(
        fields, object, {"rope_type", "type", "rope_theta", "partial_rotary_factor", "factor"}));
    LATHE_TRY(s.factor, fields.get_number("factor"));
    return s;
  }
  if (type == "llama3") {
    s.kind = RopeScaling::Kind::llama3;
    LATHE_CHECK(check_rope_keys(
        fields, object,
        {"rope_type", "type", "rope_theta", "partial_rotary_factor", "factor", "low_freq_factor",
         "high_freq_factor", "original_max_position_embeddings"}));
    LATHE_TRY(s.factor, fields.get_number("factor"));
    LATHE_TRY(s.low_freq_factor, fields.get_number("low_freq_factor"));
    LATHE_TRY(s.high_freq_factor, fields.get_number("high_freq_factor"));
    LATHE_TRY(s.original_positions, read_original(fields, context));
    return s;
  }
  if (type == "dynamic") {
    s.kind = RopeScaling::Kind::dynamic;
    LATHE_CHECK(check_rope_keys(fields, object,
                                {"rope_type", "type", "rope_theta", "partial_rotary_factor",
                                 "factor", "alpha", "original_max_position_embeddings"}));
    LATHE_TRY(s.factor, fields.get_number("factor"));
    return s;
  }
  if (type == "yarn") {
    LATHE_CHECK(
        check_rope_keys(fields, object,
                        {"rope_type", "type", "rope_theta", "partial_rotary_factor", "factor",
                         "attention_factor", "beta_fast", "beta_slow", "mscale", "mscale_all_dim",
                         "truncate", "original_max_position_embeddings", "finetuned"}));
    return read_yarn(fields, context);
  }
  if (type == "longrope") {
    LATHE_CHECK(check_rope_keys(
        fields, object,
        {"rope_type", "type", "rope_theta", "partial_rotary_factor", "short_factor", "long_factor",
         "factor", "attention_factor", "original_max_position_embeddings"}));
    return read_longrope(fields, context);
  }
  return Error::unsupported(fmt::format(
      "{} {} is not supported (default, linear, dynamic, llama3, yarn and longrope are)",
      fields.name("rope_type"), in_quotes(type)));
}

Result<RopeContext> rope_context(const JsonFields& fields, const DecoderConfig& c) {
  LATHE_TRY(const DecoderFamily* family, find_decoder_family(c.family));
  LATHE_TRY(const auto original, fields.find_int("original_max_position_embeddings"));
  if (original && *original < 1)
    return Error::bad_input(
        fmt::format("original_max_position_embeddings is {}, below 1", *original));
  return RopeContext{c.max_positions, original.value_or(family->original_positions),
                     family->original_positions > 0};
}

// rope_parameters with an object for each type of layer: the family's file reads them.
Status allow_ropes_by_layer(const DecoderConfig& c) {
  LATHE_TRY(const DecoderFamily* family, find_decoder_family(c.family));
  if (family->ropes_by_layer) return {};
  return Error::unsupported("rope_parameters differ by type of layer");
}

// The old spelling (rope_theta, rope_scaling) and the new one (rope_parameters) may both stand
// there, as long as they say the same.
Status read_rope(const JsonFields& fields, DecoderConfig& c) {
  LATHE_TRY(const auto theta, fields.find_number("rope_theta"));
  const json* scaling = fields.find("rope_scaling");
  const json* parameters = fields.find("rope_parameters");
  for (const char* key : {"rope_scaling", "rope_parameters"}) {
    if (const json* value = fields.find(key); value != nullptr && !value->is_object())
      return Error::bad_input(
          fmt::format("{} is {}, not an object", key, JsonFields::show(*value)));
  }
  LATHE_CHECK(take_rotary_factor(fields, "partial_rotary_factor", c));
  LATHE_TRY(const RopeContext context, rope_context(fields, c));
  c.rope.theta = theta.value_or(c.rope.theta);
  if (scaling != nullptr) {
    const JsonFields inner(*scaling, "rope_scaling.");
    LATHE_TRY(c.rope.scaling, read_rope_scaling(*scaling, "rope_scaling.", context));
    LATHE_TRY(const auto inner_theta, inner.find_number("rope_theta"));
    c.rope.theta = inner_theta.value_or(c.rope.theta);
    LATHE_CHECK(take_rotary_factor(inner, "partial_rotary_factor", c));
  }
  if (parameters == nullptr) return {};
  if (is_by_layer_type(parameters)) return allow_ropes_by_layer(c);
  const JsonFields newer_fields(*parameters, "rope_parameters.");
  RopeConfig newer = c.rope;
  LATHE_TRY(newer.scaling, read_rope_scaling(*parameters, "rope_parameters.", context));
  LATHE_TRY(const auto newer_theta, newer_fields.find_number("rope_theta"));
  newer.theta = newer_theta.value_or(newer.theta);
  if ((theta && newer.theta != c.rope.theta) ||
      (scaling != nullptr && newer.scaling != c.rope.scaling))
    return Error::bad_input("rope_parameters contradicts rope_theta or rope_scaling")
        .fix_with("keep the one that the model was trained with");
  c.rope = newer;
  return take_rotary_factor(newer_fields, "partial_rotary_factor", c);
}

Result<std::vector<std::int64_t>> read_ids(const JsonFields& fields, const char* key) {
  std::vector<std::int64_t> ids;
  const json* value = fields.find(key);
  if (value == nullptr) return ids;
  const json list = value->is_array() ? *value : json::array({*value});
  for (const json& item : list) {
    if (!item.is_number_integer())
      return Error::bad_input(
          fmt::format("{} holds {}, not a token id", fields.name(key), JsonFields::show(item)));
    const auto id = item.get<std::int64_t>();
    if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
  }
  return ids;
}

// What stands in this file; config.json and generation_config.json have the same three fields.
Status read_token_ids(const JsonFields& fields, DecoderConfig& c) {
  LATHE_TRY(const auto bos, fields.find_int("bos_token_id"));
  if (bos) c.bos_id = bos;
  LATHE_TRY(const auto pad, fields.find_int("pad_token_id"));
  if (pad && *pad != -1) c.pad_id = pad;  // -1: how the first LLaMA files said "none"
  LATHE_TRY(auto eos, read_ids(fields, "eos_token_id"));
  if (!eos.empty()) c.eos_ids = std::move(eos);
  return {};
}

// An id past the vocabulary can neither be fed nor come out: it is as good as none. Classes' own
// defaults are such ids for small vocabularies.
void drop_ids_outside(DecoderConfig& c) {
  const auto outside = [&](std::int64_t id) { return id < 0 || id >= c.vocab_size; };
  if (c.bos_id && outside(*c.bos_id)) c.bos_id.reset();
  if (c.pad_id && outside(*c.pad_id)) c.pad_id.reset();
  std::erase_if(c.eos_ids, outside);
}

json to_json(const RopeScaling& s) {
  switch (s.kind) {
    case RopeScaling::Kind::linear:
      return {{"rope_type", "linear"}, {"factor", s.factor}};
    case RopeScaling::Kind::llama3:
      return {{"rope_type", "llama3"},
              {"factor", s.factor},
              {"low_freq_factor", s.low_freq_factor},
              {"high_freq_factor", s.high_freq_factor},
              {"original_max_position_embeddings", s.original_positions}};
    case RopeScaling::Kind::dynamic:
      return {{"rope_type", "dynamic"}, {"factor", s.factor}};
    case RopeScaling::Kind::yarn:
      return {{"rope_type", "yarn"},
              {"factor", s.factor},
              {"beta_fast", s.beta_fast},
              {"beta_slow", s.beta_slow},
              {"truncate", s.truncate},
              {"attention_factor", s.attention_factor},
              {"original_max_position_embeddings", s.original_positions}};
    case RopeScaling::Kind::longrope:
      return {{"rope_type", "longrope"},
              {"short_factor", s.factors},
              {"long_factor", s.long_factors},
              {"attention_factor", s.attention_factor},
              {"original_max_position_embeddings", s.original_positions}};
    default:
      return nullptr;
  }
}

void put_token_ids(const DecoderConfig& c, json& out) {
  out["bos_token_id"] = c.bos_id ? json(*c.bos_id) : json();
  out["pad_token_id"] = c.pad_id ? json(*c.pad_id) : json();
  out["eos_token_id"] = c.eos_ids.empty()       ? json()
                        : c.eos_ids.size() == 1 ? json(c.eos_ids.front())
                                                : json(c.eos_ids);
}

void put_rope(const DecoderConfig& c, json& out) {
  json parameters = rope_to_json(c.rope);
  if (c.rotary_dim > 0 || c.rope.exponent_dim > 0) {
    const double share = rotary_share_of(c);
    parameters["partial_rotary_factor"] = share;
    out["partial_rotary_factor"] = share;
  }
  out["rope_parameters"] = parameters;
  out["rope_scaling"] = to_json(c.rope.scaling);
  out["rope_theta"] = c.rope.theta;
}

}  // namespace

Status take_rotary_share(const std::string& field, double share, DecoderConfig& c) {
  if (!(share > 0 && share <= 1))
    return Error::bad_input(fmt::format("{} is {}, outside 0 to 1", field, share));
  const auto dim = static_cast<std::int64_t>(static_cast<double>(c.head_dim) * share);
  if (dim == 0)
    return Error::bad_input(
        fmt::format("{} leaves no value of a head of {} to be rotated", field, c.head_dim));
  const std::int64_t even = dim + dim % 2;  // as many pairs as transformers makes frequencies
  c.rotary_dim = even == c.head_dim ? 0 : even;
  c.rope.exponent_dim = even == dim ? 0 : dim;
  return {};
}

double rotary_share_of(const DecoderConfig& c) {
  const std::int64_t dim = exponent_dim_of(c.rope, rotary_dim_of(c));
  return static_cast<double>(dim) / static_cast<double>(c.head_dim);
}

bool is_by_layer_type(const json* parameters) {
  return parameters != nullptr &&
         (parameters->contains("full_attention") || parameters->contains("sliding_attention"));
}

Result<RopeConfig> read_rope_object(const json& object, const std::string& place,
                                    const DecoderConfig& config) {
  RopeConfig rope;
  rope.theta = config.rope.theta;
  LATHE_TRY(rope.scaling, read_rope_scaling(object, place, {config.max_positions}));
  LATHE_TRY(const auto theta, JsonFields(object, place).find_number("rope_theta"));
  rope.theta = theta.value_or(rope.theta);
  return rope;
}

json rope_to_json(const RopeConfig& rope) {
  json out = to_json(rope.scaling);
  if (out.is_null()) out["rope_type"] = "default";
  out["rope_theta"] = rope.theta;
  return out;
}

// Where nothing is rotated, whatever the file says of it is no part of the model.
static void forget_rope(DecoderConfig& c) {
  c.rope = {};
  c.rotary_dim = 0;
}

Result<DecoderConfig> decoder_config_from_json(std::string_view config_json,
                                               std::string_view generation_config_json) {
  LATHE_TRY(json config, parse_json_object(config_json, kConfigLimits).at("config.json"));
  const JsonFields fields(config);
  DecoderConfig c;
  const auto read = [&]() -> Status {
    LATHE_TRY(const DecoderFamily* family, read_family(fields));
    c.family = family->name;
    family->defaults(c);
    LATHE_CHECK(rename_fields(*family, config));
    LATHE_CHECK(check_unsupported_fields(fields));
    LATHE_CHECK(read_sizes(fields, family->keys, c));
    LATHE_CHECK(read_rope(fields, c));
    LATHE_CHECK(family->read_json(fields, c));
    if (c.positions != PositionKind::rotary) forget_rope(c);
    if (fields.mentions("bos_token_id")) c.bos_id.reset();
    if (fields.mentions("eos_token_id")) c.eos_ids.clear();
    return read_token_ids(fields, c);
  };
  LATHE_CHECK(read().at("config.json"));
  if (!generation_config_json.empty()) {
    LATHE_TRY(
        const json generation,
        parse_json_object(generation_config_json, kConfigLimits).at("generation_config.json"));
    LATHE_CHECK(read_token_ids(JsonFields(generation), c).at("generation_config.json"));
  }
  drop_ids_outside(c);
  LATHE_CHECK(check(c).at("config.json"));
  return c;
}

Result<std::string> to_config_json(const DecoderConfig& c, std::string_view dtype) {
  LATHE_CHECK(check(c));
  if (c.rope.scaling.kind == RopeScaling::Kind::factors)
    return Error::unsupported("config.json cannot say rotary factors given one by one")
        .fix_with("write GGUF");
  LATHE_TRY(const DecoderFamily* family, find_decoder_family(c.family));
  const SizeKeys& keys = family->keys;
  json out{{"architectures", json::array({family->architecture})},
           {"model_type", family->name},
           {"attention_dropout", 0.0},
           {keys.activation, name_of(c.activation)},
           {"vocab_size", c.vocab_size},
           {keys.hidden, c.hidden_size},
           {keys.intermediate, c.intermediate_size},
           {keys.layers, c.layers},
           {keys.heads, c.heads},
           {keys.positions, c.max_positions},
           {keys.norm_eps, c.norm_eps},
           {"tie_word_embeddings", c.tied_embeddings},
           {"dtype", dtype},
           {"torch_dtype", dtype},
           {"use_cache", true}};
  if (keys.kv_heads != nullptr) out[keys.kv_heads] = c.kv_heads;
  if (c.positions == PositionKind::rotary) put_rope(c, out);
  if (c.head_dim * c.heads != c.hidden_size || family->keys.kv_heads != nullptr)
    out["head_dim"] = c.head_dim;
  family->write_json(c, out);
  put_token_ids(c, out);
  return out.dump(2) + "\n";
}

std::string to_generation_config_json(const DecoderConfig& c) {
  json out{{"_from_model_config", true}};
  put_token_ids(c, out);
  return out.dump(2) + "\n";
}

}  // namespace lathe::formats
