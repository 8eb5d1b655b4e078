#include "retrieval/blocks.h"

#include <algorithm>
#include <optional>

namespace lathe::retrieval {
namespace {

constexpr std::size_t kMaxHeadingBytes = 200;  // a longer line is a paragraph
constexpr std::string_view kSpace = " \t\r\n\v\f";

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

// Signs at the start of a line, after at most three spaces: "##" of "  ## Battery".
std::size_t leading_run(std::string_view line, char sign) {
  const std::size_t first = line.find_first_not_of(' ');
  if (first == std::string_view::npos || first > 3 || line[first] != sign) return 0;
  return std::min(line.find_first_not_of(sign, first), line.size()) - first;
}

// The text of "## Battery ##"; nothing when the line is no heading.
std::optional<std::string_view> atx_heading(std::string_view line) {
  const std::size_t level = leading_run(line, '#');
  if (level < 1 || level > 6) return std::nullopt;
  std::string_view rest = line.substr(line.find('#') + level);
  if (rest.empty() || kSpace.find(rest.front()) == std::string_view::npos) return std::nullopt;
  rest = trim(rest);
  const std::size_t closing = rest.find_last_not_of('#');
  if (closing == std::string_view::npos) return std::nullopt;  // nothing but signs
  if (closing + 1 < rest.size() && kSpace.find(rest[closing]) != std::string_view::npos) {
    rest = trim(rest.substr(0, closing));
  }
  if (rest.empty() || rest.size() > kMaxHeadingBytes) return std::nullopt;
  return rest;
}

// 1 for "====", 2 for "----", 0 for another line.
int setext_level(std::string_view line) {
  const std::string_view signs = trim(line);
  if (signs.size() < 2) return 0;
  if (signs.find_first_not_of('=') == std::string_view::npos) return 1;
  if (signs.find_first_not_of('-') == std::string_view::npos) return 2;
  return 0;
}

class Splitter {
 public:
  explicit Splitter(std::string_view text) : text_(text) {}

  std::vector<Block> split() {
    in_front_matter_ = trim(text_.substr(0, text_.find('\n'))) == "---";
    for (std::size_t begin = 0; begin < text_.size();) {
      const std::size_t end = std::min(text_.find('\n', begin), text_.size() - 1) + 1;
      take_line(begin, end);
      begin = end;
    }
    close_paragraph();
    if (fence_sign_ != 0) blocks_.push_back({Block::Kind::code, fence_begin_, text_.size(), 0, {}});
    return std::move(blocks_);
  }

 private:
  void take_line(std::size_t begin, std::size_t end) {
    const std::string_view line = text_.substr(begin, end - begin);
    if (fence_sign_ != 0) return take_code(line, end);
    if (in_front_matter_) return take_front_matter(line, begin, end);
    if (trim(line).empty()) return close_paragraph();
    if (open_fence(line, begin)) return;
    if (const auto heading = atx_heading(line)) {
      close_paragraph();
      const auto level = static_cast<int>(leading_run(line, '#'));
      blocks_.push_back({Block::Kind::heading, begin, end, level, *heading});
      return;
    }
    if (lines_ == 1 && setext_level(line) != 0) {
      const std::string_view heading = trim(text_.substr(begin_, end_ - begin_));
      if (heading.size() <= kMaxHeadingBytes) {
        blocks_.push_back({Block::Kind::heading, begin_, end, setext_level(line), heading});
        lines_ = 0;
        return;
      }
    }
    extend_paragraph(begin, end);
  }

  void take_code(std::string_view line, std::size_t end) {
    const bool closes = leading_run(line, fence_sign_) >= fence_length_ &&
                        trim(line).find_first_not_of(fence_sign_) == std::string_view::npos;
    if (!closes) return;
    blocks_.push_back({Block::Kind::code, fence_begin_, end, 0, {}});
    fence_sign_ = 0;
  }

  void take_front_matter(std::string_view line, std::size_t begin, std::size_t end) {
    extend_paragraph(begin, end);
    if (begin == 0 || trim(line) != "---") return;
    in_front_matter_ = false;
    close_paragraph();
  }

  bool open_fence(std::string_view line, std::size_t begin) {
    for (const char sign : {'`', '~'}) {
      const std::size_t length = leading_run(line, sign);
      if (length < 3) continue;
      const std::size_t info = line.find(sign) + length;
      if (sign == '`' && line.find('`', info) != std::string_view::npos) continue;  // ```code```
      close_paragraph();
      fence_sign_ = sign;
      fence_length_ = length;
      fence_begin_ = begin;
      return true;
    }
    return false;
  }

  void extend_paragraph(std::size_t begin, std::size_t end) {
    if (lines_++ == 0) begin_ = begin;
    end_ = end;
  }

  void close_paragraph() {
    if (lines_ > 0) blocks_.push_back({Block::Kind::paragraph, begin_, end_, 0, {}});
    lines_ = 0;
  }

  std::string_view text_;
  std::vector<Block> blocks_;
  bool in_front_matter_ = false;
  std::size_t lines_ = 0;  // of the open paragraph; 0: none is open
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  char fence_sign_ = 0;  // 0: not inside a fence
  std::size_t fence_length_ = 0;
  std::size_t fence_begin_ = 0;
};

}  // namespace

std::vector<Block> split_blocks(std::string_view text) { return Splitter(text).split(); }

}  // namespace lathe::retrieval
