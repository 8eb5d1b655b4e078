#include "text/older_tokens.h"

#include <fmt/format.h>

#include <algorithm>

#include "formats/config_bounds.h"

namespace lathe::text {
namespace {

constexpr const char* kAddedFile = "added_tokens.json";
constexpr const char* kMapFile = "special_tokens_map.json";

// In the order in which transformers gives ids to those that the vocabulary lacks.
constexpr const char* kNamedFields[] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                        "pad_token", "cls_token", "mask_token"};
constexpr const char* kListFields[] = {"additional_special_tokens", "extra_special_tokens"};

// An empty object when there is no such file.
Result<Json> read_object(const os::Path& folder, const char* name) {
  auto text = os::read_file(folder / name, formats::kMaxConfigBytes);
  if (!text.ok() && text.error().kind == ErrorKind::not_found) return Json::object();
  if (!text.ok()) return std::move(text).error();
  LATHE_TRY(Json value, parse_json(*text).at(name));
  if (value.is_object()) return value;
  return Error::bad_input("this is no JSON object").at(name);
}

// {"content": …} or the name alone.
Result<AddedToken> read_token(const Json& value, bool special) {
  AddedToken token;
  token.special = special;
  token.normalized = !special;
  if (value.is_string()) {
    token.content = value.get<std::string>();
    return token;
  }
  LATHE_TRY(token.content, string_field(value, "content"));
  LATHE_TRY(token.single_word, bool_field(value, "single_word", false));
  LATHE_TRY(token.lstrip, bool_field(value, "lstrip", false));
  LATHE_TRY(token.rstrip, bool_field(value, "rstrip", false));
  LATHE_TRY(token.normalized, bool_field(value, "normalized", !special));
  return token;
}

Status check_id(std::int64_t id) {
  if (id >= 0 && id < kMaxTokens) return {};
  return Error::bad_input(fmt::format("{} is no token id", id));
}

void replace(TokenizerSpec& spec, AddedToken token) {
  std::erase_if(spec.added, [&](const AddedToken& known) { return known.id == token.id; });
  spec.added.push_back(std::move(token));
}

// added_tokens_decoder: {"32000": {"content": …, "special": …}, …}.
Status add_by_id(const Json& list, TokenizerSpec& spec) {
  if (!list.is_object()) return Error::bad_input("this must be an object");
  for (const auto& [key, entry] : list.items()) {
    const bool digits =
        !key.empty() && key.size() <= 7 &&
        std::all_of(key.begin(), key.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (!digits) return Error::bad_input(fmt::format("`{}` is no token id", key));
    LATHE_TRY(const bool special, bool_field(entry, "special", false));
    LATHE_TRY(AddedToken token, read_token(entry, special));
    token.id = std::stoi(key);
    LATHE_CHECK(check_id(token.id));
    replace(spec, std::move(token));
  }
  return {};
}

// added_tokens.json: {"<new>": 32000, …}. Those that a field names are control tokens: they come
// with it.
Status add_by_name(const Json& list, TokenizerSpec& spec) {
  if (!list.is_object()) return Error::bad_input("this must be an object");
  for (const auto& [name, id] : list.items()) {
    if (!id.is_number_integer())
      return Error::bad_input(fmt::format("the id of `{}` is no integer", name));
    LATHE_CHECK(check_id(id.get<std::int64_t>()));
    LATHE_TRY(AddedToken token, read_token(name, false));
    token.id = id.get<std::int32_t>();
    replace(spec, std::move(token));
  }
  return {};
}

std::int32_t next_id(const TokenizerSpec& spec) {
  auto next = static_cast<std::int32_t>(spec.tokens.size());
  for (const AddedToken& token : spec.added) next = std::max(next, token.id + 1);
  return next;
}

// In place of what a list says of it, unless the list knows it as a control token already.
Status add_control(AddedToken token, TokenizerSpec& spec) {
  if (token.content.empty()) return {};
  const bool known = std::any_of(spec.added.begin(), spec.added.end(), [&](const AddedToken& one) {
    return one.content == token.content && one.special;
  });
  if (known) return {};
  token.id = find_token(spec, token.content).value_or(next_id(spec));
  LATHE_CHECK(check_id(token.id));
  replace(spec, std::move(token));
  return {};
}

Status add_named(const Json& config, const char* field, std::span<const UsualToken> usual,
                 TokenizerSpec& spec) {
  if (const Json* value = find_field(config, field)) {
    LATHE_TRY(AddedToken token, read_token(*value, true));
    return add_control(std::move(token), spec);
  }
  if (config.contains(field)) return {};  // null: there is none
  for (const UsualToken& known : usual) {
    if (std::string_view(known.field) != field) continue;
    LATHE_TRY(AddedToken token, read_token(known.name, true));
    token.lstrip = known.lstrip;
    return add_control(std::move(token), spec);
  }
  return {};
}

}  // namespace

Result<Json> with_older_files(const os::Path& folder, Json config) {
  if (find_field(config, "added_tokens_decoder") != nullptr) return config;
  LATHE_TRY(const Json map, read_object(folder, kMapFile));
  for (const auto& [key, value] : map.items()) config[key] = value;
  LATHE_TRY(const Json added, read_object(folder, kAddedFile));
  if (!added.empty()) config[kAddedFile] = added;
  return config;
}

Result<std::string> token_name(const Json& config, const char* field,
                               std::span<const UsualToken> usual) {
  if (const Json* value = find_field(config, field)) {
    LATHE_TRY(AddedToken token, read_token(*value, true).at(field));
    return std::move(token.content);
  }
  if (config.contains(field)) return std::string();  // null: there is none
  for (const UsualToken& known : usual)
    if (std::string_view(known.field) == field) return std::string(known.name);
  return std::string();
}

std::optional<std::int32_t> find_token(const TokenizerSpec& spec, std::string_view name) {
  for (const AddedToken& token : spec.added)
    if (token.content == name) return token.id;
  const auto found = std::find(spec.tokens.begin(), spec.tokens.end(), name);
  if (found == spec.tokens.end() || name.empty()) return {};
  return static_cast<std::int32_t>(found - spec.tokens.begin());
}

Status add_older_tokens(const Json& config, std::span<const UsualToken> usual,
                        TokenizerSpec& spec) {
  if (const Json* list = find_field(config, "added_tokens_decoder"))
    LATHE_CHECK(add_by_id(*list, spec).at("added_tokens_decoder"));
  if (const Json* list = find_field(config, kAddedFile))
    LATHE_CHECK(add_by_name(*list, spec).at(kAddedFile));
  for (const char* field : kNamedFields)
    LATHE_CHECK(add_named(config, field, usual, spec).at(field));
  for (const char* field : kListFields) {
    const Json* list = find_field(config, field);
    if (list == nullptr || !list->is_array()) continue;  // newer ones may be an object
    for (const Json& value : *list) {
      LATHE_TRY(AddedToken token, read_token(value, true).at(field));
      LATHE_CHECK(add_control(std::move(token), spec).at(field));
    }
  }
  return {};
}

}  // namespace lathe::text
