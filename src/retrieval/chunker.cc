#include "retrieval/chunker.h"

#include <fmt/format.h>

#include <algorithm>

#include "retrieval/blocks.h"
#include "retrieval/units.h"

namespace lathe::retrieval {
namespace {

constexpr std::size_t kMinWords = 8;
constexpr std::size_t kMaxWords = 10'000;
constexpr std::string_view kTitleSeparator = " - ";

Status check_options(const ChunkOptions& options) {
  if (options.words < kMinWords || options.words > kMaxWords) {
    return Error::bad_input(fmt::format("chunks of {} words cannot be made", options.words))
        .fix_with(fmt::format("give {} to {} words", kMinWords, kMaxWords));
  }
  if (options.overlap_words > options.words / 2) {
    return Error::bad_input(fmt::format("an overlap of {} words is more than half of {}",
                                        options.overlap_words, options.words))
        .fix_with("give a smaller overlap");
  }
  return {};
}

// Units [first, last) as one chunk.
struct Span {
  std::size_t first = 0;
  std::size_t last = 0;
};

// Decides which units of one section go together.
class Packer {
 public:
  Packer(const std::vector<Unit>& units, const ChunkOptions& options)
      : units_(units), options_(options) {
    // words_[i]: of the units before i, so that sums over ranges are differences.
    words_.push_back(0);
    for (const Unit& unit : units) words_.push_back(words_.back() + unit.words);
  }

  std::vector<Span> pack() const {
    std::vector<Span> spans;
    std::size_t fresh = 0;  // the first unit that no chunk has yet
    while (fresh < units_.size()) {
      const std::size_t first = spans.empty() ? 0 : overlap_start(spans.back(), fresh);
      const std::size_t last = fill(first, fresh);
      spans.push_back({first, last});
      fresh = last;
    }
    return spans;
  }

 private:
  std::size_t words(std::size_t first, std::size_t last) const {
    return words_[last] - words_[first];
  }

  std::size_t block_end(std::size_t unit) const {
    do ++unit;
    while (unit < units_.size() && !units_[unit].starts_block);
    return unit;
  }

  // The end of the chunk that starts at first and takes at least the unit fresh.
  std::size_t fill(std::size_t first, std::size_t fresh) const {
    std::size_t last = fresh + 1;
    while (last < units_.size() && words(first, last + 1) <= options_.words &&
           !keeps_for_next(first, last)) {
      ++last;
    }
    return last;
  }

  // A paragraph that would be cut here but not in a chunk of its own is left to the next one.
  bool keeps_for_next(std::size_t first, std::size_t unit) const {
    if (!units_[unit].starts_block) return false;
    const std::size_t end = block_end(unit);
    return words(first, end) > options_.words && words(unit, end) <= options_.words;
  }

  // How far back the next chunk starts: whole units of the chunk before, as many as the overlap
  // allows and as leave room for the first fresh one.
  std::size_t overlap_start(const Span& before, std::size_t fresh) const {
    std::size_t first = fresh;
    while (first > before.first + 1 && words(first - 1, fresh) <= options_.overlap_words &&
           words(first - 1, fresh + 1) <= options_.words) {
      --first;
    }
    return first;
  }

  const std::vector<Unit>& units_;
  const ChunkOptions& options_;
  std::vector<std::size_t> words_;
};

class Chunker {
 public:
  Chunker(std::string_view text, std::string_view document_title, const ChunkOptions& options)
      : text_(text), document_title_(document_title), options_(options) {}

  std::vector<Chunk> run() {
    for (const Block& block : split_blocks(text_)) {
      if (block.kind == Block::Kind::heading) {
        open_section(block);
      } else {
        append_units(text_, block, options_.words, units_);
      }
    }
    close_section();
    close_headings(1);
    return std::move(chunks_);
  }

 private:
  struct Heading {
    int level;
    std::string_view text;
    bool in_a_title;
  };

  void open_section(const Block& heading) {
    close_section();
    close_headings(heading.level);
    headings_.push_back({heading.level, heading.text, false});
  }

  void close_section() {
    for (const Span& span : Packer(units_, options_).pack()) {
      add_chunk(units_[span.first].begin, units_[span.last - 1].end);
    }
    units_.clear();
  }

  // Ends the headings of this level and deeper ones. One that nothing stands under becomes a chunk,
  // so that it can be found.
  void close_headings(int level) {
    while (!headings_.empty() && headings_.back().level >= level) {
      const Heading heading = headings_.back();
      headings_.pop_back();
      if (heading.in_a_title) continue;
      const auto begin = static_cast<std::size_t>(heading.text.data() - text_.data());
      add_chunk(begin, begin + heading.text.size());
    }
  }

  void add_chunk(std::size_t begin, std::size_t end) {
    chunks_.push_back({title(), std::string(text_.substr(begin, end - begin)), begin, end});
    for (Heading& heading : headings_) heading.in_a_title = true;
  }

  std::string title() const {
    std::string joined(document_title_);
    std::string_view last = document_title_;
    for (const Heading& heading : headings_) {
      if (heading.text == last) continue;  // a document is often titled by its first heading
      if (!joined.empty()) joined += kTitleSeparator;
      joined += heading.text;
      last = heading.text;
    }
    return joined;
  }

  std::string_view text_;
  std::string_view document_title_;
  const ChunkOptions& options_;
  std::vector<Heading> headings_;  // those above the current section, outermost first
  std::vector<Unit> units_;        // of the current section
  std::vector<Chunk> chunks_;
};

}  // namespace

std::string first_heading(std::string_view text) {
  for (const Block& block : split_blocks(text)) {
    if (block.kind == Block::Kind::heading) return std::string(block.text);
  }
  return {};
}

Result<std::vector<Chunk>> chunk_text(std::string_view text, std::string_view document_title,
                                      const ChunkOptions& options) {
  LATHE_CHECK(check_options(options));
  return Chunker(text, document_title, options).run();
}

}  // namespace lathe::retrieval
