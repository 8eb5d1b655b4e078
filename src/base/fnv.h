// FNV-1a, 64 bits: a small stable hash for fingerprints that guard against mistakes, not against
// attackers. The same on every machine. Source: draft-eastlake-fnv.
#pragma once

#include <cstdint>
#include <string_view>

namespace lathe {

class Fnv64 {
 public:
  // Plain FNV-1a of the bytes so far.
  void add(std::string_view bytes) {
    for (const char c : bytes) {
      state_ ^= static_cast<unsigned char>(c);
      state_ *= 0x100000001B3u;
    }
  }

  void add(std::uint64_t number) {
    for (int shift = 0; shift < 64; shift += 8) {
      state_ ^= (number >> shift) & 0xFFu;
      state_ *= 0x100000001B3u;
    }
  }

  // Length first, so that neighbouring fields cannot run into each other.
  void add_field(std::string_view bytes) {
    add(std::uint64_t{bytes.size()});
    add(bytes);
  }

  std::uint64_t value() const { return state_; }

 private:
  std::uint64_t state_ = 0xCBF29CE484222325u;
};

}  // namespace lathe
