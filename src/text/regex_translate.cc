// Oniguruma's Ruby syntax to PCRE2's, sign by sign. Source: Oniguruma doc/RE; pcre2pattern(3).
#include <fmt/format.h>

#include "text/regex.h"
#include "text/regex_members.h"

namespace lathe::text {
namespace {

// White_Space and Word as Oniguruma has them, as members of a class. PCRE2's own \s would take
// U+180E too, and its \w lacks marks.
constexpr std::string_view kSpace = "\\t-\\r\\x{85}\\p{Z}";
constexpr std::string_view kWord = "\\p{L}\\p{M}\\p{Nd}\\p{Nl}\\p{Pc}\\x{24B6}-\\x{24E9}";
constexpr std::string_view kHex = "0-9A-Fa-f";

class Translator {
 public:
  explicit Translator(std::string_view in) : in_(in) {}

  Result<std::string> run() {
    while (at_ < in_.size()) {
      if (in_[at_] == '\\') {
        LATHE_CHECK(escape());
      } else if (class_depth_ > 0) {
        LATHE_CHECK(in_class());
      } else {
        LATHE_CHECK(outside());
      }
    }
    return std::move(out_);
  }

 private:
  Error refuse(std::string_view construct) const {
    return Error::unsupported(fmt::format("{} in a regular expression", construct))
        .at(fmt::format("pattern `{}` at byte {}", in_, at_))
        .fix_with("write the pattern without it");
  }

  Status escape() {
    if (at_ + 1 >= in_.size()) return refuse("a backslash at the end");
    const char c = in_[at_ + 1];
    if (c == 'p' || c == 'P') return property(c == 'P');
    const std::string members = members_of(c);
    if (members.empty()) return copy_escape(c);
    const bool negated = c == 'S' || c == 'W' || c == 'H' || c == 'D';
    if (class_depth_ > 0) {
      if (c == 'D') return copy_digit_complement();
      if (negated) return refuse(fmt::format("\\{} inside a class", c));
      out_ += members;
    } else {
      out_ += fmt::format("[{}{}]", negated ? "^" : "", members);
    }
    at_ += 2;
    return {};
  }

  Status copy_digit_complement() {
    out_ += "\\P{Nd}";
    at_ += 2;
    return {};
  }

  // What \s, \w, \h, \d and their opposites speak of; empty for other escapes.
  static std::string members_of(char c) {
    if (c == 's' || c == 'S') return std::string(kSpace);
    if (c == 'w' || c == 'W') return std::string(kWord).append(kNewerWordMembers);
    if (c == 'h' || c == 'H') return std::string(kHex);
    if (c == 'd' || c == 'D') return "\\p{Nd}" + std::string(newer_members_of_property("Nd"));
    return {};
  }

  // \p{name}, \P{name}, \p{^name}.
  Status property(bool negated) {
    const std::size_t end = in_.find('}', at_);
    if (in_.substr(at_ + 2, 1) != "{" || end == std::string_view::npos)
      return refuse("a \\p without {…}");
    std::string_view name = in_.substr(at_ + 3, end - at_ - 3);
    if (name.starts_with('^')) {
      negated = !negated;
      name.remove_prefix(1);
    }
    at_ = end + 1;
    const std::string script = is_script_name(name) ? "sc:" : "";
    const std::string_view newer = newer_members_of_property(name);
    if (class_depth_ > 0 && negated)
      out_ += fmt::format("\\P{{{}{}}}", script, name);
    else if (class_depth_ > 0)
      out_ += fmt::format("\\p{{{}{}}}{}", script, name, newer);
    else if (newer.empty())
      out_ += fmt::format("\\{}{{{}{}}}", negated ? 'P' : 'p', script, name);
    else
      out_ += fmt::format("[{}\\p{{{}{}}}{}]", negated ? "^" : "", script, name, newer);
    return {};
  }

  Status copy_escape(char c) {
    constexpr std::string_view kDifferent = "RXKGZbBgkQECNO";
    if (kDifferent.find(c) != std::string_view::npos) return refuse(fmt::format("\\{}", c));
    if (c == 'u') {  // \uHHHH
      if (at_ + 6 > in_.size()) return refuse("\\u without four digits");
      out_ += fmt::format("\\x{{{}}}", in_.substr(at_ + 2, 4));
      at_ += 6;
      return {};
    }
    std::size_t length = 2;
    const bool braced = c == 'x' && in_.substr(at_ + 2, 1) == "{";
    if (braced) {
      const std::size_t end = in_.find('}', at_);
      if (end == std::string_view::npos) return refuse(fmt::format("an open \\{}{{", c));
      length = end + 1 - at_;
    }
    out_ += in_.substr(at_, length);
    at_ += length;
    return {};
  }

  Status in_class() {
    if (in_.substr(at_, 2) == "&&") return refuse("a class intersection &&");
    if (in_.substr(at_, 2) == "[:") return copy_posix_class();
    if (in_[at_] == '[') return inner_class();
    if (in_[at_] == ']' && at_ != class_start_ && --class_depth_ > 0) {
      ++at_;  // of an inner class
      if (in_.substr(at_, 1) == "-" && in_.substr(at_, 2) != "-]")
        return refuse("a range that begins with a class");
      return {};
    }
    out_ += in_[at_++];
    return {};
  }

  // A class inside a class adds its members.
  Status inner_class() {
    if (in_.substr(at_, 2) == "[^" || out_.ends_with('-'))
      return refuse("a negated class inside a class, or one in a range");
    ++class_depth_;
    class_start_ = ++at_;
    return {};
  }

  Status copy_posix_class() {
    const std::size_t end = in_.find(":]", at_);
    if (end == std::string_view::npos) return refuse("an open [:");
    const std::string_view name = in_.substr(at_, end + 2 - at_);
    if (name == "[:punct:]")  // Oniguruma's has all symbols, PCRE2's only those of ASCII
      out_ += fmt::format("\\p{{P}}{}\\p{{S}}{}", newer_members_of_property("P"),
                          newer_members_of_property("S"));
    else
      out_ += name;
    at_ = end + 2;
    return {};
  }

  Status outside() {
    const char c = in_[at_];
    if (c == '[') {
      ++class_depth_;
      out_ += in_[at_++];
      if (at_ < in_.size() && in_[at_] == '^') out_ += in_[at_++];
      class_start_ = at_;
      return {};
    }
    // {n,m}+ repeats the interval in Ruby, and makes it possessive in PCRE2.
    if (c == '}' && in_.substr(at_, 2) == "}+") return refuse("+ after an interval");
    if (in_.substr(at_, 3) == "(?m") return refuse("the option (?m)");
    out_ += in_[at_++];
    return {};
  }

  std::string_view in_;
  std::string out_;
  std::size_t at_ = 0;
  std::size_t class_start_ = 0;
  int class_depth_ = 0;
};

}  // namespace

Result<std::string> translate_oniguruma(std::string_view pattern) {
  return Translator(pattern).run();
}

}  // namespace lathe::text
