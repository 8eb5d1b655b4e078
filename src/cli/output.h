// What commands print: tables for people, JSON for programs, numbers that can be read. On standard
// output, which carries data alone.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace lathe::cli {

// The value on lines of its own. Bytes that are not UTF-8 are printed as U+FFFD.
void print_json(const nlohmann::json& value);

// Columns as wide as their widest cell; a table without rows prints the text of `empty` instead.
class Table {
 public:
  explicit Table(std::vector<std::string> header) : header_(std::move(header)) {}
  // REQUIRES: as many cells as the header has.
  void add(std::vector<std::string> cells);
  void print(const std::string& empty) const;

 private:
  std::vector<std::string> header_;
  std::vector<std::vector<std::string>> rows_;
};

// "1.5 MB" (decimal), "5.2 M", "2026-01-31 14:05" (local time).
std::string human_bytes(std::int64_t bytes);
inline std::string human_bytes(std::uint64_t bytes) {
  return human_bytes(static_cast<std::int64_t>(bytes));
}
std::string human_count(std::int64_t count);
std::string human_time(std::int64_t unix_seconds);

// One line of at most width characters; longer text ends in "…".
std::string shortened(const std::string& text, std::size_t width);

}  // namespace lathe::cli
