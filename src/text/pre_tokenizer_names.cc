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

// Contractions, words with one sign before them, digits in threes, other signs, line ends, space.
constexpr const char* kLlama3 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
// The same with digits one by one.
constexpr const char* kQwen2 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
// Words are also cut where small letters are followed by capitals.
constexpr const char* kTekken =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* kGpt4o =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* kDeepSeek3 =
    R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* kBailing =
    R"('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+)";
constexpr const char* kSeedCoder =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr const char* kBloom = R"( ?[^(\s|.,!?…。，、।۔،)]+)";

// Patterns one after the other, then bytes.
Json splits(const std::vector<const char*>& patterns) {
  Json members = Json::array();
  for (const char* pattern : patterns) members.push_back(split(pattern));
  members.push_back(byte_level(false));
  return sequence(members);
}

NamedPreTokenizer plain(const char* name, const Json& pre_tokenizer) {
  return {name, "null", pre_tokenizer.dump()};
}

std::vector<NamedPreTokenizer> make_table() {
  const Json nfc = {{"type", "NFC"}};
  const Json contiguous = {{"type", "Punctuation"}, {"behavior", "Contiguous"}};
  const Json falcon = sequence(
      Json::array({contiguous, byte_level(true), digits(false), split("[0-9][0-9][0-9]")}));
  const Json unnamed = sequence(Json::array({split(R"([\p{P}\$\+<=>\^~\|]+)"), byte_level(true),
                                             split(R"(\p{N}+)"), split("[0-9][0-9][0-9]")}));
  const Json smollm = sequence(Json::array({digits(true), byte_level(true)}));
  return {
      plain("falcon", falcon),
      plain("gpt-2", byte_level(true)),
      {"llama-bpe", "null", splits({kLlama3}).dump(), {.ignore_merges = true, .add_bos = true}},
      {"qwen2", nfc.dump(), splits({kQwen2}).dump()},
      plain("smollm", smollm),
      {"tekken", "null", splits({kTekken}).dump(), {.ignore_merges = true, .add_bos = true}},
      plain("gpt-4o", splits({kGpt4o})),
      plain("dbrx", splits({kLlama3})),
      plain("stablelm2", splits({kQwen2})),
      {"command-r", nfc.dump(), smollm.dump()},
      plain("deepseek-coder", splits({R"([\r\n])", R"(\s?\p{L}+)", R"(\s?\p{P}+)",
                                      "[一-龥ࠀ-一가-퟿]+", R"(\p{N})"})),
      plain("deepseek-v3", splits({R"(\p{N}{1,3})", "[一-龥぀-ゟ゠-ヿ]+", kDeepSeek3})),
      plain("bloom", splits({kBloom})),
      plain("viking", splits({kBloom, R"(\p{N})"})),
      plain("bailingmoe", splits({kBailing})),
      plain("seed-coder", splits({kSeedCoder})),
      {"roberta-bpe", "null", byte_level(true).dump(), {.add_bos = true, .add_eos = true}},
      plain("default", unnamed),
  };
}

const std::vector<NamedPreTokenizer>& table() {
  static const std::vector<NamedPreTokenizer> the = make_table();
  return the;
}

// Other names for an entry that cuts the same.
std::string_view canonical_name(std::string_view name) {
  static const std::vector<std::pair<std::string_view, std::string_view>> aliases = {
      {"phi-2", "gpt-2"},
      {"mpt", "gpt-2"},
      {"olmo", "gpt-2"},
      {"jais", "gpt-2"},
      {"jina-es", "gpt-2"},
      {"jina-de", "gpt-2"},
      {"jina-v2-es", "gpt-2"},
      {"jina-v2-de", "gpt-2"},
      {"gigachat", "gpt-2"},
      {"a.x-4.0", "gpt-2"},
      {"mellum", "gpt-2"},
      {"exaone4", "gpt-2"},
      {"trillion", "gpt-2"},
      {"granite-docling", "gpt-2"},
      {"llama3", "llama-bpe"},
      {"llama-v3", "llama-bpe"},
      {"falcon3", "llama-bpe"},
      {"starcoder", "smollm"},
      {"refact", "smollm"},
      {"codeshell", "smollm"},
      {"exaone", "smollm"},
      {"minerva-7b", "smollm"},
      {"deepseek-r1-qwen", "qwen2"},
      {"kormo", "qwen2"},
      {"megrez", "qwen2"},
      {"hunyuan", "stablelm2"},
      {"grok-2", "stablelm2"},
      {"smaug-bpe", "dbrx"},
      {"glm4", "dbrx"},
      {"chatglm-bpe", "dbrx"},
      {"llama4", "gpt-4o"},
      {"minimax-m2", "gpt-4o"},
      {"hunyuan-dense", "deepseek-v3"},
      {"poro-chat", "bloom"},
      {"gpt3-finnish", "bloom"},
      {"bailingmoe2", "bailingmoe"},
      {"llada-moe", "bailingmoe"},
      {"jina-v1-en", "roberta-bpe"},
      {"jina-v2-code", "roberta-bpe"},
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
    if (entry.habits.ignore_merges == ignore_merges &&
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
