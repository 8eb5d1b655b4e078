// Byte pair encoding of one word: its symbols (bytes or characters) are merged pair by pair, the
// merge that was learnt first before all others, the leftmost first among equals.
//
// The vocabulary is known by surface: the raw bytes of a token for byte-level models, its spelling
// for others. Time is linear in the word for short words and n log n for long ones; a word that is
// one token after all its merges is remembered by a flag of the token, so it costs one look-up.
//
// Immutable but for those flags, which are atomic.
// Source: Sennrich, Haddow, Birch (2016); the treatment of unknown characters follows
// tokenizer.json.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/spelling_index.h"
#include "text/token_model.h"

namespace lathe::text {

// merges[i] joins left and right into result; i is its rank.
struct BpeMerge {
  std::int32_t left = 0, right = 0, result = 0;
};

struct BpeSettings {
  bool byte_level = false;     // symbols are bytes; otherwise characters
  bool byte_fallback = false;  // a character without a token becomes its bytes' <0x..> tokens
  bool fuse_unk = false;       // neighbouring unknown characters are one unknown token
  bool ignore_merges = false;  // a word that is a token is that token, whatever the merges say
  std::optional<std::int32_t> unk = {};  // for what has no token; without it such characters vanish
  // What is written before every symbol of a word but the first, and after its last one.
  std::string continuing_prefix = {}, end_suffix = {};
};

class Bpe final : public TokenModel {
 public:
  // surfaces[id] is a token's surface; empty for an id that text never becomes (holes, control
  // tokens, tokens outside the byte alphabet). byte_tokens[b] is the id of <0xBB> or -1.
  // Merges that make a control token (forbidden[result]) are left out.
  // Errors: a surface that stands twice.
  static Result<Bpe> build(std::vector<std::string> surfaces, const std::vector<BpeMerge>& merges,
                           const std::vector<bool>& forbidden,
                           std::vector<std::int32_t> byte_tokens, BpeSettings settings);

  void encode(std::string_view word, std::vector<std::int32_t>& out,
              ModelScratch& scratch) const override;

  const BpeSettings& settings() const { return settings_; }

 private:
  struct PairEntry {
    std::uint64_t key = kNoPair;  // left in the upper half, right in the lower
    std::uint32_t rank = 0;
    std::int32_t result = 0;
  };
  static constexpr std::uint64_t kNoPair = ~std::uint64_t{0};
  enum class Whole : std::uint8_t { unknown, yes, no };

  std::int32_t find(std::string_view surface) const;
  const PairEntry* find_pair(std::int32_t left, std::int32_t right) const;
  void index_merges(const std::vector<BpeMerge>& merges, const std::vector<bool>& forbidden);
  // Whether no merge joins a character with a space mark behind it.
  bool never_joins_across_marks(const std::vector<BpeMerge>& merges) const;
  void encode_piece(std::string_view word, std::vector<std::int32_t>& out,
                    ModelScratch& scratch) const;
  std::int32_t symbol_id(std::string_view symbol) const;
  void append_symbols(std::string_view word, std::vector<std::int32_t>& ids) const;
  void append_unknown(std::string_view character, std::vector<std::int32_t>& ids,
                      bool& after_unknown) const;
  void merge_short(std::vector<std::int32_t>& ids) const;
  void merge_long(BpeScratch& scratch) const;

  BpeSettings settings_;
  std::vector<std::string> surfaces_;
  std::vector<std::int32_t> byte_tokens_;
  std::vector<std::int32_t> byte_symbols_;  // byte-level: the token of each byte, or -1
  SpellingIndex words_;                     // over surfaces_; of equal ones the first
  std::vector<PairEntry> pairs_;            // open addressing
  // A text without pre-tokenizer (Gemma, LLaMA 2) is one long word; cut before its space marks it
  // is many short ones, with the same ids.
  bool is_cut_at_marks_ = false;
  std::unique_ptr<std::atomic<Whole>[]> whole_;  // by id: does the surface encode to the id alone
};

}  // namespace lathe::text
