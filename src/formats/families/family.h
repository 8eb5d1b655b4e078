// The decoder families whose files Lathe reads: what one has beside the others, and the names it
// goes by. Adding a family is a file here, a line in family.cc and a line in models/registry.cc.
// Internal to src/formats.
#pragma once

#include <string_view>

#include "formats/decoder_config.h"
#include "formats/json.h"

namespace lathe::formats {

struct DecoderFamily {
  std::string_view name;          // DecoderConfig::family, and config.json's model_type
  std::string_view architecture;  // of config.json's "architectures"
  std::string_view gguf;          // general.architecture, and the prefix of its keys
  // Whether GGUF stores the rows of q_proj and k_proj interleaved (gguf_names.h).
  bool gguf_interleaves;
  // Defaults of config.json that differ from LlamaConfig's; called before the fields are read.
  void (*defaults)(DecoderConfig& config);
  // The fields of config.json that this family alone has, and refusals of their values that Lathe
  // does not implement; called after the common ones are read.
  Status (*read_json)(const JsonFields& fields, DecoderConfig& config);
  // Adds those fields to config.json.
  void (*write_json)(const DecoderConfig& config, nlohmann::json& out);
};

// By DecoderConfig::family; unsupported names the family and those that exist.
Result<const DecoderFamily*> find_decoder_family(std::string_view name);
// By general.architecture.
Result<const DecoderFamily*> find_gguf_family(std::string_view architecture);

// One file each.
extern const DecoderFamily kLlama;
extern const DecoderFamily kMistral;
extern const DecoderFamily kQwen2;
extern const DecoderFamily kQwen3;

// For families' files: the field is absent, null, or the one value that changes nothing;
// unsupported names it otherwise.
Status allow_only(const JsonFields& fields, const char* key, const nlohmann::json& harmless);

// "sliding_window" where it is in force, by layer: those of layer_types that say
// "sliding_attention", or, when there is no layer_types, layers from `first` on. Errors: bad_input
// (a list that has not one entry a layer), unsupported (a type of another name).
Status read_windows(const JsonFields& fields, std::int64_t first, DecoderConfig& config);

}  // namespace lathe::formats
