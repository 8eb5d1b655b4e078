// The "model" of tokenizer.json: BPE, Unigram, WordPiece and WordLevel, read and written.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "text/json_fields.h"
#include "text/serde_json_number.h"
#include "text/tokenizer_parts.h"

namespace lathe::text {
namespace {

constexpr std::int64_t kMaxWordCharacters = 1 << 20;

Result<std::vector<std::string>> read_vocab(const Json& model) {
  const Json* vocab = find_field(model, "vocab");
  if (vocab == nullptr || !vocab->is_object())
    return Error::bad_input("the model's `vocab` must be an object of tokens and ids");
  std::vector<std::string> tokens;
  for (const auto& [token, value] : vocab->items()) {
    if (!value.is_number_integer() || value < 0 || value >= kMaxTokens)
      return Error::bad_input(fmt::format("token `{}` has the id {}; ids lie between 0 and {}",
                                          token, value.dump(), kMaxTokens - 1))
          .at("vocab");
    const auto id = value.get<std::size_t>();
    if (token.empty())
      return Error::bad_input(fmt::format("the token with id {} is empty", id)).at("vocab");
    if (id >= tokens.size()) tokens.resize(id + 1);
    if (!tokens[id].empty())
      return Error::bad_input(
                 fmt::format("tokens `{}` and `{}` both have the id {}", tokens[id], token, id))
          .at("vocab");
    tokens[id] = token;
  }
  return tokens;
}

Status read_unk_token(const Json& model, const SpellingIndex& ids, TokenizerSpec& spec) {
  LATHE_TRY(const std::string unk, string_field(model, "unk_token", std::string()));
  if (unk.empty()) return {};
  const std::int32_t found = ids.find(unk);
  if (found < 0)
    return Error::bad_input(fmt::format("unk_token `{}` is not in the vocabulary", unk));
  spec.settings.unk = found;
  return {};
}

// "a b" in older files, ["a", "b"] in newer ones.
Result<std::pair<std::string_view, std::string_view>> merge_halves(const Json& merge) {
  if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string())
    return std::pair<std::string_view, std::string_view>(merge[0].get_ref<const std::string&>(),
                                                         merge[1].get_ref<const std::string&>());
  if (merge.is_string()) {
    const std::string_view text = merge.get_ref<const std::string&>();
    const std::size_t space = text.find(' ');
    if (space != std::string_view::npos && text.find(' ', space + 1) == std::string_view::npos)
      return std::pair(text.substr(0, space), text.substr(space + 1));
  }
  return Error::bad_input("a merge must be two tokens");
}

// The right half loses its prefix (of this size) in the whole.
Result<BpeMerge> read_merge(const Json& merge, const SpellingIndex& ids, std::size_t prefix) {
  LATHE_TRY(const auto halves, merge_halves(merge));
  std::string whole(halves.first);
  whole += halves.second.substr(std::min(prefix, halves.second.size()));
  const auto id_of = [&](std::string_view token) -> Result<std::int32_t> {
    const std::int32_t found = ids.find(token);
    if (found < 0)
      return Error::bad_input(
          fmt::format("the merge of `{}` and `{}` needs `{}`, which the vocabulary lacks",
                      halves.first, halves.second, token));
    return found;
  };
  BpeMerge out;
  LATHE_TRY(out.left, id_of(halves.first));
  LATHE_TRY(out.right, id_of(halves.second));
  LATHE_TRY(out.result, id_of(whole));
  return out;
}

Status read_merges(const Json& model, const SpellingIndex& ids, TokenizerSpec& spec) {
  LATHE_TRY(const Json* merges, array_field(model, "merges"));
  if (merges->size() > kMaxMerges)
    return Error::limit(fmt::format("{} merges; at most {} are read", merges->size(), kMaxMerges));
  spec.merges.reserve(merges->size());
  for (std::size_t i = 0; i < merges->size(); ++i) {
    auto merge = read_merge((*merges)[i], ids, spec.settings.continuing_prefix.size());
    if (!merge.ok()) return std::move(merge).error().at(fmt::format("merges[{}]", i));
    spec.merges.push_back(*merge);
  }
  return {};
}

Status refuse_dropout(const Json& model) {
  const Json* dropout = find_field(model, "dropout");
  if (dropout == nullptr || (dropout->is_number() && dropout->get<double>() == 0)) return {};
  return Error::unsupported("BPE dropout makes other ids each time")
      .fix_with("set `dropout` to null");
}

Status read_bpe(const Json& model, TokenizerSpec& spec) {
  LATHE_CHECK(refuse_dropout(model));
  LATHE_TRY(spec.tokens, read_vocab(model));
  if (spec.tokens.empty()) return Error::bad_input("the vocabulary is empty").at("vocab");
  const OwnedSpellingIndex owned(spec.tokens);
  const SpellingIndex ids = owned.index();
  LATHE_TRY(spec.settings.continuing_prefix,
            string_field(model, "continuing_subword_prefix", std::string()));
  LATHE_TRY(spec.settings.end_suffix, string_field(model, "end_of_word_suffix", std::string()));
  LATHE_CHECK(read_merges(model, ids, spec));
  LATHE_TRY(spec.settings.byte_fallback, bool_field(model, "byte_fallback", false));
  LATHE_TRY(spec.settings.fuse_unk, bool_field(model, "fuse_unk", false));
  LATHE_TRY(spec.settings.ignore_merges, bool_field(model, "ignore_merges", false));
  return read_unk_token(model, ids, spec);
}

// Vocabulary and unknown token, as WordPiece and WordLevel have them.
Status read_words(const Json& model, TokenizerSpec& spec) {
  LATHE_TRY(spec.tokens, read_vocab(model));
  if (spec.tokens.empty()) return Error::bad_input("the vocabulary is empty").at("vocab");
  return read_unk_token(model, OwnedSpellingIndex(spec.tokens).index(), spec);
}

Status read_word_piece(const Json& model, TokenizerSpec& spec) {
  LATHE_CHECK(read_words(model, spec));
  LATHE_TRY(spec.word_piece.prefix,
            string_field(model, "continuing_subword_prefix", spec.word_piece.prefix));
  if (find_field(model, "max_input_chars_per_word") == nullptr) return {};
  LATHE_TRY(spec.word_piece.max_characters, int_field(model, "max_input_chars_per_word"));
  if (spec.word_piece.max_characters < 0 || spec.word_piece.max_characters > kMaxWordCharacters)
    return Error::bad_input(
        fmt::format("`max_input_chars_per_word` is {}; it lies between 0 and {}",
                    spec.word_piece.max_characters, kMaxWordCharacters));
  return {};
}

// [["token", score], …], the place in the list is the id.
Status read_scored_vocab(const Json& model, TokenizerSpec& spec) {
  LATHE_TRY(const Json* vocab, array_field(model, "vocab"));
  if (vocab->empty() || vocab->size() > static_cast<std::size_t>(kMaxTokens))
    return Error::bad_input(
               fmt::format("{} tokens; between 1 and {} are read", vocab->size(), kMaxTokens))
        .at("vocab");
  for (const Json& entry : *vocab) {
    const std::string place = fmt::format("vocab[{}]", spec.tokens.size());
    if (!entry.is_array() || entry.size() != 2 || !entry[0].is_string() || !entry[1].is_number())
      return Error::bad_input("an entry must be a token and its score").at(place);
    spec.tokens.push_back(entry[0].get<std::string>());
    const auto score = entry[1].get<double>();
    if (!std::isfinite(score)) return Error::bad_input("the score is no number").at(place);
    spec.scores.push_back(as_serde_json_reads(score));
  }
  return {};
}

Status read_unigram(const Json& model, TokenizerSpec& spec) {
  LATHE_CHECK(read_scored_vocab(model, spec));
  LATHE_TRY(spec.settings.byte_fallback, bool_field(model, "byte_fallback", false));
  if (find_field(model, "unk_id") == nullptr) return {};
  LATHE_TRY(const std::int64_t unk, int_field(model, "unk_id"));
  if (unk < 0 || unk >= static_cast<std::int64_t>(spec.tokens.size()))
    return Error::bad_input(
        fmt::format("`unk_id` is {} in a vocabulary of {} tokens", unk, spec.tokens.size()));
  spec.settings.unk = static_cast<std::int32_t>(unk);
  return {};
}

// Files of before 2020 have no type.
Result<std::string> model_type(const Json& model) {
  const Json* vocab = find_field(model, "vocab");
  const bool merges = find_field(model, "merges") != nullptr;
  const bool scored = vocab != nullptr && vocab->is_array();
  const bool pieces = find_field(model, "max_input_chars_per_word") != nullptr;
  return string_field(model, "type",
                      merges   ? "BPE"
                      : scored ? "Unigram"
                      : pieces ? "WordPiece"
                               : "?");
}

// Empty for an id that the vocabulary lacks, as only foreign tables have one.
std::string_view token_of(const TokenizerSpec& spec, std::int32_t id) {
  const auto index = static_cast<std::size_t>(id);
  return index < spec.tokens.size() ? std::string_view(spec.tokens[index]) : std::string_view();
}

std::string unk_json(const TokenizerSpec& spec) {
  return spec.settings.unk ? json_string(token_of(spec, *spec.settings.unk)) : "null";
}

// "token": id, …
std::string vocab_json(const TokenizerSpec& spec) {
  std::string out = "{";
  const char* separator = "\n   ";
  for (std::size_t id = 0; id < spec.tokens.size(); ++id) {
    if (spec.tokens[id].empty()) continue;
    fmt::format_to(std::back_inserter(out), "{}{}: {}", separator, json_string(spec.tokens[id]),
                   id);
    separator = ",\n   ";
  }
  return out + "}";
}

std::string mark_json(const std::string& mark) { return mark.empty() ? "null" : json_string(mark); }

std::string bpe_json(const TokenizerSpec& spec) {
  const BpeSettings& settings = spec.settings;
  std::string out = fmt::format(
      R"({{"type": "BPE", "dropout": null, "unk_token": {}, "continuing_subword_prefix": {}, "end_of_word_suffix": {}, "fuse_unk": {}, "byte_fallback": {}, "ignore_merges": {})",
      unk_json(spec), mark_json(settings.continuing_prefix), mark_json(settings.end_suffix),
      settings.fuse_unk, settings.byte_fallback, settings.ignore_merges);
  out += ",\n  \"vocab\": " + vocab_json(spec) + ",\n  \"merges\": [";
  const char* separator = "\n   ";
  for (const BpeMerge& merge : spec.merges) {
    fmt::format_to(std::back_inserter(out), "{}[{}, {}]", separator,
                   json_string(token_of(spec, merge.left)),
                   json_string(token_of(spec, merge.right)));
    separator = ",\n   ";
  }
  return out + "]}";
}

std::string unigram_json(const TokenizerSpec& spec) {
  std::string out = fmt::format(R"({{"type": "Unigram", "unk_id": {}, "byte_fallback": {})",
                                spec.settings.unk ? std::to_string(*spec.settings.unk) : "null",
                                spec.settings.byte_fallback);
  out += ",\n  \"vocab\": [";
  const char* separator = "\n   ";
  for (std::size_t id = 0; id < spec.tokens.size(); ++id) {
    // Json writes the shortest digits that identify a number.
    fmt::format_to(std::back_inserter(out), "{}[{}, {}]", separator, json_string(spec.tokens[id]),
                   Json(for_serde_json_to_read(spec.scores[id])).dump());
    separator = ",\n   ";
  }
  return out + "]}";
}

std::string words_json(const TokenizerSpec& spec) {
  if (spec.model == ModelKind::word_level)
    return fmt::format("{{\"type\": \"WordLevel\", \"unk_token\": {},\n  \"vocab\": {}}}",
                       unk_json(spec), vocab_json(spec));
  return fmt::format(
      "{{\"type\": \"WordPiece\", \"unk_token\": {}, \"continuing_subword_prefix\": {}, "
      "\"max_input_chars_per_word\": {},\n  \"vocab\": {}}}",
      unk_json(spec), json_string(spec.word_piece.prefix), spec.word_piece.max_characters,
      vocab_json(spec));
}

}  // namespace

std::string json_string(std::string_view text) {
  return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

Status read_model_json(const Json& model, TokenizerSpec& spec) {
  LATHE_TRY(const std::string type, model_type(model));
  if (type == "BPE") {
    spec.model = ModelKind::bpe;
    return read_bpe(model, spec);
  }
  if (type == "Unigram") {
    spec.model = ModelKind::unigram;
    return read_unigram(model, spec);
  }
  if (type == "WordPiece") {
    spec.model = ModelKind::word_piece;
    return read_word_piece(model, spec);
  }
  if (type != "WordLevel") return unknown_component("tokenizer model", type);
  spec.model = ModelKind::word_level;
  return read_words(model, spec);
}

std::string model_json(const TokenizerSpec& spec) {
  switch (spec.model) {
    case ModelKind::bpe:
      return bpe_json(spec);
    case ModelKind::unigram:
      return unigram_json(spec);
    case ModelKind::word_piece:
    case ModelKind::word_level:
      return words_json(spec);
  }
  return "null";
}

}  // namespace lathe::text
