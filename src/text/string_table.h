// Many strings in one stretch of memory, told apart by where each one ends: what vocabularies are
// kept in. A table only looks at the memory, which may be a mapped file that somebody else wrote:
// whatever stands in it, no look-up reads outside.
//
// Immutable; any number of threads may read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace lathe::text {

class StringTable {
 public:
  // No strings.
  StringTable() = default;
  // String i ends before ends[i] and begins where the one before it ends.
  StringTable(std::span<const std::uint32_t> ends, std::string_view bytes)
      : ends_(ends), bytes_(bytes) {}

  std::size_t size() const { return ends_.size(); }
  // Empty for an index that there is not, and where the ends contradict each other.
  std::string_view operator[](std::size_t index) const {
    if (index >= ends_.size()) return {};
    const std::uint32_t begin = index == 0 ? 0 : ends_[index - 1], end = ends_[index];
    if (begin > end || end > bytes_.size()) return {};
    return bytes_.substr(begin, end - begin);
  }
  // Asks for the string's place in memory ahead of its use.
  void prefetch(std::size_t index) const {
    if (index < ends_.size()) __builtin_prefetch(&ends_[index]);
  }

  std::span<const std::uint32_t> ends() const { return ends_; }
  std::string_view bytes() const { return bytes_; }

 private:
  std::span<const std::uint32_t> ends_;
  std::string_view bytes_;
};

// Makes a table and owns it. Not thread-safe.
class StringTableBuilder {
 public:
  StringTableBuilder() = default;
  // All of them. REQUIRES: they are below 4 GiB together.
  explicit StringTableBuilder(std::span<const std::string> strings);

  // Adds a string at the end. Error: limit (4 GiB of strings).
  Status add(std::string_view text);
  // Valid until the next add(), and as long as this object (moves included).
  StringTable table() const { return {ends_, {bytes_.data(), bytes_.size()}}; }

 private:
  std::vector<std::uint32_t> ends_;
  std::vector<char> bytes_;
};

}  // namespace lathe::text
