// Classes of characters with the members that tokenizers agree on.
//
// The components of tokenizer.json take their classes from Unicode tables of different ages: the
// regular expressions from Oniguruma (Unicode 16), BERT's components from unicode_categories
// (Unicode 8), StripAccents from unicode-normalization (Unicode 9). A vocabulary was learnt over
// words cut that way, so the members here are those, whichever Unicode the installed utf8proc
// knows: its categories and lists of what each table has more or less. Pure functions; safe from
// any thread.
#pragma once

#include <cstdint>
#include <span>

namespace lathe::text {

enum class CharClass : std::uint8_t {
  letter,           // \p{L}
  mark,             // \p{M}
  number,           // \p{N}
  punctuation,      // \p{P}
  symbol,           // \p{S}
  word,             // \w: letters, marks, digits, connectors
  rust_number,      // Digits: char::is_numeric
  old_punctuation,  // Punctuation, BertPreTokenizer: ASCII signs and \p{P}
  old_nonspacing,   // BertNormalizer's accents: Mn
  combining,        // StripAccents: \p{M}
  other,            // BertNormalizer's control characters: Cc, Cf, Co
};

bool is_in(CharClass which, char32_t c);

struct CharRange {
  char32_t first = 0, last = 0;
};

// REQUIRES: ranges in ascending order, none touching another.
bool contains(std::span<const CharRange> ranges, char32_t c);

// Characters of Unicode 15 and 16 that PCRE2 may not know yet, for \p{L} and the like.
std::span<const CharRange> newer_members(CharClass which);

}  // namespace lathe::text
