// Finds stop strings in a text that comes in pieces, wherever the pieces break, and never lets out
// a character that may still turn out to belong to one.
//
// The stop string that is complete first ends the text; of several complete at the same character,
// the longest. The result does not depend on how the text is cut into pieces. Time: the text's
// length times the number of stop strings (Knuth, Morris, Pratt 1977).
//
// Not thread-safe.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace lathe::decode {

inline constexpr std::size_t kMaxStopStrings = 16;
inline constexpr std::size_t kMaxStopBytes = 1024;  // of one stop string

// Errors: bad_input or limit for an empty or overlong string, or too many.
Status check_stop_strings(std::span<const std::string> stops);

class StopStrings {
 public:
  // REQUIRES: check_stop_strings() passed.
  explicit StopStrings(std::span<const std::string> stops);

  // The text that is decided by now. REQUIRES: !found().
  std::string push(std::string_view piece);
  // The text is over: what was held back. Empty when a stop string was found.
  std::string flush();
  // A stop string was found; the text before it has been returned, it and the rest is dropped.
  bool found() const { return found_; }

 private:
  struct Matcher {
    std::string stop;
    std::vector<std::size_t> border;  // [i]: length of the longest border of stop's first i + 1
    std::size_t matched = 0;          // bytes of stop that the text so far ends with
    void step(char c);
  };
  std::vector<Matcher> matchers_;
  std::string held_;  // not yet decided
  bool found_ = false;
};

}  // namespace lathe::decode
