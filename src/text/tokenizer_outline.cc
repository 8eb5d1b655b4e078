#include "text/tokenizer_outline.h"

#include <fmt/format.h>

#include <array>
#include <limits>

#include "text/json_fields.h"
#include "text/packed_tokenizer.h"

namespace lathe::text {
namespace {

constexpr std::array kModels = {ModelKind::bpe, ModelKind::unigram, ModelKind::word_piece,
                                ModelKind::word_level};

using OptionalId = std::optional<std::int32_t>;

Json json_of(OptionalId id) { return id ? Json(*id) : Json(nullptr); }

// Written in fewer bytes than objects with named fields: some models have thousands.
Json json_of(const AddedToken& token) {
  return Json::array({token.id, token.content, token.single_word, token.lstrip, token.rstrip,
                      token.normalized, token.special});
}

Result<AddedToken> added_token(const Json& json) {
  const auto is_flag = [&](std::size_t i) { return json[i].is_boolean(); };
  const bool fits = json.is_array() && json.size() == 7 && json[0].is_number_integer() &&
                    json[1].is_string() && is_flag(2) && is_flag(3) && is_flag(4) && is_flag(5) &&
                    is_flag(6);
  if (!fits) return Error::bad_input("an added token has not its seven values");
  const auto id = json[0].get<std::int64_t>();
  if (id < 0 || id >= kMaxTokens) return Error::bad_input(fmt::format("the id {}", id));
  AddedToken token;
  token.id = static_cast<std::int32_t>(id);
  token.content = json[1].get<std::string>();
  token.single_word = json[2].get<bool>();
  token.lstrip = json[3].get<bool>();
  token.rstrip = json[4].get<bool>();
  token.normalized = json[5].get<bool>();
  token.special = json[6].get<bool>();
  return token;
}

Result<OptionalId> id_field(const Json& object, const char* name) {
  if (find_field(object, name) == nullptr) return OptionalId();
  LATHE_TRY(const std::int64_t id, int_field(object, name));
  if (id < 0 || id >= kMaxTokens) return Error::bad_input(fmt::format("the id {}", id)).at(name);
  return OptionalId(static_cast<std::int32_t>(id));
}

// byte_level is not there: the pre-tokenizer says it.
Status read_settings(const Json& json, TokenizerOutline& outline) {
  BpeSettings& settings = outline.settings;
  LATHE_TRY(settings.byte_fallback, bool_field(json, "byte_fallback", false));
  LATHE_TRY(settings.fuse_unk, bool_field(json, "fuse_unk", false));
  LATHE_TRY(settings.ignore_merges, bool_field(json, "ignore_merges", false));
  LATHE_TRY(settings.cuts_at_marks, bool_field(json, "cuts_at_marks", false));
  LATHE_TRY(settings.unk, id_field(json, "unk"));
  LATHE_TRY(settings.continuing_prefix, string_field(json, "continuing_prefix"));
  LATHE_TRY(settings.end_suffix, string_field(json, "end_suffix"));
  LATHE_TRY(outline.word_piece.prefix, string_field(json, "word_prefix"));
  LATHE_TRY(outline.word_piece.max_characters, int_field(json, "word_characters"));
  return {};
}

Status read_components(const Json& json, TokenizerOutline& outline) {
  LATHE_TRY(outline.normalizer, string_field(json, "normalizer"));
  LATHE_TRY(outline.pre_tokenizer, string_field(json, "pre_tokenizer"));
  LATHE_TRY(outline.post_processor, string_field(json, "post_processor"));
  LATHE_TRY(outline.decoder, string_field(json, "decoder"));
  LATHE_TRY(outline.control.bos, id_field(json, "bos"));
  LATHE_TRY(outline.control.eos, id_field(json, "eos"));
  return {};
}

}  // namespace

std::string outline_json(const TokenizerOutline& outline, ControlTokens control) {
  const BpeSettings& settings = outline.settings;
  Json added = Json::array();
  for (const AddedToken& token : outline.added) added.push_back(json_of(token));
  const Json json = {{"version", kPackedTokenizerVersion},
                     {"model", static_cast<int>(outline.model)},
                     {"byte_fallback", settings.byte_fallback},
                     {"fuse_unk", settings.fuse_unk},
                     {"ignore_merges", settings.ignore_merges},
                     {"cuts_at_marks", settings.cuts_at_marks},
                     {"unk", json_of(settings.unk)},
                     {"continuing_prefix", settings.continuing_prefix},
                     {"end_suffix", settings.end_suffix},
                     {"word_prefix", outline.word_piece.prefix},
                     {"word_characters", outline.word_piece.max_characters},
                     {"normalizer", outline.normalizer},
                     {"pre_tokenizer", outline.pre_tokenizer},
                     {"post_processor", outline.post_processor},
                     {"decoder", outline.decoder},
                     {"bos", json_of(control.bos)},
                     {"eos", json_of(control.eos)},
                     {"added", added}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<TokenizerOutline> outline_from_json(std::string_view text) {
  LATHE_TRY(const Json json, parse_json(text));
  LATHE_TRY(const std::int64_t version, int_field(json, "version"));
  if (version != kPackedTokenizerVersion)
    return Error::unsupported(
        fmt::format("the packed tokenizer has version {}; this program has {}", version,
                    kPackedTokenizerVersion));
  TokenizerOutline outline;
  LATHE_TRY(const std::int64_t model, int_field(json, "model"));
  if (model < 0 || model >= static_cast<std::int64_t>(kModels.size()))
    return Error::bad_input(fmt::format("there is no model {}", model));
  outline.model = kModels[static_cast<std::size_t>(model)];
  LATHE_CHECK(read_settings(json, outline));
  LATHE_CHECK(read_components(json, outline));
  LATHE_TRY(const Json* added, array_field(json, "added"));
  for (const Json& one : *added) {
    LATHE_TRY(AddedToken token, added_token(one));
    outline.added.push_back(std::move(token));
  }
  return outline;
}

}  // namespace lathe::text
