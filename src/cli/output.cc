#include "cli/output.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/result.h"

namespace lathe::cli {
namespace {

// Characters, as far as code points are characters.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string human(double value, double step, std::vector<const char*> units) {
  std::size_t unit = 0;
  while (value >= step && unit + 1 < units.size()) {
    value /= step;
    ++unit;
  }
  return unit == 0 ? fmt::format("{:.0f}{}", value, units[0])
                   : fmt::format("{:.1f}{}", value, units[unit]);
}

}  // namespace

void print_json(const nlohmann::json& value) {
  fmt::print("{}\n", value.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
}

void Table::add(std::vector<std::string> cells) {
  LATHE_ASSERT(cells.size() == header_.size());
  rows_.push_back(std::move(cells));
}

void Table::print(const std::string& empty) const {
  if (rows_.empty()) {
    fmt::print("{}\n", empty);
    return;
  }
  std::vector<std::size_t> widths;
  for (std::size_t column = 0; column < header_.size(); ++column) {
    widths.push_back(width_of(header_[column]));
    for (const auto& row : rows_) widths[column] = std::max(widths[column], width_of(row[column]));
  }
  const auto print_row = [&](const std::vector<std::string>& cells) {
    std::string line;
    for (std::size_t column = 0; column < cells.size(); ++column) {
      if (column > 0) line += std::string(2, ' ');
      line += cells[column];
      if (column + 1 < cells.size()) {
        line += std::string(widths[column] - width_of(cells[column]), ' ');
      }
    }
    fmt::print("{}\n", line);
  };
  print_row(header_);
  for (const auto& row : rows_) print_row(row);
}

std::string human_bytes(std::int64_t bytes) {
  return human(static_cast<double>(bytes), 1000, {" B", " KB", " MB", " GB", " TB"});
}

std::string human_count(std::int64_t count) {
  return human(static_cast<double>(count), 1000, {"", " K", " M", " B", " T"});
}

std::string human_time(std::int64_t unix_seconds) {
  return fmt::format("{:%Y-%m-%d %H:%M}", fmt::localtime(static_cast<std::time_t>(unix_seconds)));
}

std::string shortened(const std::string& text, std::size_t width) {
  std::string line = text;
  std::replace_if(
      line.begin(), line.end(), [](unsigned char c) { return c < 0x20; }, ' ');
  if (width_of(line) <= width) return line;
  std::size_t end = 0;
  for (std::size_t characters = 0; characters + 1 < width; ++characters) {
    do {
      ++end;
    } while ((line[end] & 0xC0) == 0x80);
  }
  return line.substr(0, end) + "…";
}

}  // namespace lathe::cli
