// GGUF's tokenizers whose pieces have scores or prefixes: LLaMA's, T5's and BERT's.
#include <fmt/format.h>

#include <cmath>

#include "text/around_template.h"
#include "text/gguf_tokenizer_keys.h"
#include "text/json_fields.h"
#include "text/score_merges.h"
#include "text/sentence_piece.h"
#include "text/utf8.h"

namespace lathe::text::gguf {
namespace {

using formats::GgufMetadata;

constexpr std::string_view kWordSign = "\u2581";  // before pieces that begin a word

// What every piece of these models must be.
Status check_pieces(const TokenizerSpec& spec) {
  for (std::size_t id = 0; id < spec.tokens.size(); ++id)
    if (!is_valid_utf8(spec.tokens[id]))
      return Error::bad_input(fmt::format("token {} is not UTF-8", id)).at(kTokens);
  return {};
}

struct ScoredPieces {
  std::vector<float> scores;
  std::vector<std::int64_t> types;
};

Result<ScoredPieces> read_scored_pieces(const GgufMetadata& metadata, const TokenizerSpec& spec) {
  ScoredPieces out;
  LATHE_TRY(out.scores, metadata.get_floats(kScores));
  LATHE_TRY(out.types, metadata.get_ints(kTokenTypes));
  if (out.scores.size() != spec.tokens.size() || out.types.size() != spec.tokens.size())
    return Error::bad_input(fmt::format("{} scores and {} types for {} tokens", out.scores.size(),
                                        out.types.size(), spec.tokens.size()))
        .at(kScores);
  for (const float score : out.scores)
    if (!std::isfinite(score)) return Error::bad_input("a score is no number").at(kScores);
  LATHE_CHECK(check_pieces(spec));
  return out;
}

// The merges that the scores of a SentencePiece vocabulary imply; only plain tokens are made so.
Status read_scores(const GgufMetadata& metadata, TokenizerSpec& spec) {
  LATHE_TRY(const ScoredPieces pieces, read_scored_pieces(metadata, spec));
  std::vector<bool> plain;
  for (const std::int64_t type : pieces.types) plain.push_back(type == kNormal);
  spec.merges = merges_from_scores(spec.tokens, pieces.scores, plain);
  if (spec.merges.size() > kMaxMerges)
    return Error::limit(
               fmt::format("{} merges; at most {} are read", spec.merges.size(), kMaxMerges))
        .at(kScores);
  return {};
}

// The bytes of tokenizer.ggml.precompiled_charsmap; empty without the key.
Result<std::string> read_charsmap(const GgufMetadata& metadata) {
  if (!metadata.has(kCharsmap)) return std::string();
  LATHE_TRY(const std::vector<std::int64_t> bytes, metadata.get_ints(kCharsmap));
  std::string out;
  for (const std::int64_t byte : bytes)
    out += static_cast<char>(static_cast<unsigned char>(byte & 0xFF));
  return out;
}

// "▁word" begins a word, "piece" continues one, and "[CLS]" is itself; WordPiece writes "word" and
// "##piece".
std::string word_piece_spelling(std::string_view token) {
  if (token.starts_with('[') && token.ends_with(']')) return std::string(token);
  if (token.starts_with(kWordSign)) return std::string(token.substr(kWordSign.size()));
  return "##" + std::string(token);
}

}  // namespace

Result<std::optional<std::int32_t>> read_id(const GgufMetadata& metadata, const char* key,
                                            std::size_t vocab_size) {
  LATHE_TRY(const std::optional<std::int64_t> id, metadata.find_int(key));
  if (!id) return std::optional<std::int32_t>();
  if (*id < 0 || *id >= static_cast<std::int64_t>(vocab_size))
    return Error::bad_input(fmt::format("token id {} of a vocabulary of {}", *id, vocab_size))
        .at(key);
  return std::optional<std::int32_t>(static_cast<std::int32_t>(*id));
}

Status read_around(const GgufMetadata& metadata, Around otherwise, TokenizerSpec& spec) {
  LATHE_TRY(const auto add_bos, metadata.find_bool(kAddBos));
  LATHE_TRY(const auto add_eos, metadata.find_bool(kAddEos));
  const bool bos = add_bos.value_or(otherwise.bos), eos = add_eos.value_or(otherwise.eos);
  if ((bos && add_bos && !spec.control.bos) || (eos && add_eos && !spec.control.eos))
    return Error::bad_input("a bos or eos is to be added, but its id is not given")
        .at(bos ? kBos : kEos);
  spec.post_processor = around_template(spec, bos ? spec.control.bos : std::nullopt,
                                        eos ? spec.control.eos : std::nullopt);
  return {};
}

// SentencePiece's BPE as LLaMA 2 and Mistral have it: spaces become "▁", one goes in front, and
// what has no token becomes bytes.
Status read_llama(const GgufMetadata& metadata, TokenizerSpec& spec) {
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
  return read_around(metadata, {.bos = true}, spec);
}

// SentencePiece's Unigram as T5 has it: </s> behind the text.
Status read_t5(const GgufMetadata& metadata, TokenizerSpec& spec) {
  LATHE_TRY(ScoredPieces scored, read_scored_pieces(metadata, spec));
  SentencePieces pieces;
  pieces.tokens = std::move(spec.tokens);
  pieces.scores = std::move(scored.scores);
  for (const std::int64_t type : scored.types) {
    if (type < 1 || type > 6)
      return Error::bad_input(fmt::format("the type {} is none of a piece", type)).at(kTokenTypes);
    pieces.types.push_back(static_cast<PieceType>(type));
    pieces.byte_fallback = pieces.byte_fallback || pieces.types.back() == PieceType::byte;
  }
  LATHE_TRY(pieces.unk, read_id(metadata, kUnk, pieces.tokens.size()));
  if (!pieces.unk) pieces.unk = 2;  // where the file leaves it out
  if (static_cast<std::size_t>(*pieces.unk) >= pieces.tokens.size())
    return Error::bad_input("the vocabulary has no unknown token").at(kUnk);
  LATHE_TRY(const auto prefix, metadata.find_bool(kAddPrefix));
  LATHE_TRY(const auto remove, metadata.find_bool(kRemoveSpaces));
  pieces.add_dummy_prefix = prefix.value_or(true);
  pieces.remove_extra_whitespaces = remove.value_or(false);
  LATHE_TRY(pieces.charsmap, read_charsmap(metadata));
  pieces.bos = spec.control.bos;
  pieces.eos = spec.control.eos;
  LATHE_TRY(spec, spec_from_pieces(std::move(pieces)));
  return read_around(metadata, {.eos = true}, spec);
}

// WordPiece of uncased BERT: GGUF does not say whether a model keeps capitals, and its readers
// lower them.
Status read_bert(const GgufMetadata& metadata, TokenizerSpec& spec) {
  LATHE_CHECK(check_pieces(spec));
  for (std::string& token : spec.tokens) token = word_piece_spelling(token);
  for (AddedToken& token : spec.added)
    token.content = spec.tokens[static_cast<std::size_t>(token.id)];
  spec.model = ModelKind::word_piece;
  LATHE_TRY(spec.settings.unk, read_id(metadata, kUnk, spec.tokens.size()));
  LATHE_TRY(const auto cls, read_id(metadata, kCls, spec.tokens.size()));
  LATHE_TRY(const auto sep, read_id(metadata, kSep, spec.tokens.size()));
  spec.control = {cls ? cls : spec.control.bos, sep ? sep : spec.control.eos};
  spec.normalizer =
      R"({"clean_text":true,"handle_chinese_chars":true,"lowercase":true,"strip_accents":true,"type":"BertNormalizer"})";
  spec.pre_tokenizer = R"({"type":"BertPreTokenizer"})";
  spec.decoder = R"({"cleanup":true,"prefix":"##","type":"WordPiece"})";
  LATHE_TRY(const auto add_cls, metadata.find_bool(kAddBos));
  LATHE_TRY(const auto add_sep, metadata.find_bool(kAddSep));
  spec.post_processor =
      around_template(spec, add_cls.value_or(true) ? spec.control.bos : std::nullopt,
                      add_sep.value_or(true) ? spec.control.eos : std::nullopt);
  return {};
}

}  // namespace lathe::text::gguf
