#include "decode/stop_strings.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace lathe::decode {

Status check_stop_strings(std::span<const std::string> stops) {
  if (stops.size() > kMaxStopStrings) {
    return Error::limit(
               fmt::format("{} stop strings; at most {} may be", stops.size(), kMaxStopStrings))
        .at("stop");
  }
  for (const std::string& stop : stops) {
    if (stop.empty()) {
      return Error::bad_input("a stop string is empty").at("stop").fix_with("leave it out");
    }
    if (stop.size() > kMaxStopBytes) {
      return Error::limit(fmt::format("a stop string has {} bytes; at most {} may be", stop.size(),
                                      kMaxStopBytes))
          .at("stop");
    }
  }
  return {};
}

StopStrings::StopStrings(std::span<const std::string> stops) {
  for (const std::string& stop : stops) {
    Matcher matcher{stop, std::vector<std::size_t>(stop.size(), 0), 0};
    for (std::size_t i = 1, length = 0; i < stop.size(); ++i) {
      while (length > 0 && stop[i] != stop[length]) length = matcher.border[length - 1];
      if (stop[i] == stop[length]) ++length;
      matcher.border[i] = length;
    }
    matchers_.push_back(std::move(matcher));
  }
}

void StopStrings::Matcher::step(char c) {
  while (matched > 0 && stop[matched] != c) matched = border[matched - 1];
  if (stop[matched] == c) ++matched;
}

std::string StopStrings::push(std::string_view piece) {
  LATHE_ASSERT(!found_);
  for (const char c : piece) {
    held_.push_back(c);
    std::size_t longest = 0;
    for (Matcher& matcher : matchers_) {
      matcher.step(c);
      if (matcher.matched == matcher.stop.size()) longest = std::max(longest, matcher.matched);
    }
    if (longest == 0) continue;
    found_ = true;
    held_.resize(held_.size() - longest);
    return std::exchange(held_, {});
  }
  std::size_t undecided = 0;
  for (const Matcher& matcher : matchers_) undecided = std::max(undecided, matcher.matched);
  std::string decided = held_.substr(0, held_.size() - undecided);
  held_.erase(0, decided.size());
  return decided;
}

std::string StopStrings::flush() {
  for (Matcher& matcher : matchers_) matcher.matched = 0;
  return std::exchange(held_, {});
}

}  // namespace lathe::decode
