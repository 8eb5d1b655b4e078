// tokenizer.json and tokenizer_config.json: read and written.
#include <fmt/format.h>

#include <iterator>

#include "text/json_fields.h"
#include "text/tokenizer_parts.h"

namespace lathe::text {
namespace {

using Ids = std::unordered_map<std::string_view, std::int32_t>;

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

Result<BpeMerge> read_merge(const Json& merge, const Ids& ids) {
  LATHE_TRY(const auto halves, merge_halves(merge));
  const std::string whole = std::string(halves.first) + std::string(halves.second);
  const auto id_of = [&](std::string_view token) -> Result<std::int32_t> {
    const auto found = ids.find(token);
    if (found == ids.end())
      return Error::bad_input(
          fmt::format("the merge of `{}` and `{}` needs `{}`, which the vocabulary lacks",
                      halves.first, halves.second, token));
    return found->second;
  };
  BpeMerge out;
  LATHE_TRY(out.left, id_of(halves.first));
  LATHE_TRY(out.right, id_of(halves.second));
  LATHE_TRY(out.result, id_of(whole));
  return out;
}

Status read_merges(const Json& model, const Ids& ids, std::vector<BpeMerge>& out) {
  LATHE_TRY(const Json* merges, array_field(model, "merges"));
  if (merges->size() > kMaxMerges)
    return Error::limit(fmt::format("{} merges; at most {} are read", merges->size(), kMaxMerges));
  out.reserve(merges->size());
  for (std::size_t i = 0; i < merges->size(); ++i) {
    auto merge = read_merge((*merges)[i], ids);
    if (!merge.ok()) return std::move(merge).error().at(fmt::format("merges[{}]", i));
    out.push_back(*merge);
  }
  return {};
}

// Settings of BPE that change what it does and that Lathe does not do.
Status refuse_unknown_settings(const Json& model) {
  const Json* dropout = find_field(model, "dropout");
  if (dropout != nullptr && !(dropout->is_number() && dropout->get<double>() == 0))
    return Error::unsupported("BPE dropout makes other ids each time")
        .fix_with("set `dropout` to null");
  for (const char* name : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    LATHE_TRY(const std::string value, string_field(model, name, std::string()));
    if (!value.empty())
      return Error::unsupported(fmt::format("BPE with `{}` \"{}\" is not supported", name, value));
  }
  return {};
}

Status read_bpe(const Json& model, TokenizerSpec& spec) {
  LATHE_CHECK(refuse_unknown_settings(model));
  LATHE_TRY(spec.tokens, read_vocab(model));
  if (spec.tokens.empty()) return Error::bad_input("the vocabulary is empty").at("vocab");
  Ids ids;
  ids.reserve(spec.tokens.size());
  for (std::size_t id = 0; id < spec.tokens.size(); ++id)
    ids.emplace(spec.tokens[id], static_cast<std::int32_t>(id));
  LATHE_CHECK(read_merges(model, ids, spec.merges));
  LATHE_TRY(spec.settings.byte_fallback, bool_field(model, "byte_fallback", false));
  LATHE_TRY(spec.settings.fuse_unk, bool_field(model, "fuse_unk", false));
  LATHE_TRY(spec.settings.ignore_merges, bool_field(model, "ignore_merges", false));
  LATHE_TRY(const std::string unk, string_field(model, "unk_token", std::string()));
  if (unk.empty()) return {};
  const auto found = ids.find(unk);
  if (found == ids.end())
    return Error::bad_input(fmt::format("unk_token `{}` is not in the vocabulary", unk));
  spec.settings.unk = found->second;
  return {};
}

Result<AddedToken> read_added_token(const Json& json) {
  AddedToken token;
  LATHE_TRY(const std::int64_t id, int_field(json, "id"));
  if (id < 0 || id >= kMaxTokens)
    return Error::bad_input(
        fmt::format("the id {} does not lie between 0 and {}", id, kMaxTokens - 1));
  token.id = static_cast<std::int32_t>(id);
  LATHE_TRY(token.content, string_field(json, "content"));
  LATHE_TRY(token.special, bool_field(json, "special", false));
  LATHE_TRY(token.single_word, bool_field(json, "single_word", false));
  LATHE_TRY(token.lstrip, bool_field(json, "lstrip", false));
  LATHE_TRY(token.rstrip, bool_field(json, "rstrip", false));
  LATHE_TRY(token.normalized, bool_field(json, "normalized", !token.special));
  return token;
}

Status read_added_tokens(const Json& root, std::vector<AddedToken>& out) {
  if (find_field(root, "added_tokens") == nullptr) return {};
  LATHE_TRY(const Json* list, array_field(root, "added_tokens"));
  for (std::size_t i = 0; i < list->size(); ++i) {
    auto token = read_added_token((*list)[i]);
    if (!token.ok()) return std::move(token).error().at(fmt::format("added_tokens[{}]", i));
    out.push_back(std::move(token).value());
  }
  return {};
}

// A component's JSON, keys sorted.
std::string component_text(const Json& root, const char* name) {
  const Json* component = find_field(root, name);
  return component == nullptr ? "null" : component->dump();
}

std::string json_string(std::string_view text) {
  return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string added_token_json(const AddedToken& token) {
  return fmt::format(
      R"({{"id": {}, "content": {}, "single_word": {}, "lstrip": {}, "rstrip": {}, "normalized": {}, "special": {}}})",
      token.id, json_string(token.content), token.single_word, token.lstrip, token.rstrip,
      token.normalized, token.special);
}

std::string model_json(const TokenizerSpec& spec) {
  std::string out;
  const auto put = std::back_inserter(out);
  const BpeSettings& settings = spec.settings;
  fmt::format_to(
      put,
      R"({{"type": "BPE", "dropout": null, "unk_token": {}, "continuing_subword_prefix": null, "end_of_word_suffix": null, "fuse_unk": {}, "byte_fallback": {}, "ignore_merges": {})",
      settings.unk ? json_string(spec.tokens[static_cast<std::size_t>(*settings.unk)]) : "null",
      settings.fuse_unk, settings.byte_fallback, settings.ignore_merges);
  out += ",\n  \"vocab\": {";
  const char* separator = "\n   ";
  for (std::size_t id = 0; id < spec.tokens.size(); ++id) {
    if (spec.tokens[id].empty()) continue;
    fmt::format_to(put, "{}{}: {}", separator, json_string(spec.tokens[id]), id);
    separator = ",\n   ";
  }
  out += "},\n  \"merges\": [";
  separator = "\n   ";
  for (const BpeMerge& merge : spec.merges) {
    fmt::format_to(put, "{}[{}, {}]", separator,
                   json_string(spec.tokens[static_cast<std::size_t>(merge.left)]),
                   json_string(spec.tokens[static_cast<std::size_t>(merge.right)]));
    separator = ",\n   ";
  }
  return out + "]}";
}

// The id of "bos_token": a string, or an object with "content".
Result<std::optional<std::int32_t>> named_token(const Json& config, const char* name,
                                                const Tokenizer& tokenizer) {
  const Json* field = find_field(config, name);
  if (field == nullptr) return std::optional<std::int32_t>();
  std::string content;
  if (field->is_string()) {
    content = field->get<std::string>();
  } else {
    LATHE_TRY(content, string_field(*field, "content"));
  }
  const std::optional<std::int32_t> id = tokenizer.token_to_id(content);
  if (!id)
    return Error::bad_input(fmt::format("`{}` is `{}`, which the vocabulary lacks", name, content))
        .fix_with("take tokenizer.json and tokenizer_config.json from the same model");
  return id;
}

}  // namespace

Result<TokenizerSpec> spec_from_tokenizer_json(std::string_view text) {
  LATHE_TRY(const Json root, parse_json(text));
  const Json* model = find_field(root, "model");
  if (model == nullptr || !model->is_object())
    return Error::bad_input("there is no `model`").fix_with("is this a tokenizer.json?");
  // Files of before 2020 have no type; they are BPE when they have merges.
  LATHE_TRY(const std::string type,
            string_field(*model, "type", find_field(*model, "merges") == nullptr ? "?" : "BPE"));
  if (type != "BPE") return unknown_component("tokenizer model", type).at("model");
  TokenizerSpec spec;
  LATHE_CHECK(read_bpe(*model, spec).at("model"));
  LATHE_CHECK(read_added_tokens(root, spec.added));
  spec.normalizer = component_text(root, "normalizer");
  spec.pre_tokenizer = component_text(root, "pre_tokenizer");
  spec.post_processor = component_text(root, "post_processor");
  spec.decoder = component_text(root, "decoder");
  return spec;
}

Result<Tokenizer> Tokenizer::from_tokenizer_json(std::string_view json) {
  auto spec = spec_from_tokenizer_json(json);
  if (!spec.ok()) return std::move(spec).error().at("tokenizer.json");
  return TokenizerBuilder::build(std::move(spec).value()).at("tokenizer.json");
}

Result<Tokenizer> Tokenizer::apply_tokenizer_config(std::string_view json) const {
  constexpr const char* kFile = "tokenizer_config.json";
  auto config = parse_json(json);
  if (!config.ok()) return std::move(config).error().at(kFile);
  auto bos = named_token(*config, "bos_token", *this);
  if (!bos.ok()) return std::move(bos).error().at(kFile);
  auto eos = named_token(*config, "eos_token", *this);
  if (!eos.ok()) return std::move(eos).error().at(kFile);
  return with_control_tokens({*bos ? *bos : bos_id(), *eos ? *eos : eos_id()});
}

std::string Tokenizer::to_tokenizer_json() const {
  const TokenizerSpec& spec = parts_->spec;
  std::string out =
      "{\n \"version\": \"1.0\",\n \"truncation\": null,\n \"padding\": null,\n \"added_tokens\": "
      "[";
  const char* separator = "\n  ";
  for (const AddedToken& token : spec.added) {
    out.append(separator).append(added_token_json(token));
    separator = ",\n  ";
  }
  fmt::format_to(std::back_inserter(out),
                 "],\n \"normalizer\": {},\n \"pre_tokenizer\": {},\n \"post_processor\": {},\n "
                 "\"decoder\": {},\n \"model\": {}\n}}\n",
                 spec.normalizer, spec.pre_tokenizer, spec.post_processor, spec.decoder,
                 model_json(spec));
  return out;
}

std::string Tokenizer::to_tokenizer_config_json() const {
  const auto name = [&](std::optional<std::int32_t> id) {
    return id ? json_string(id_to_token(*id)) : std::string("null");
  };
  return fmt::format(
      "{{\n \"tokenizer_class\": \"PreTrainedTokenizerFast\",\n \"bos_token\": {},\n "
      "\"eos_token\": "
      "{},\n \"clean_up_tokenization_spaces\": false\n}}\n",
      name(bos_id()), name(eos_id()));
}

}  // namespace lathe::text
