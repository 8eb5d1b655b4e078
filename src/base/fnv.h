// FNV-1a, 64 bits: a small stable hash for fingerprints that guard against mistakes, not against
// attackers. The same on every machine. Source: draft-eastlake-fnv.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
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

// A hash of many bytes at the speed of memory: eight chains of FNV-1a over words of 64 bits, little
// end first, then the chains, the bytes that are no whole round, and the size as Fnv64 takes them.
// Any change of one word changes it.
inline std::uint64_t fnv64_of_words(std::span<const std::byte> bytes) {
  constexpr std::size_t kChains = 8;
  std::array<std::uint64_t, kChains> chains, words;
  for (std::size_t i = 0; i < kChains; ++i) chains[i] = 0xCBF29CE484222325u + i;
  std::size_t done = 0;
  for (; bytes.size() - done >= sizeof words; done += sizeof words) {
    std::memcpy(words.data(), bytes.data() + done, sizeof words);
    for (std::size_t i = 0; i < kChains; ++i) chains[i] = (chains[i] ^ words[i]) * 0x100000001B3u;
  }
  Fnv64 whole;
  for (const std::uint64_t chain : chains) whole.add(chain);
  whole.add(
      std::string_view(reinterpret_cast<const char*>(bytes.data()) + done, bytes.size() - done));
  whole.add(std::uint64_t{bytes.size()});
  return whole.value();
}

}  // namespace lathe
