// The pieces that a chunk is put together from: sentences, list items, lines of code; and counting
// their words. Pure functions.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "retrieval/blocks.h"

namespace lathe::retrieval {

// A range of the text without white space around it.
struct Unit {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::size_t words = 0;
  bool starts_block = false;  // the first of its paragraph or code block
};

// Appends the units of a paragraph or code block, none of more than max_words words: one that would
// be longer is cut between words, and a run longer than that between two characters.
// REQUIRES: text is valid UTF-8, max_words >= 1.
void append_units(std::string_view text, const Block& block, std::size_t max_words,
                  std::vector<Unit>& units);

}  // namespace lathe::retrieval
