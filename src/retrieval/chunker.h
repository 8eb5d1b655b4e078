// Cuts a text into chunks of about so many words, the unit that is searched and shown to a model.
//
// A chunk never crosses a Markdown heading. Inside a section it takes whole paragraphs while they
// fit, else whole sentences (list items and lines of code and tables count as such), else words. A
// run without spaces longer than a chunk is cut between two UTF-8 characters.
//
// Nothing is lost: each byte of the text that is neither white space nor part of a heading line
// lies in a chunk, and each heading is in the title of a chunk (or is the text of one, when nothing
// stands under it). The same text and options always give the same chunks. Pure function.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace lathe::retrieval {

struct ChunkOptions {
  std::size_t words = 120;  // a chunk's size; 8 to 10,000
  std::size_t overlap_words =
      0;  // repeated from the chunk before, in whole sentences; at most half
};

struct Chunk {
  std::string title;      // document title and headings above it: "Handbook - Battery"; or empty
  std::string text;       // a piece of the document as it stands, without white space around it
  std::size_t begin = 0;  // where the piece lies in the document, in bytes
  std::size_t end = 0;
};

// Words as the chunker counts them: runs between white space, where a run longer than 16 characters
// counts one for each 16 begun (so that texts without spaces are cut too).
std::size_t count_words(std::string_view text);

// The text of the first Markdown heading; empty when there is none.
std::string first_heading(std::string_view text);

// REQUIRES: text is valid UTF-8. Error: bad_input (options out of range).
Result<std::vector<Chunk>> chunk_text(std::string_view text, std::string_view document_title,
                                      const ChunkOptions& options = {});

}  // namespace lathe::retrieval
