#include "text/sentence_piece.h"

#include <fmt/format.h>

#include <algorithm>

#include "text/json_fields.h"
#include "text/precompiled_charsmap.h"
#include "text/score_merges.h"
#include "text/serde_json_number.h"

namespace lathe::text {
namespace {

constexpr const char* kSpaceSign = "\u2581";

Json replace(const char* kind, std::string_view pattern, std::string_view content) {
  return {{"type", "Replace"}, {"pattern", {{kind, pattern}}}, {"content", content}};
}

// The steps of SentencePiece's normalizer, in its order.
Json normalizer_of(const SentencePieces& pieces) {
  Json steps = Json::array();
  if (!pieces.charsmap.empty())
    steps.push_back(
        {{"type", "Precompiled"}, {"precompiled_charsmap", encode_base64(pieces.charsmap)}});
  const std::string space = pieces.escape_whitespaces ? kSpaceSign : " ";
  if (pieces.remove_extra_whitespaces) {
    steps.push_back(replace("Regex", "\\A +", ""));
    steps.push_back(replace("Regex", " {2,}", " "));
  }
  if (pieces.escape_whitespaces) steps.push_back(replace("String", " ", space));
  if (pieces.add_dummy_prefix) steps.push_back({{"type", "Prepend"}, {"prepend", space}});
  // At the end its own sign goes too, and the prefix of a text that has nothing else.
  if (pieces.remove_extra_whitespaces) steps.push_back(replace("Regex", space + "+\\z", ""));
  return {{"type", "Sequence"}, {"normalizers", steps}};
}

Json decoder_of(const SentencePieces& pieces) {
  Json steps = Json::array();
  if (pieces.escape_whitespaces) steps.push_back(replace("String", kSpaceSign, " "));
  if (pieces.byte_fallback) steps.push_back({{"type", "ByteFallback"}});
  steps.push_back({{"type", "Fuse"}});
  if (pieces.add_dummy_prefix)
    steps.push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
  return {{"type", "Sequence"}, {"decoders", steps}};
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::string_view("\\^$.[]|()?*+{}-#&~/").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

// User-defined pieces are words of their own, the longest first.
Json pre_tokenizer_of(const SentencePieces& pieces) {
  std::vector<std::string> own;
  for (std::size_t id = 0; id < pieces.tokens.size(); ++id)
    if (pieces.types[id] == PieceType::user_defined) own.push_back(pieces.tokens[id]);
  if (own.empty()) return nullptr;
  std::stable_sort(own.begin(), own.end(),
                   [](const auto& a, const auto& b) { return a.size() > b.size(); });
  std::string pattern;
  for (const std::string& token : own) pattern += (pattern.empty() ? "" : "|") + escaped(token);
  return {{"type", "Split"},
          {"pattern", {{"Regex", pattern}}},
          {"behavior", "Isolated"},
          {"invert", false}};
}

std::vector<AddedToken> added_of(const SentencePieces& pieces) {
  std::vector<AddedToken> out;
  for (std::size_t id = 0; id < pieces.tokens.size(); ++id) {
    if (pieces.types[id] != PieceType::control && pieces.types[id] != PieceType::unknown) continue;
    AddedToken token;
    token.id = static_cast<std::int32_t>(id);
    token.content = pieces.tokens[id];
    token.special = true;
    out.push_back(std::move(token));
  }
  return out;
}

std::vector<BpeMerge> merges_of(const SentencePieces& pieces) {
  std::vector<bool> plain;
  for (const PieceType type : pieces.types) plain.push_back(type == PieceType::normal);
  return merges_from_scores(pieces.tokens, pieces.scores, plain);
}

}  // namespace

Result<TokenizerSpec> spec_from_pieces(SentencePieces pieces) {
  TokenizerSpec spec;
  spec.model = pieces.unigram ? ModelKind::unigram : ModelKind::bpe;
  spec.settings.unk = pieces.unk;
  spec.settings.byte_fallback = pieces.byte_fallback;
  spec.control = {pieces.bos, pieces.eos};
  spec.added = added_of(pieces);
  spec.normalizer = normalizer_of(pieces).dump();
  spec.pre_tokenizer = pre_tokenizer_of(pieces).dump();
  spec.decoder = decoder_of(pieces).dump();
  if (pieces.unigram) {
    // As tokenizers reads them from the tokenizer.json that the model is converted to.
    for (const float score : pieces.scores) spec.scores.push_back(as_serde_json_reads(score));
  } else {
    spec.settings.fuse_unk = true;
    spec.settings.ignore_merges = spec.pre_tokenizer != "null";  // user-defined pieces stay whole
    spec.merges = merges_of(pieces);
    if (spec.merges.size() > kMaxMerges)
      return Error::limit(
          fmt::format("{} merges; at most {} are read", spec.merges.size(), kMaxMerges));
  }
  spec.tokens = std::move(pieces.tokens);
  return spec;
}

}  // namespace lathe::text
