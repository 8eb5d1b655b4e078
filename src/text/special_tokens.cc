#include "text/special_tokens.h"

#include <array>

#include "formats/gguf_metadata.h"
#include "formats/json.h"

namespace lathe::text {
namespace {

using nlohmann::json;

void put(SpecialTokenText& special, std::string_view name, std::string text) {
  if (name == "bos_token") {
    special.bos = std::move(text);
  } else if (name == "eos_token") {
    special.eos = std::move(text);
  } else if (name == "unk_token") {
    special.unk = std::move(text);
  } else if (name == "pad_token") {
    special.pad = std::move(text);
  } else {
    special.others.emplace_back(name, std::move(text));
  }
}

// A token as tokenizer_config.json writes it; nothing for null.
Result<std::optional<std::string>> token_in(const formats::JsonFields& fields, const char* name) {
  const json* value = fields.find(name);
  if (value == nullptr || !value->is_object()) return fields.find_string(name);
  LATHE_TRY(auto content, formats::JsonFields(*value, name).get_string("content"));
  return std::optional(std::move(content));
}

}  // namespace

SpecialTokenText special_token_text(const Tokenizer& tokenizer) {
  SpecialTokenText special;
  if (const auto bos = tokenizer.bos_id()) special.bos = std::string(tokenizer.id_to_token(*bos));
  if (const auto eos = tokenizer.eos_id()) special.eos = std::string(tokenizer.id_to_token(*eos));
  return special;
}

Status add_special_tokens(std::string_view tokenizer_config_json, SpecialTokenText& special) {
  LATHE_TRY(const json config, formats::parse_json_object(tokenizer_config_json));
  const formats::JsonFields fields(config);
  for (const char* name : {"bos_token", "eos_token", "unk_token", "sep_token", "pad_token",
                           "cls_token", "mask_token"}) {
    LATHE_TRY(auto text, token_in(fields, name));
    if (text) put(special, name, std::move(*text));
  }
  return {};
}

Status add_special_tokens(const formats::GgufMetadata& metadata, const Tokenizer& tokenizer,
                          SpecialTokenText& special) {
  constexpr std::array<std::pair<const char*, const char*>, 5> kKeys = {{
      {"tokenizer.ggml.unknown_token_id", "unk_token"},
      {"tokenizer.ggml.padding_token_id", "pad_token"},
      {"tokenizer.ggml.seperator_token_id", "sep_token"},  // ggml's own spelling
      {"tokenizer.ggml.cls_token_id", "cls_token"},
      {"tokenizer.ggml.mask_token_id", "mask_token"},
  }};
  for (const auto& [key, name] : kKeys) {
    LATHE_TRY(const auto id, metadata.find_int(key));
    if (id && *id >= 0 && *id < tokenizer.vocab_size())
      put(special, name, std::string(tokenizer.id_to_token(static_cast<std::int32_t>(*id))));
  }
  return {};
}

}  // namespace lathe::text
