// Regular expressions of tokenizer.json, run by PCRE2 with its JIT compiler.
//
// tokenizer.json is written for Oniguruma (Ruby syntax); the few places where PCRE2 reads the same
// signs differently are translated (\s, \S, \w, \W keep Oniguruma's Unicode meaning, ^ and $ match
// at lines, \h is a hexadecimal digit); what cannot be translated is refused, never misread.
//
// A Regex is immutable; any number of threads may search with it, each with a Matcher of its own.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace lathe::text {

struct Span {
  std::size_t begin = 0, end = 0;
};

class Regex {
 public:
  // Errors: a syntax error with its place, a construct that PCRE2 would read differently.
  static Result<Regex> compile(std::string_view pattern);
  // A regex that finds this text and nothing else.
  static Result<Regex> literal(std::string_view text);

  // The text with every match that is not empty replaced. REQUIRES: valid UTF-8. Errors: as
  // Matcher::next().
  Result<std::string> replace_all(std::string_view text, std::string_view replacement) const;

  // One search at a time in one text.
  class Matcher {
   public:
    Matcher(const Regex& regex, std::string_view text);
    ~Matcher();
    Matcher(const Matcher&) = delete;
    Matcher& operator=(const Matcher&) = delete;

    // The next match at or after `from`, or nothing. Never an empty match directly at the end of
    // the last one. REQUIRES: the text is valid UTF-8, from is at a character. Errors: limit, when
    // a search takes more steps than any honest pattern needs; nothing more is found then.
    Result<std::optional<Span>> next();

   private:
    int search(std::size_t from);
    Error gave_up(int code) const;
    const Regex& regex_;
    std::string_view text_;
    std::size_t from_ = 0;
    std::size_t last_end_ = 0;
    bool any_ = false;
    void* data_ = nullptr;
  };

 private:
  struct Code;
  explicit Regex(std::shared_ptr<const Code> code) : code_(std::move(code)) {}
  std::shared_ptr<const Code> code_;
};

// The PCRE2 spelling of an Oniguruma pattern.
Result<std::string> translate_oniguruma(std::string_view pattern);

}  // namespace lathe::text
