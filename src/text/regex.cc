#include "text/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <fmt/format.h>
#include <pcre2.h>

#include <cstdint>

#include "text/utf8.h"

namespace lathe::text {
namespace {

constexpr std::size_t kMaxPatternBytes = 64 * 1024;
constexpr std::size_t kShownBytes = 200;  // of a pattern in an error
// Steps of one match; far above what any honest pattern needs for one word.
constexpr std::uint32_t kMatchLimit = 200'000'000;

std::string pcre2_message(int code) {
  PCRE2_UCHAR text[256];
  if (pcre2_get_error_message(code, text, sizeof text) < 0) return fmt::format("error {}", code);
  return reinterpret_cast<const char*>(text);
}

}  // namespace

struct Regex::Code {
  pcre2_code* code = nullptr;
  pcre2_match_context* context = nullptr;
  std::string where;  // the pattern as errors show it

  Code() = default;
  Code(const Code&) = delete;
  Code& operator=(const Code&) = delete;
  ~Code() {
    pcre2_match_context_free(context);
    pcre2_code_free(code);
  }
};

Result<Regex> Regex::compile(std::string_view pattern) {
  if (pattern.size() > kMaxPatternBytes)
    return Error::limit(fmt::format("a regular expression of {} bytes; at most {} are read",
                                    pattern.size(), kMaxPatternBytes));
  LATHE_TRY(const std::string translated, translate_oniguruma(pattern));
  auto compiled = std::make_shared<Code>();
  compiled->where = fmt::format("pattern `{}`", pattern.substr(0, kShownBytes));
  int error = 0;
  PCRE2_SIZE offset = 0;
  compiled->code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated.data()), translated.size(),
                                 PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C,
                                 &error, &offset, nullptr);
  if (compiled->code == nullptr)
    return Error::bad_input(fmt::format("not a regular expression: {} (at byte {} of `{}`)",
                                        pcre2_message(error), offset, translated))
        .at(compiled->where)
        .fix_with("correct the pattern in tokenizer.json");
  compiled->context = pcre2_match_context_create(nullptr);
  if (compiled->context == nullptr) return Error::limit("out of memory for a regular expression");
  pcre2_set_match_limit(compiled->context, kMatchLimit);
  // Without JIT (a processor it does not know) the interpreter gives the same matches.
  (void)pcre2_jit_compile(compiled->code, PCRE2_JIT_COMPLETE);
  return Regex(std::move(compiled));
}

Result<Regex> Regex::literal(std::string_view text) {
  std::string pattern;
  for (const char c : text) {
    const bool sign = std::string_view("\\^$.[]|()?*+{}-#&~/").find(c) != std::string_view::npos;
    if (sign) pattern += '\\';
    pattern += c;
  }
  return compile(pattern);
}

Result<std::string> Regex::replace_all(std::string_view text, std::string_view replacement) const {
  std::string out;
  std::size_t done = 0;
  Matcher matcher(*this, text);
  while (true) {
    LATHE_TRY(const auto match, matcher.next());
    if (!match) return out.append(text.substr(done));
    if (match->end == match->begin) continue;
    out.append(text.substr(done, match->begin - done)).append(replacement);
    done = match->end;
  }
}

Regex::Matcher::Matcher(const Regex& regex, std::string_view text)
    : regex_(regex),
      text_(text),
      data_(pcre2_match_data_create_from_pattern(regex.code_->code, nullptr)) {
  LATHE_ASSERT(data_ != nullptr);
}

Regex::Matcher::~Matcher() { pcre2_match_data_free(static_cast<pcre2_match_data*>(data_)); }

int Regex::Matcher::search(std::size_t from) {
  auto* data = static_cast<pcre2_match_data*>(data_);
  const auto run = [&](std::uint32_t options) {
    return pcre2_match(regex_.code_->code, reinterpret_cast<PCRE2_SPTR>(text_.data()), text_.size(),
                       from, PCRE2_NO_UTF_CHECK | options, data, regex_.code_->context);
  };
  const int found = run(0);
  // The JIT's stack is small and on purpose: the interpreter keeps its own on the heap.
  return found == PCRE2_ERROR_JIT_STACKLIMIT ? run(PCRE2_NO_JIT) : found;
}

Error Regex::Matcher::gave_up(int code) const {
  return Error::limit(fmt::format("searching a text of {} bytes takes too long: {}", text_.size(),
                                  pcre2_message(code)))
      .at(regex_.code_->where)
      .fix_with("simplify the pattern, or cut the text into pieces");
}

Result<std::optional<Span>> Regex::Matcher::next() {
  while (from_ <= text_.size()) {
    const int found = search(from_);
    if (found < 0) {
      from_ = text_.size() + 1;
      if (found != PCRE2_ERROR_NOMATCH) return gave_up(found);
      return std::optional<Span>();
    }
    const PCRE2_SIZE* place = pcre2_get_ovector_pointer(static_cast<pcre2_match_data*>(data_));
    const Span match{place[0], place[1]};
    const bool empty = match.begin >= match.end;
    const bool touching = any_ && match.begin == last_end_;
    from_ = match.end;
    if (empty) from_ += match.end < text_.size() ? utf8_length(text_[match.end]) : 1;
    if (empty && touching) continue;
    any_ = true;
    last_end_ = match.end;
    return std::optional(match);
  }
  return std::optional<Span>();
}

}  // namespace lathe::text
