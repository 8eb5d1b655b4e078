// The bytes of a packed file's frame as they lie there, little-endian, for its reader and its
// writer. docs/packed.md has the offsets.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/fnv.h"

namespace lathe::formats::packed {

inline constexpr char kMagic[] = "lathepkd";  // 8 bytes without the zero

// Where the file begins; zeros follow until the first page after it.
struct Head {
  char magic[8] = {};
  std::uint32_t version = 0;
  std::uint32_t reserved = 0;
};
static_assert(sizeof(Head) == 16);

// One matrix in the directory; its name follows.
struct Entry {
  std::uint64_t offset = 0;  // from the file's start
  std::uint64_t bytes = 0;
  std::uint64_t rows = 0;
  std::uint64_t columns = 0;
  std::uint64_t hash = 0;
  std::uint8_t form = 0;
  std::uint8_t bits = 0;
  std::uint8_t zero = 0;
  std::uint8_t reserved = 0;
  std::uint32_t name_bytes = 0;
};
static_assert(sizeof(Entry) == 48);

// The end of the file, behind the directory: what is written last, so that a torn file lacks it.
struct Tail {
  std::uint64_t file_bytes = 0;
  std::uint64_t directory_bytes = 0;
  std::uint64_t count = 0;  // of matrices
  std::uint64_t source = 0;
  std::int64_t sealed = 0;
  std::uint64_t directory_hash = 0;
  std::uint64_t reserved = 0;
  char magic[8] = {};
};
static_assert(sizeof(Tail) == 64);

// Of the directory and of the tail's other fields.
inline std::uint64_t hash_of(std::span<const std::byte> directory, const Tail& tail) {
  Fnv64 hash;
  hash.add(std::string_view(reinterpret_cast<const char*>(directory.data()), directory.size()));
  for (const std::uint64_t field : {tail.file_bytes, tail.directory_bytes, tail.count, tail.source,
                                    static_cast<std::uint64_t>(tail.sealed), tail.reserved})
    hash.add(field);
  return hash.value();
}

}  // namespace lathe::formats::packed
