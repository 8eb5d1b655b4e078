#include "text/pre_tokenizer_names.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "text/json_fields.h"

namespace lathe::text {
namespace {

Json byte_level(bool use_regex) {
  return {{"type", "ByteLevel"},
          {"add_prefix_space", false},
          {"trim_offsets", true},
          {"use_regex", use_regex}};
}

Json sequence(Json members) {
  return {{"type", "Sequence"}, {"pretokenizers", std::move(members)}};
}

Json split(const char* pattern) {
  return {{"type", "Split"},
          {"pattern", {{"Regex", pattern}}},
          {"behavior", "Isolated"},
          {"invert", false}};
}

Json digits(bool individual) { return {{"type", "Digits"}, {"individual_digits", individual}}; }

std::vector<NamedPreTokenizer> make_table() {
  const Json llama3 = sequence(Json::array(
      {split(
           R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"),
       byte_level(false)}));
  const Json qwen2 = sequence(Json::array(
      {split(
           R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"),
       byte_level(false)}));
  const Json falcon =
      sequence(Json::array({Json{{"type", "Punctuation"}, {"behavior", "Contiguous"}},
                            byte_level(true), digits(false), split("[0-9][0-9][0-9]")}));
  const Json smollm = sequence(Json::array({digits(true), byte_level(true)}));
  const Json nfc = {{"type", "NFC"}};
  return {
      {"falcon", "null", falcon.dump(), false},   {"gpt-2", "null", byte_level(true).dump(), false},
      {"llama-bpe", "null", llama3.dump(), true}, {"qwen2", nfc.dump(), qwen2.dump(), false},
      {"smollm", "null", smollm.dump(), false},
  };
}

const std::vector<NamedPreTokenizer>& table() {
  static const std::vector<NamedPreTokenizer> the = make_table();
  return the;
}

// Other names for an entry that cuts the same.
std::string_view canonical_name(std::string_view name) {
  static const std::vector<std::pair<std::string_view, std::string_view>> aliases = {
      {"phi-2", "gpt-2"},      {"mpt", "gpt-2"},        {"olmo", "gpt-2"},
      {"jais", "gpt-2"},       {"llama3", "llama-bpe"}, {"llama-v3", "llama-bpe"},
      {"starcoder", "smollm"}, {"refact", "smollm"},    {"deepseek-r1-qwen", "qwen2"},
  };
  for (const auto& [alias, target] : aliases)
    if (alias == name) return target;
  return name;
}

// trim_offsets says where tokens lie in the text, never which they are.
void drop_offsets(Json& component) {
  if (component.is_object()) component.erase("trim_offsets");
  if (component.is_structured())
    for (Json& member : component) drop_offsets(member);
}

}  // namespace

const NamedPreTokenizer* find_pre_tokenizer(std::string_view name) {
  for (const NamedPreTokenizer& entry : table())
    if (entry.name == canonical_name(name)) return &entry;
  return nullptr;
}

const NamedPreTokenizer* match_pre_tokenizer(std::string_view normalizer,
                                             std::string_view pre_tokenizer, bool ignore_merges) {
  const std::string wanted_normalizer = component_essence(normalizer);
  const std::string wanted = component_essence(pre_tokenizer);
  for (const NamedPreTokenizer& entry : table())
    if (entry.ignore_merges == ignore_merges &&
        component_essence(entry.normalizer) == wanted_normalizer &&
        component_essence(entry.pre_tokenizer) == wanted)
      return &entry;
  return nullptr;
}

std::string component_essence(std::string_view component) {
  Json parsed = Json::parse(component, nullptr, false);
  drop_offsets(parsed);
  return parsed.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string pre_tokenizer_names() {
  std::string names;
  for (const NamedPreTokenizer& entry : table()) names += (names.empty() ? "" : ", ") + entry.name;
  return names;
}

}  // namespace lathe::text
