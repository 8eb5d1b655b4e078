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

#include "text/bpe_tables.h"
#include "text/token_model.h"

namespace lathe::text {

struct BpeSettings {
  bool byte_level = false;     // symbols are bytes; otherwise characters
  bool byte_fallback = false;  // a character without a token becomes its bytes' <0x..> tokens
  bool fuse_unk = false;       // neighbouring unknown characters are one unknown token
  bool ignore_merges = false;  // a word that is a token is that token, whatever the merges say
  std::optional<std::int32_t> unk = {};  // for what has no token; without it such characters vanish
  // What is written before every symbol of a word but the first, and after its last one.
  std::string continuing_prefix = {}, end_suffix = {};
  // No merge joins a character with a space mark behind it: never_joins_across_marks(). A text
  // without pre-tokenizer (Gemma, LLaMA 2) is one long word; cut before its space marks it is many
  // short ones, with the same ids.
  bool cuts_at_marks = false;
};

// Whether words may be cut before space marks. REQUIRES: the merges' ids are of surfaces.
bool never_joins_across_marks(StringTable surfaces, const BpeTables& tables,
                              const BpeSettings& settings);

class Bpe final : public TokenModel {
 public:
  // surfaces and tables as BpeMemory::index() has them; their memory outlives this.
  // REQUIRES: 256 byte tokens and byte symbols; a power of two of pairs.
  Bpe(StringTable surfaces, const BpeTables& tables, BpeSettings settings);

  void encode(std::string_view word, std::vector<std::int32_t>& out,
              ModelScratch& scratch) const override;

  const BpeSettings& settings() const { return settings_; }

 private:
  enum class Whole : std::uint8_t { unknown, yes, no };

  const BpePair* pair_of(std::int32_t left, std::int32_t right) const {
    return find_pair(tables_.pairs, left, right, surfaces_.size());
  }
  void encode_piece(std::string_view word, std::vector<std::int32_t>& out,
                    ModelScratch& scratch) const;
  std::int32_t symbol_id(std::string_view symbol) const;
  void append_symbols(std::string_view word, std::vector<std::int32_t>& ids) const;
  void append_unknown(std::string_view character, std::vector<std::int32_t>& ids,
                      bool& after_unknown) const;
  void merge_short(std::vector<std::int32_t>& ids) const;
  void merge_long(BpeScratch& scratch) const;

  BpeSettings settings_;
  StringTable surfaces_;
  BpeTables tables_;
  std::unique_ptr<std::atomic<Whole>[]> whole_;  // by id: does the surface encode to the id alone
};

}  // namespace lathe::text
