#include "os/system_text.h"

#include <algorithm>
#include <charconv>
#include <fstream>

namespace lathe::os {
namespace {

constexpr std::size_t kMostBytes = std::size_t{1} << 16;
constexpr std::size_t kMostProcessors = std::size_t{1} << 16;

// "3" or "3-7".
bool add_range(std::string_view range, std::vector<std::size_t>& processors) {
  const std::size_t dash = range.find('-');
  const auto first = parse_number(range.substr(0, dash));
  const auto last = dash == range.npos ? first : parse_number(range.substr(dash + 1));
  if (!first || !last || *first > *last || *last >= kMostProcessors) return false;
  for (std::size_t i = *first; i <= *last; ++i) processors.push_back(i);
  return processors.size() <= kMostProcessors;
}

}  // namespace

std::optional<std::string> system_text(const Path& path) {
  std::ifstream file(path);
  std::string text(kMostBytes, '\0');
  if (!file.is_open()) return {};
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  text.resize(text.find_last_not_of(" \t\n") + 1);
  return text;
}

std::optional<std::size_t> parse_number(std::string_view text) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  return value;
}

std::optional<std::vector<std::size_t>> parse_processors(std::string_view text) {
  std::vector<std::size_t> processors;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    if (!add_range(text.substr(0, comma), processors) || comma + 1 == text.size()) return {};
    text = comma == text.npos ? std::string_view() : text.substr(comma + 1);
  }
  std::sort(processors.begin(), processors.end());
  processors.erase(std::unique(processors.begin(), processors.end()), processors.end());
  return processors;
}

}  // namespace lathe::os
