#include "text/known_split.h"

#include <algorithm>
#include <array>

#include "text/char_class.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace lathe::text {

const char* const kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

namespace {

constexpr std::string_view kLlama3Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kQwen2Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kLongS = "\u017f";  // the other capital of S

enum class CharacterKind : std::uint8_t { letter, number, space, line_end, sign, none };

CharacterKind kind_of(char32_t c) {
  if (c == '\r' || c == '\n') return CharacterKind::line_end;
  if (is_white_space(c)) return CharacterKind::space;
  if (is_in(CharClass::letter, c)) return CharacterKind::letter;
  return is_in(CharClass::number, c) ? CharacterKind::number : CharacterKind::sign;
}

const std::array<CharacterKind, 128>& ascii_kinds() {
  static const std::array<CharacterKind, 128> kinds = [] {
    std::array<CharacterKind, 128> out{};
    for (char32_t c = 0; c < 128; ++c) out[c] = kind_of(c);
    return out;
  }();
  return kinds;
}

// Walks a text character by character.
class Walker {
 public:
  explicit Walker(std::string_view text) : text_(text) {}

  struct Character {
    CharacterKind kind = CharacterKind::none;  // none: the end of the text
    std::size_t length = 0;
  };

  Character at(std::size_t place) const {
    if (place >= text_.size()) return {};
    const auto byte = static_cast<unsigned char>(text_[place]);
    if (byte < 0x80) return {ascii_[byte], 1};
    const Utf8Step step = utf8_step(text_.substr(place));
    return {kind_of(step.code_point), step.length};
  }

  // The end of the run of this kind, of at most `most` characters, that begins at `place`.
  std::size_t run_end(std::size_t place, CharacterKind kind,
                      std::size_t most = ~std::size_t{0}) const {
    for (Character c = at(place); most > 0 && c.kind == kind; c = at(place), --most)
      place += c.length;
    return place;
  }

  std::string_view rest(std::size_t place) const { return text_.substr(place); }

 private:
  std::string_view text_;
  const std::array<CharacterKind, 128>& ascii_ = ascii_kinds();
};

bool is_space(CharacterKind kind) {
  return kind == CharacterKind::space || kind == CharacterKind::line_end;
}

// "'s", "'re", …: its length, or 0.
std::size_t contraction_length(std::string_view text, bool any_case) {
  if (text.size() < 2 || text[0] != '\'') return 0;
  const auto lower = [&](std::size_t i) {
    const char c = i < text.size() ? text[i] : '\0';
    return any_case && c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  };
  const char first = lower(1), second = lower(2);
  if (first == 's' || first == 't' || first == 'm' || first == 'd') return 2;
  if ((first == 'r' || first == 'v') && second == 'e') return 3;
  if (first == 'l' && second == 'l') return 3;
  return any_case && text.substr(1).starts_with(kLongS) ? 1 + kLongS.size() : 0;
}

struct SpaceRun {
  std::size_t end = 0;
  std::size_t last = 0;       // where its last character begins
  std::size_t line_ends = 0;  // behind its last \r or \n; 0: none
};

SpaceRun space_run(const Walker& walker, std::size_t place) {
  SpaceRun run{place, place, 0};
  for (Walker::Character c = walker.at(place); is_space(c.kind); c = walker.at(run.end)) {
    run.last = run.end;
    run.end += c.length;
    if (c.kind == CharacterKind::line_end) run.line_ends = run.end;
  }
  return run;
}

// \s+(?!\S)|\s+: the last space before a word is left to it.
std::size_t end_of_space(const Walker& walker, const SpaceRun& run, std::size_t begin) {
  const bool at_end = walker.at(run.end).kind == CharacterKind::none;
  return at_end || run.last == begin ? run.end : run.last;
}

// The end of the word that begins here, as GPT-2's pattern finds it.
std::size_t gpt2_word_end(const Walker& walker, std::size_t begin) {
  if (const std::size_t length = contraction_length(walker.rest(begin), false))
    return begin + length;
  const Walker::Character first = walker.at(begin);
  const bool blank = walker.rest(begin)[0] == ' ';
  const CharacterKind kind = blank ? walker.at(begin + 1).kind : first.kind;
  if (kind == CharacterKind::letter || kind == CharacterKind::number || kind == CharacterKind::sign)
    return walker.run_end(begin + (blank ? 1 : 0), kind);
  return end_of_space(walker, space_run(walker, begin), begin);
}

// The same for LLaMA 3's and Qwen2's, which differ in how many digits are one word.
std::size_t llama3_word_end(const Walker& walker, std::size_t begin, std::size_t digits) {
  if (const std::size_t length = contraction_length(walker.rest(begin), true))
    return begin + length;
  const Walker::Character first = walker.at(begin);
  if (first.kind == CharacterKind::letter) return walker.run_end(begin, CharacterKind::letter);
  if (first.kind == CharacterKind::number)
    return walker.run_end(begin, CharacterKind::number, digits);
  const CharacterKind second = walker.at(begin + first.length).kind;
  if (second == CharacterKind::letter && first.kind != CharacterKind::line_end)
    return walker.run_end(begin + first.length, CharacterKind::letter);
  const bool blank = walker.rest(begin)[0] == ' ';
  if (first.kind == CharacterKind::sign || (blank && second == CharacterKind::sign)) {
    const std::size_t signs = walker.run_end(begin + (blank ? 1 : 0), CharacterKind::sign);
    return walker.run_end(signs, CharacterKind::line_end);
  }
  const SpaceRun run = space_run(walker, begin);
  return run.line_ends > 0 ? run.line_ends : end_of_space(walker, run, begin);
}

// Cuts a piece into words; word_end(walker, begin) finds where each ends.
template <class WordEnd>
class KnownSplitStage final : public PreTokenizerStage {
 public:
  explicit KnownSplitStage(WordEnd word_end) : word_end_(word_end) {}

  Status run(Piece piece, PieceSink emit) const override {
    const Walker walker(piece.text);
    for (std::size_t begin = 0; begin < piece.text.size();) {
      const std::size_t end = word_end_(walker, begin);
      emit({piece.text.substr(begin, end - begin), piece.first && begin == 0});
      begin = end;
    }
    return {};
  }

 private:
  WordEnd word_end_;
};

template <class WordEnd>
std::shared_ptr<const PreTokenizerStage> stage(WordEnd word_end) {
  return std::make_shared<KnownSplitStage<WordEnd>>(word_end);
}

}  // namespace

std::shared_ptr<const PreTokenizerStage> known_split(std::string_view pattern) {
  if (pattern == kGpt2Pattern) return stage(gpt2_word_end);
  if (pattern == kLlama3Pattern)
    return stage([](const Walker& w, std::size_t at) { return llama3_word_end(w, at, 3); });
  if (pattern == kQwen2Pattern)
    return stage([](const Walker& w, std::size_t at) { return llama3_word_end(w, at, 1); });
  return nullptr;
}

}  // namespace lathe::text
