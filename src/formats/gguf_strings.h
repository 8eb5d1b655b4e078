// A list of strings as GGUF has it: each with its length (u64) in front, one after the other.
// Vocabularies have hundreds of thousands of them, which stay where they lie: the list keeps the
// file that it is of mapped, or owns its bytes. Copies share them.
//
// Immutable; any number of threads may read.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lathe::formats {

class GgufStrings {
 public:
  // Goes through the list from its first string on.
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = std::string_view;
    using difference_type = std::ptrdiff_t;

    Iterator() = default;
    explicit Iterator(const std::byte* at) : at_(at) {}
    std::string_view operator*() const {
      return {reinterpret_cast<const char*>(at_ + sizeof(std::uint64_t)), length()};
    }
    Iterator& operator++() {
      at_ += sizeof(std::uint64_t) + length();
      return *this;
    }
    Iterator operator++(int) {
      const Iterator before = *this;
      ++*this;
      return before;
    }
    bool operator==(const Iterator&) const = default;

   private:
    std::size_t length() const {
      std::uint64_t length;
      std::memcpy(&length, at_, sizeof length);
      return length;
    }
    const std::byte* at_ = nullptr;
  };

  GgufStrings() = default;
  GgufStrings(const std::vector<std::string>& strings);
  // Those that lie in `bytes`, which `owner` keeps; without an owner they are copied.
  // REQUIRES: the bytes are `count` strings and no more.
  GgufStrings(std::span<const std::byte> bytes, std::size_t count,
              std::shared_ptr<const void> owner);

  std::size_t size() const { return count_; }
  bool empty() const { return count_ == 0; }
  Iterator begin() const { return Iterator(bytes_.data()); }
  Iterator end() const { return Iterator(bytes_.data() + bytes_.size()); }
  // As they lie in a file.
  std::span<const std::byte> bytes() const { return bytes_; }
  // The same strings in the same order.
  friend bool operator==(const GgufStrings& a, const GgufStrings& b) {
    return a.count_ == b.count_ && std::ranges::equal(a.bytes_, b.bytes_);
  }

 private:
  void own(std::vector<std::byte> bytes);

  std::span<const std::byte> bytes_;
  std::size_t count_ = 0;
  std::shared_ptr<const void> owner_;
};

}  // namespace lathe::formats
