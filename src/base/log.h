// The program's log: lines with time and level on standard error, or JSON lines. Only messages
// about the program's own running (start, load, request done); errors of a call are returned, not
// logged. Thread-safe.
#pragma once

#include <fmt/format.h>

#include <string_view>

namespace lathe::log {

enum class Level { debug, info, warning, error, off };

// The least level written; info at start. Tests set off.
void set_level(Level level);

void write(Level level, std::string_view message);

template <class... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::info, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void warning(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::warning, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
  write(Level::error, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace lathe::log
