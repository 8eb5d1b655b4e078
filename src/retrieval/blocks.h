// Markdown's outline of a text: headings, paragraphs and code, each as a range of bytes. Everything
// that is not white space lies in exactly one block. Plain text is paragraphs. Pure function.
//
// Of Markdown only what the outline needs is read (CommonMark 0.31: ATX and setext headings, fenced
// code), and "---" front matter at the start of the text is a paragraph.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace lathe::retrieval {

struct Block {
  enum class Kind { heading, paragraph, code };
  Kind kind = Kind::paragraph;
  std::size_t begin = 0;
  std::size_t end = 0;
  int level = 0;          // of a heading: 1 to 6
  std::string_view text;  // of a heading: without its signs
};

std::vector<Block> split_blocks(std::string_view text);

}  // namespace lathe::retrieval
