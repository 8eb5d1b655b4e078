#include "cli/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace lathe::cli {

ProgressLine::ProgressLine(const os::Clock& clock, double every)
    : clock_(clock), every_(every), terminal_(::isatty(STDERR_FILENO) != 0) {}

ProgressLine::~ProgressLine() {
  if (open_) std::fputc('\n', stderr);
}

void ProgressLine::show(const std::string& text, bool last) {
  const double interval = terminal_ ? 0.1 : every_;
  if (!last && clock_.seconds() - shown_ < interval) return;
  shown_ = clock_.seconds();
  if (terminal_) {
    fmt::print(stderr, "\r\x1b[K{}", text);
    open_ = true;
  } else {
    fmt::print(stderr, "{}\n", text);
  }
  std::fflush(stderr);
}

void ProgressLine::say(const std::string& text) {
  if (open_) fmt::print(stderr, "\r\x1b[K");
  open_ = false;
  fmt::print(stderr, "{}\n", text);
}

std::string duration(double seconds) {
  const auto s = static_cast<long>(std::llround(std::max(0.0, seconds)));
  if (s >= 3600) return fmt::format("{} h {:02} min", s / 3600, s % 3600 / 60);
  if (s >= 60) return fmt::format("{} min {:02} s", s / 60, s % 60);
  return fmt::format("{} s", s);
}

}  // namespace lathe::cli
