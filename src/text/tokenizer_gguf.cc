#include "text/tokenizer_gguf.h"

#include <fmt/format.h>

#include "text/json_fields.h"
#include "text/pre_tokenizer_names.h"
#include "text/score_merges.h"
#include "text/tokenizer_parts.h"
#include "text/utf8.h"

namespace lathe::text {
namespace {

using formats::GgufMetadata;

constexpr const char* kModel = "tokenizer.ggml.model";
constexpr const char* kPre = "tokenizer.ggml.pre";
constexpr const char* kTokens = "tokenizer.ggml.tokens";
constexpr const char* kTokenTypes = "tokenizer.ggml.token_type";
constexpr const char* kMerges = "tokenizer.ggml.merges";
constexpr const char* kScores = "tokenizer.ggml.scores";
constexpr const char* kUnk = "tokenizer.ggml.unknown_token_id";
constexpr const char* kBos = "tokenizer.ggml.bos_token_id";
constexpr const char* kEos = "tokenizer.ggml.eos_token_id";
constexpr const char* kAddBos = "tokenizer.ggml.add_bos_token";
constexpr const char* kAddEos = "tokenizer.ggml.add_eos_token";
constexpr const char* kAddPrefix = "tokenizer.ggml.add_space_prefix";
constexpr const char* kHuggingFace = "tokenizer.huggingface.json";
constexpr const char* kOwnModel = "lathe";  // kHuggingFace says all

// The numbers of tokenizer.ggml.token_type.
enum TokenType : std::int32_t { kNormal = 1, kUnknown = 2, kControl = 3, kUserDefined = 4 };

Result<std::vector<std::string>> read_tokens(const GgufMetadata& metadata) {
  LATHE_TRY(const std::span<const std::string> tokens, metadata.get_strings(kTokens));
  if (tokens.empty() || tokens.size() > static_cast<std::size_t>(kMaxTokens))
    return Error::bad_input(
               fmt::format("{} tokens; between 1 and {} are read", tokens.size(), kMaxTokens))
        .at(kTokens);
  for (std::size_t id = 0; id < tokens.size(); ++id)
    if (tokens[id].empty())
      return Error::bad_input(fmt::format("token {} is empty", id)).at(kTokens);
  return std::vector<std::string>(tokens.begin(), tokens.end());
}

Status read_token_types(const GgufMetadata& metadata, TokenizerSpec& spec) {
  if (!metadata.has(kTokenTypes)) return {};
  LATHE_TRY(const std::vector<std::int64_t> types, metadata.get_ints(kTokenTypes));
  if (types.size() != spec.tokens.size())
    return Error::bad_input(fmt::format("{} types for {} tokens", types.size(), spec.tokens.size()))
        .at(kTokenTypes);
  for (std::size_t id = 0; id < types.size(); ++id) {
    const bool special = types[id] == kControl || types[id] == kUnknown;
    if (!special && types[id] != kUserDefined) continue;
    AddedToken token;
    token.id = static_cast<std::int32_t>(id);
    token.content = spec.tokens[id];
    token.special = special;
    spec.added.push_back(std::move(token));
  }
  return {};
}

Status read_merges(const GgufMetadata& metadata, TokenizerSpec& spec) {
  LATHE_TRY(const std::span<const std::string> merges, metadata.get_strings(kMerges));
  if (merges.size() > kMaxMerges)
    return Error::limit(fmt::format("{} merges; at most {} are read", merges.size(), kMaxMerges))
        .at(kMerges);
  std::unordered_map<std::string_view, std::int32_t> ids;
  for (std::size_t id = 0; id < spec.tokens.size(); ++id)
    ids.emplace(spec.tokens[id], static_cast<std::int32_t>(id));
  for (std::size_t i = 0; i < merges.size(); ++i) {
    const std::string_view merge = merges[i];
    // The first sign may be a space itself in files of other programs; the second half never is.
    const std::size_t space = merge.find(' ', 1);
    const auto id_of = [&](std::string_view token) {
      const auto found = ids.find(token);
      return found == ids.end() ? -1 : found->second;
    };
    if (space == std::string_view::npos)
      return Error::bad_input(fmt::format("merge {} is not two tokens: `{}`", i, merge))
          .at(kMerges);
    const std::string_view left = merge.substr(0, space), right = merge.substr(space + 1);
    const BpeMerge read{id_of(left), id_of(right), id_of(std::string(left).append(right))};
    if (read.left < 0 || read.right < 0 || read.result < 0)
      return Error::bad_input(
                 fmt::format("merge {}, `{}`, names a token that the vocabulary lacks", i, merge))
          .at(kMerges);
    spec.merges.push_back(read);
  }
  return {};
}

Result<std::optional<std::int32_t>> read_id(const GgufMetadata& metadata, const char* key,
                                            std::size_t vocab_size) {
  LATHE_TRY(const std::optional<std::int64_t> id, metadata.find_int(key));
  if (!id) return std::optional<std::int32_t>();
  if (*id < 0 || *id >= static_cast<std::int64_t>(vocab_size))
    return Error::bad_input(fmt::format("token id {} of a vocabulary of {}", *id, vocab_size))
        .at(key);
  return std::optional<std::int32_t>(static_cast<std::int32_t>(*id));
}

// A TemplateProcessing that puts these ids around the text.
std::string around_template(const TokenizerSpec& spec, std::optional<std::int32_t> before,
                            std::optional<std::int32_t> after) {
  if (!before && !after) return "null";
  Json single = Json::array(), pair = Json::array(), special = Json::object();
  const auto add_token = [&](Json& list, std::optional<std::int32_t> id, int type) {
    if (!id) return;
    const std::string& name = spec.tokens[static_cast<std::size_t>(*id)];
    list.push_back({{"SpecialToken", {{"id", name}, {"type_id", type}}}});
    special[name] = {{"id", name}, {"ids", {*id}}, {"tokens", {name}}};
  };
  const auto add_text = [&](Json& list, const char* name, int type) {
    add_token(list, before, type);
    list.push_back({{"Sequence", {{"id", name}, {"type_id", type}}}});
    add_token(list, after, type);
  };
  add_text(single, "A", 0);
  add_text(pair, "A", 0);
  add_text(pair, "B", 1);
  const Json component = {{"type", "TemplateProcessing"},
                          {"single", single},
                          {"pair", pair},
                          {"special_tokens", special}};
  return component.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// BOS and EOS around the text, as the file says; default_bos where it does not.
Status read_around(const GgufMetadata& metadata, bool default_bos, TokenizerSpec& spec) {
  LATHE_TRY(const auto add_bos, metadata.find_bool(kAddBos));
  LATHE_TRY(const auto add_eos, metadata.find_bool(kAddEos));
  const bool bos = add_bos.value_or(default_bos), eos = add_eos.value_or(false);
  if ((bos && add_bos && !spec.control.bos) || (eos && !spec.control.eos))
    return Error::bad_input("a bos or eos is to be added, but its id is not given")
        .at(bos ? kBos : kEos);
  spec.post_processor = around_template(spec, bos ? spec.control.bos : std::nullopt,
                                        eos ? spec.control.eos : std::nullopt);
  return {};
}

Status read_pipeline(const GgufMetadata& metadata, TokenizerSpec& spec) {
  LATHE_TRY(const std::string_view pre, metadata.get_string(kPre));
  const NamedPreTokenizer* named = find_pre_tokenizer(pre);
  if (named == nullptr)
    return Error::unsupported(
               fmt::format("the pre-tokenizer `{}` is not one that Lathe knows", pre))
        .at(kPre)
        .fix_with("import the model's Hugging Face folder instead; known here: " +
                  pre_tokenizer_names());
  spec.normalizer = named->normalizer;
  spec.pre_tokenizer = named->pre_tokenizer;
  spec.settings.ignore_merges = named->ignore_merges;
  spec.decoder = R"({"type":"ByteLevel"})";
  // Older files of LLaMA 3 leave the key out and mean true.
  return read_around(metadata, named->name == "llama-bpe", spec);
}

// The merges that the scores of a SentencePiece vocabulary imply; only plain tokens are made so.
Status read_scores(const GgufMetadata& metadata, TokenizerSpec& spec) {
  LATHE_TRY(const std::vector<float> scores, metadata.get_floats(kScores));
  LATHE_TRY(const std::vector<std::int64_t> types, metadata.get_ints(kTokenTypes));
  if (scores.size() != spec.tokens.size() || types.size() != spec.tokens.size())
    return Error::bad_input(fmt::format("{} scores and {} types for {} tokens", scores.size(),
                                        types.size(), spec.tokens.size()))
        .at(kScores);
  std::vector<bool> plain;
  for (std::size_t id = 0; id < types.size(); ++id) {
    if (!is_valid_utf8(spec.tokens[id]))
      return Error::bad_input(fmt::format("token {} is not UTF-8", id)).at(kTokens);
    plain.push_back(types[id] == kNormal);
  }
  spec.merges = merges_from_scores(spec.tokens, scores, plain);
  if (spec.merges.size() > kMaxMerges)
    return Error::limit(
               fmt::format("{} merges; at most {} are read", spec.merges.size(), kMaxMerges))
        .at(kScores);
  return {};
}

// SentencePiece's BPE as LLaMA 2 and Mistral have it: spaces become "▁", one goes in front, and
// what has no token becomes bytes.
Status read_sentence_piece(const GgufMetadata& metadata, TokenizerSpec& spec) {
  LATHE_CHECK(read_scores(metadata, spec));
  LATHE_TRY(spec.settings.unk, read_id(metadata, kUnk, spec.tokens.size()));
  spec.settings.byte_fallback = true;
  spec.settings.fuse_unk = true;
  LATHE_TRY(const auto prefix, metadata.find_bool(kAddPrefix));
  const Json replace = {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", "\u2581"}};
  const Json prepend = {{"type", "Prepend"}, {"prepend", "\u2581"}};
  Json steps = Json::array(), back = Json::array();
  if (prefix.value_or(true)) steps.push_back(prepend);
  steps.push_back(replace);
  back.push_back({{"type", "Replace"}, {"pattern", {{"String", "\u2581"}}}, {"content", " "}});
  back.push_back({{"type", "ByteFallback"}});
  back.push_back({{"type", "Fuse"}});
  if (prefix.value_or(true))
    back.push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
  spec.normalizer = Json{{"type", "Sequence"}, {"normalizers", steps}}.dump();
  spec.decoder = Json{{"type", "Sequence"}, {"decoders", back}}.dump();
  return read_around(metadata, true, spec);
}

Result<Tokenizer> from_ggml_keys(const GgufMetadata& metadata) {
  LATHE_TRY(const std::string_view model, metadata.get_string(kModel));
  if (model != "gpt2" && model != "llama")
    return Error::unsupported(
               fmt::format("the tokenizer model `{}` is not one that Lathe reads from GGUF; it "
                           "reads `gpt2` (byte-level BPE) and `llama` (SentencePiece BPE)",
                           model))
        .at(kModel)
        .fix_with("import the model's Hugging Face folder instead");
  TokenizerSpec spec;
  LATHE_TRY(spec.tokens, read_tokens(metadata));
  LATHE_CHECK(read_token_types(metadata, spec));
  LATHE_TRY(spec.control.bos, read_id(metadata, kBos, spec.tokens.size()));
  LATHE_TRY(spec.control.eos, read_id(metadata, kEos, spec.tokens.size()));
  if (model == "llama") {
    LATHE_CHECK(read_sentence_piece(metadata, spec));
  } else {
    LATHE_CHECK(read_merges(metadata, spec));
    LATHE_CHECK(read_pipeline(metadata, spec));
  }
  return TokenizerBuilder::build(std::move(spec));
}

Result<Tokenizer> from_hugging_face_key(const GgufMetadata& metadata) {
  LATHE_TRY(const std::string_view json, metadata.get_string(kHuggingFace));
  auto read = Tokenizer::from_tokenizer_json(json);
  if (!read.ok()) return std::move(read).error().at(kHuggingFace);
  const auto size = static_cast<std::size_t>(read->vocab_size());
  if (metadata.has(kTokens)) {
    LATHE_TRY(const std::vector<std::string> tokens, read_tokens(metadata));
    if (tokens.size() < size)
      return Error::bad_input(
                 fmt::format("it has {} tokens, but {} has {}", size, kTokens, tokens.size()))
          .at(kHuggingFace);
  }
  LATHE_TRY(const auto bos, read_id(metadata, kBos, size));
  LATHE_TRY(const auto eos, read_id(metadata, kEos, size));
  return read->with_control_tokens({bos ? bos : read->bos_id(), eos ? eos : read->eos_id()});
}

void write_control_tokens(const Tokenizer& tokenizer, GgufMetadata& out) {
  if (const auto id = tokenizer.bos_id()) out.set(kBos, static_cast<std::uint32_t>(*id));
  if (const auto id = tokenizer.eos_id()) out.set(kEos, static_cast<std::uint32_t>(*id));
}

// The tokenizer.ggml.* keys, as far as they go: whether they say all is for the caller to check.
GgufMetadata ggml_keys(const Tokenizer& tokenizer, const NamedPreTokenizer& named) {
  const Tokenizer::Parts& parts = tokenizer.parts();
  std::vector<std::int32_t> types(parts.spellings.size(), kNormal);
  for (const AddedToken& token : parts.spec.added)
    types[static_cast<std::size_t>(token.id)] = token.special ? kControl : kUserDefined;
  std::vector<std::string> merges;
  merges.reserve(parts.spec.merges.size());
  for (const BpeMerge& merge : parts.spec.merges)
    merges.push_back(parts.spellings[static_cast<std::size_t>(merge.left)] + " " +
                     parts.spellings[static_cast<std::size_t>(merge.right)]);
  GgufMetadata out;
  out.set(kModel, std::string("gpt2"));
  out.set(kPre, named.name);
  out.set(kTokens, formats::GgufArray(parts.spellings));
  out.set(kTokenTypes, formats::GgufArray(std::move(types)));
  out.set(kMerges, formats::GgufArray(std::move(merges)));
  write_control_tokens(tokenizer, out);
  out.set(kAddBos, !parts.post_processor.before.empty());
  out.set(kAddEos, !parts.post_processor.after.empty());
  out.set(kAddPrefix, false);
  return out;
}

}  // namespace

Result<Tokenizer> Tokenizer::from_gguf(const GgufMetadata& metadata) {
  if (metadata.has(kHuggingFace)) return from_hugging_face_key(metadata);
  return from_ggml_keys(metadata);
}

GgufMetadata gguf_metadata(const Tokenizer& tokenizer) {
  const TokenizerSpec& spec = tokenizer.parts().spec;
  const NamedPreTokenizer* named =
      match_pre_tokenizer(spec.normalizer, spec.pre_tokenizer, spec.settings.ignore_merges);
  if (named != nullptr) {
    GgufMetadata keys = ggml_keys(tokenizer, *named);
    const auto back = Tokenizer::from_gguf(keys);
    if (back.ok() && back->hash() == tokenizer.hash()) return keys;
  }
  GgufMetadata out;
  out.set(kModel, std::string(kOwnModel));
  write_control_tokens(tokenizer, out);
  out.set(kHuggingFace, tokenizer.to_tokenizer_json());
  return out;
}

}  // namespace lathe::text
