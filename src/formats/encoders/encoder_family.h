// The encoder families whose files Lathe reads: what one has beside BERT, and the names it goes by.
// Adding a family is a file here and a line in encoder_family.cc. Internal to src/formats.
#pragma once

#include <span>
#include <string_view>

#include "formats/encoder_config.h"
#include "formats/encoder_tensors.h"
#include "formats/json.h"

namespace lathe::formats {

// What config.json calls the sizes that every encoder has.
struct EncoderKeys {
  const char* hidden = "hidden_size";
  const char* intermediate = "intermediate_size";
  const char* layers = "num_hidden_layers";
  const char* heads = "num_attention_heads";
  const char* activation = "hidden_act";
  const char* norm_eps = "layer_norm_eps";      // nullptr: the family has no such field
  const char* token_types = "type_vocab_size";  // "
};

// The module of a part: a whole name outside the layers, what follows the layer's number inside.
struct EncoderPartName {
  EncoderPart part;
  std::string_view name;
  std::string_view gguf;  // without "blk.N."
};

struct EncoderFamily {
  std::string_view name;  // EncoderConfig::family, and config.json's model_type
  // What may stand before every name of a folder whose model has a head: "bert.".
  std::string_view prefix;
  EncoderKeys keys = {};
  // What goes before the number of a layer.
  std::string_view layers = "encoder.layer.";
  // The names that differ from BERT's.
  std::span<const EncoderPartName> names = {};
  // How the names of tensors begin (the prefix left out) that belong to heads, which no embedding
  // goes through. They are not loaded, and EncoderSource::unused_tensors() lists them.
  std::span<const std::string_view> heads;
  // Defaults of config.json that differ from BertConfig's; called before the fields are read.
  void (*defaults)(EncoderConfig& config) = nullptr;
  // Positions count from pad_token_id + 1 (EncoderConfig::counted_pad_id); this is the id where
  // config.json gives none. -1: they count from 0.
  std::int64_t counted_pad_id = -1;
};

// By config.json's model_type; unsupported names the type and those that exist.
Result<const EncoderFamily*> find_encoder_family(std::string_view name);

// The family's name of a part, or BERT's.
const EncoderPartName& part_name(const EncoderFamily& family, EncoderPart part);

// One file each.
extern const EncoderFamily kBert;
extern const EncoderFamily kRoberta;
extern const EncoderFamily kXlmRoberta;
extern const EncoderFamily kCamembert;
extern const EncoderFamily kDistilbert;

}  // namespace lathe::formats
