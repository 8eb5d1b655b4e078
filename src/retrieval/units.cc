#include "retrieval/units.h"

#include <algorithm>

#include "retrieval/chunker.h"
#include "text/utf8.h"

namespace lathe::retrieval {
namespace {

constexpr std::size_t kCharactersOfAWord = 16;

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\v' || c == '\f';
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::size_t skip_space(std::string_view text, std::size_t at, std::size_t end) {
  while (at < end && is_space(text[at])) ++at;
  return at;
}

std::size_t skip_run(std::string_view text, std::size_t at, std::size_t end) {
  while (at < end && !is_space(text[at])) ++at;
  return at;
}

std::size_t words_of_run(std::string_view run) {
  const auto continuations = std::count_if(run.begin(), run.end(), text::is_utf8_continuation);
  const std::size_t characters = run.size() - static_cast<std::size_t>(continuations);
  return (characters + kCharactersOfAWord - 1) / kCharactersOfAWord;
}

// "- ", "* ", "+ ", "3. ", "3) " or "|" opens a line that is a piece of its own.
bool opens_item(std::string_view text, std::size_t line, std::size_t end) {
  std::size_t at = line;
  while (at < end && (text[at] == ' ' || text[at] == '\t')) ++at;
  if (at < end && text[at] == '|') return true;
  const std::size_t mark = at;
  if (at < end && (text[at] == '-' || text[at] == '*' || text[at] == '+')) {
    ++at;
  } else {
    while (at < end && is_digit(text[at])) ++at;
    if (at == mark || at == end || (text[at] != '.' && text[at] != ')')) return false;
    ++at;
  }
  return at < end && is_space(text[at]);
}

// "。", "！", "？": the length of the sign that ends a sentence without a space after it, or 0.
std::size_t full_width_stop(std::string_view text, std::size_t at) {
  const std::string_view sign = text.substr(at, 3);
  return sign == "\xe3\x80\x82" || sign == "\xef\xbc\x81" || sign == "\xef\xbc\x9f" ? 3 : 0;
}

// Where the next sentence begins when text[at] ends one; 0 when it does not.
std::size_t after_stop(std::string_view text, std::size_t at, std::size_t end) {
  if (const std::size_t wide = full_width_stop(text, at); wide != 0) return at + wide;
  if (text[at] != '.' && text[at] != '!' && text[at] != '?') return 0;
  std::size_t next = at + 1;
  while (next < end && std::string_view(".!?\"')]").find(text[next]) != std::string_view::npos) {
    ++next;
  }
  if (next >= end || !is_space(text[next])) return 0;
  next = skip_space(text, next, end);
  if (next >= end) return 0;
  // "e.g. this" goes on; "It works. This …" does not.
  return text[next] >= 'a' && text[next] <= 'z' ? 0 : next;
}

// The end of the unit that begins at a character that is not white space.
std::size_t unit_end(std::string_view text, std::size_t begin, const Block& block) {
  for (std::size_t at = begin; at < block.end; ++at) {
    if (text[at] == '\n') {
      if (block.kind == Block::Kind::code || opens_item(text, at + 1, block.end)) return at;
    } else if (const std::size_t next = after_stop(text, at, block.end); next != 0) {
      return next;
    }
  }
  return block.end;
}

// A run without spaces, cut after so many characters each time.
void append_run_pieces(std::string_view text, std::size_t begin, std::size_t end,
                       std::size_t max_words, std::vector<Unit>& units) {
  while (begin < end) {
    std::size_t at = begin;
    for (std::size_t i = 0; i < max_words * kCharactersOfAWord && at < end; ++i) {
      at += text::utf8_length(text[at]);
    }
    at = std::min(at, end);
    units.push_back({begin, at, words_of_run(text.substr(begin, at - begin)), false});
    begin = at;
  }
}

// [begin, end) starts and ends with a character that is not white space.
void append_pieces(std::string_view text, std::size_t begin, std::size_t end, std::size_t max_words,
                   std::vector<Unit>& units) {
  Unit piece{begin, begin, 0, false};
  for (std::size_t at = begin; at < end;) {
    const std::size_t run_end = skip_run(text, at, end);
    const std::size_t words = words_of_run(text.substr(at, run_end - at));
    if (piece.words > 0 && piece.words + words > max_words) {
      units.push_back(piece);
      piece = {at, at, 0, false};
    }
    if (words > max_words) {
      append_run_pieces(text, at, run_end, max_words, units);
    } else {
      if (piece.words == 0) piece.begin = at;
      piece.end = run_end;
      piece.words += words;
    }
    at = skip_space(text, run_end, end);
  }
  if (piece.words > 0) units.push_back(piece);
}

}  // namespace

std::size_t count_words(std::string_view text) {
  std::size_t words = 0;
  for (std::size_t at = skip_space(text, 0, text.size()); at < text.size();) {
    const std::size_t end = skip_run(text, at, text.size());
    words += words_of_run(text.substr(at, end - at));
    at = skip_space(text, end, text.size());
  }
  return words;
}

void append_units(std::string_view text, const Block& block, std::size_t max_words,
                  std::vector<Unit>& units) {
  const std::size_t first = units.size();
  std::size_t at = skip_space(text, block.begin, block.end);
  while (at < block.end) {
    const std::size_t next = unit_end(text, at, block);
    std::size_t end = next;
    while (end > at && is_space(text[end - 1])) --end;
    append_pieces(text, at, end, max_words, units);
    at = skip_space(text, next, block.end);
  }
  if (units.size() > first) units[first].starts_block = true;
}

}  // namespace lathe::retrieval
