// tokenizer.json and tokenizer_config.json: read and written.
#include <fmt/format.h>

#include <iterator>

#include "text/json_fields.h"
#include "text/tokenizer_parts.h"

namespace lathe::text {
namespace {

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

std::string added_token_json(const AddedToken& token) {
  return fmt::format(
      R"({{"id": {}, "content": {}, "single_word": {}, "lstrip": {}, "rstrip": {}, "normalized": {}, "special": {}}})",
      token.id, json_string(token.content), token.single_word, token.lstrip, token.rstrip,
      token.normalized, token.special);
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
  TokenizerSpec spec;
  LATHE_CHECK(read_model_json(*model, spec).at("model"));
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
  const TokenizerSpec spec = parts_->spec();
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
