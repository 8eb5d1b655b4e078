#include "formats/families/family.h"

#include <fmt/format.h>

#include "formats/foreign_text.h"

namespace lathe::formats {
namespace {

constexpr const DecoderFamily* kFamilies[] = {&kLlama, &kMistral, &kQwen2, &kQwen3};

Error unknown(std::string_view name, std::string_view DecoderFamily::*field) {
  std::string known;
  for (const DecoderFamily* family : kFamilies)
    known += (known.empty() ? "" : ", ") + std::string(family->*field);
  return Error::unsupported(fmt::format("model family {} is not supported", in_quotes(name)))
      .fix_with("use a model of one of these: " + known);
}

}  // namespace

std::vector<std::string> decoder_family_names() {
  std::vector<std::string> names;
  for (const DecoderFamily* family : kFamilies) names.emplace_back(family->name);
  return names;
}

Result<const DecoderFamily*> find_decoder_family(std::string_view name) {
  for (const DecoderFamily* family : kFamilies) {
    if (family->name == name) return family;
  }
  return unknown(name, &DecoderFamily::name);
}

Result<const DecoderFamily*> find_gguf_family(std::string_view architecture) {
  for (const DecoderFamily* family : kFamilies) {
    if (family->gguf == architecture) return family;  // the first: Mistral goes as "llama"
  }
  return unknown(architecture, &DecoderFamily::gguf);
}

Status allow_only(const JsonFields& fields, const char* key, const nlohmann::json& harmless) {
  const nlohmann::json* value = fields.find(key);
  if (value == nullptr || *value == harmless) return {};
  return Error::unsupported(
      fmt::format("{} is {}, which is not supported", fields.name(key), JsonFields::show(*value)));
}

Status read_windows(const JsonFields& fields, std::int64_t first, DecoderConfig& c) {
  LATHE_TRY(const auto types, fields.find_strings("layer_types"));
  if (types && static_cast<std::int64_t>(types->size()) != c.layers)
    return Error::bad_input(fmt::format("layer_types has {} entries, num_hidden_layers is {}",
                                        types->size(), c.layers));
  for (const std::string& type : types.value_or(std::vector<std::string>())) {
    if (type != "full_attention" && type != "sliding_attention")
      return Error::unsupported(
          fmt::format("layer_types has {}, which is not supported", in_quotes(type)));
  }
  LATHE_TRY(const auto window, fields.find_int("sliding_window"));
  if (!window || c.layers <= 0 || c.layers > 1024) return {};  // check() refuses such layers
  std::vector<std::int64_t> windows;
  bool any = false;
  for (std::int64_t layer = 0; layer < c.layers; ++layer) {
    const bool slides =
        types ? (*types)[static_cast<std::size_t>(layer)] == "sliding_attention" : layer >= first;
    windows.push_back(slides ? *window : 0);
    any = any || slides;
  }
  if (any) c.windows = std::move(windows);
  return {};
}

}  // namespace lathe::formats
