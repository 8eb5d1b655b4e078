// The decoder families whose files Lathe reads: what one has beside the others, and the names it
// goes by. Adding a family is a file here, a line in family.cc and a line in models/registry.cc.
// Internal to src/formats.
#pragma once

#include <string_view>

#include <span>

#include "formats/decoder_config.h"
#include "formats/decoder_tensors.h"
#include "formats/gguf_fields.h"
#include "formats/json.h"

namespace lathe::formats {

// What config.json calls the sizes that every decoder has.
struct SizeKeys {
  const char* hidden = "hidden_size";
  const char* intermediate = "intermediate_size";  // absent: 4 * hidden, where fourfold
  const char* layers = "num_hidden_layers";
  const char* heads = "num_attention_heads";
  const char* kv_heads = "num_key_value_heads";  // nullptr: the family has no such field
  const char* positions = "max_position_embeddings";
  const char* norm_eps = "rms_norm_eps";
  const char* activation = "hidden_act";
  bool fourfold = false;
};

// The module of a part: a whole name outside the layers ("model.norm"), what follows the layer's
// number inside ("self_attn.q_proj"), with {} for an expert's number. In GGUF: without "blk.N.".
struct PartName {
  Part part;
  std::string_view name;
  std::string_view gguf = {};  // empty: the usual one (gguf_names.cc)
};

struct FieldAlias {
  const char* other;
  const char* name;
};

struct DecoderFamily {
  std::string_view name;          // DecoderConfig::family, and config.json's model_type
  std::string_view architecture;  // of config.json's "architectures"
  std::string_view gguf;          // general.architecture, and the prefix of its keys
  // Whether GGUF stores the rows of q_proj and k_proj interleaved (gguf_names.h).
  bool gguf_interleaves = false;
  bool has_experts = false;
  // Which layers have a window when the file gives one: of each so many all but the last; 0: all;
  // -1: the file must say.
  std::int64_t gguf_window_period = -1;
  std::int64_t gguf_default_window = 0;  // where the file gives none
  // Keys of GGUF that read_gguf knows beside those of every architecture.
  std::span<const std::string_view> gguf_keys = {};
  // Where several families share an architecture: whether a file is of this one; nullptr: when it
  // is of no other.
  bool (*is_gguf)(const GgufFields& fields) = nullptr;
  // What this family alone has in GGUF; called after the common fields are read.
  Status (*read_gguf)(const GgufFields& fields, DecoderConfig& config) = nullptr;
  void (*write_gguf)(const DecoderConfig& config, GgufKeys& keys) = nullptr;
  // What other model_type and architecture config.json may give for the same thing.
  std::span<const std::string_view> other_types = {};
  std::string_view other_architecture = {};
  SizeKeys keys = {};
  // Other names of fields of config.json, of older files as a rule.
  std::span<const FieldAlias> aliases = {};
  // What goes before the number of a layer.
  std::string_view layers = "model.layers.";
  // The names that differ from LLaMA's.
  std::span<const PartName> names = {};
  // Names of parts that depend on the config; nullptr: none do. An answer of nullptr: as usual.
  const PartName* (*name_by_config)(Part part, const DecoderConfig& config) = nullptr;
  // What some folders leave out at the start of every name outside the head ("transformer.").
  std::string_view base_prefix = {};
  bool stores_transposed = false;  // linear modules are [in, out] in folders, as GPT-2's Conv1D
  bool partial_rotary = false;     // a part of a head may be rotated
  bool ropes_by_layer = false;     // rope_parameters has an object for each type of layer
  // The default of original_max_position_embeddings where the class has such a field; then every
  // stretched rope is LongRoPE, also by its older names "su" and "yarn". 0: no such field.
  std::int64_t original_positions = 0;
  // Every default of config.json, sizes included; called before the fields are read.
  void (*defaults)(DecoderConfig& config) = nullptr;
  // The fields of config.json that this family alone has, and refusals of their values that Lathe
  // does not implement; called after the common ones are read.
  Status (*read_json)(const JsonFields& fields, DecoderConfig& config) = nullptr;
  // Adds those fields to config.json.
  void (*write_json)(const DecoderConfig& config, nlohmann::json& out) = nullptr;
};

// By DecoderConfig::family; unsupported names the family and those that exist.
Result<const DecoderFamily*> find_decoder_family(std::string_view name);
// By config.json's model_type, which may be another than the family's name.
Result<const DecoderFamily*> find_family_of_type(std::string_view model_type);
// By general.architecture, and by what the file says where families share one.
Result<const DecoderFamily*> find_gguf_family(std::string_view architecture,
                                              const GgufFields& fields);

// One file each.
extern const DecoderFamily kLlama;
extern const DecoderFamily kMistral;
extern const DecoderFamily kQwen2;
extern const DecoderFamily kQwen3;
extern const DecoderFamily kQwen3Moe;
extern const DecoderFamily kMixtral;
extern const DecoderFamily kGemma2;
extern const DecoderFamily kGemma3;
extern const DecoderFamily kPhi3;
extern const DecoderFamily kFalcon;
extern const DecoderFamily kGpt2;
extern const DecoderFamily kGptNeox;

// The family's name of a part, or LLaMA's; nullptr when neither has one.
const PartName* find_part_name(const DecoderFamily& family, Part part, const DecoderConfig& config);

// For families' files: the field is absent, null, or the one value that changes nothing;
// unsupported names it otherwise.
Status allow_only(const JsonFields& fields, const char* key, const nlohmann::json& harmless);

// Which layers of a family have a sliding window.
struct WindowRules {
  std::optional<std::int64_t> absent;  // the window where config.json has no "sliding_window"
  bool reads_layer_types = false;      // "layer_types" says which; else it must agree with the rest
  std::int64_t first = 0;              // without it: layers from here on,
  std::int64_t every = 0;              // but not each every-th one (0: no exception)
};
// "sliding_window" and "layer_types" as the family reads them. Errors: bad_input (a list that has
// not one entry a layer, layers with a window of no size), unsupported (a type of another name, or
// layers that the family's class would not give a window).
Status read_windows(const JsonFields& fields, const WindowRules& rules, DecoderConfig& config);

// Where "use_sliding_window" turns them on, from layer "max_window_layers" on (qwen2.cc).
Status read_switched_windows(const JsonFields& fields, DecoderConfig& config);

// For families and configs without windows: unsupported names a layer_types that has them.
Status allow_no_windows(const JsonFields& fields);

// "layer_types" and "sliding_window" as read_windows() reads them.
void write_windows(const DecoderConfig& config, nlohmann::json& out);

// GGUF's way to say which layers have a window: of each so many all but the last, 0: all. Nothing
// when no number says it.
std::optional<std::int64_t> window_period(const std::vector<std::int64_t>& windows);

// The rotary settings of one object: "rope_parameters" or "rope_scaling", whichever `object` is
// (decoder_config_json.cc).
Result<RopeConfig> read_rope_object(const nlohmann::json& object, const std::string& place,
                                    const DecoderConfig& config);
// Whether an object of "rope_parameters" holds one for each type of layer.
bool is_by_layer_type(const nlohmann::json* rope_parameters);
nlohmann::json rope_to_json(const RopeConfig& rope);

// How much of a head is rotated: `share` of its values, as `field` says; and what to write for it.
Status take_rotary_share(const std::string& field, double share, DecoderConfig& config);
double rotary_share_of(const DecoderConfig& config);

// The names of an activation: "gelu_new", …. unsupported names it.
Result<Activation> activation_named(std::string_view name);
std::string_view name_of(Activation activation);

}  // namespace lathe::formats
