#include "tensor/quant_parts.h"

#include <cstring>

#include "base/result.h"

namespace lathe::tensor {
namespace {

using BlockBytes = const std::uint8_t*;

std::uint16_t word_at(BlockBytes p) {
  std::uint16_t word;
  std::memcpy(&word, p, sizeof word);
  return word;
}

std::uint8_t byte(int value) { return static_cast<std::uint8_t>(value); }
std::int8_t small(int value) { return static_cast<std::int8_t>(value); }

// ---- blocks of 32

// The low and high four bits of byte i are the values i and i + 16.
void nibbles(BlockBytes packed, std::uint8_t* out) {
  for (std::size_t i = 0; i < 16; ++i) {
    out[i] = packed[i] & 15;
    out[i + 16] = packed[i] >> 4;
  }
}

void q8_0(BlockBytes b, QuantParts& out) {
  out.d = word_at(b);
  for (std::size_t i = 0; i < 32; ++i) out.values[i] = b[2 + i] ^ 128;
}

void q4_0(BlockBytes b, QuantParts& out) {
  out.d = word_at(b);
  nibbles(b + 2, out.values.data());
}

void q4_1(BlockBytes b, QuantParts& out) {
  out.d = word_at(b);
  out.m = word_at(b + 2);
  nibbles(b + 4, out.values.data());
}

// Five bits: four as in q4, the fifth of value i is bit i of four bytes.
void fives(BlockBytes fifth, BlockBytes packed, std::uint8_t* out) {
  nibbles(packed, out);
  for (std::size_t i = 0; i < 32; ++i) out[i] |= byte((fifth[i / 8] >> (i % 8) & 1) << 4);
}

void q5_0(BlockBytes b, QuantParts& out) {
  out.d = word_at(b);
  fives(b + 2, b + 6, out.values.data());
}

void q5_1(BlockBytes b, QuantParts& out) {
  out.d = word_at(b);
  out.m = word_at(b + 2);
  fives(b + 4, b + 8, out.values.data());
}

// The sixteen levels of the IQ4 types (kvalues_iq4nl of ggml-common.h).
constexpr std::array<int, 16> kLevels = {-127, -104, -83, -65, -49, -35, -22, -10,
                                         1,    13,   25,  38,  53,  69,  89,  113};

void levels(BlockBytes packed, std::uint8_t* out) {
  nibbles(packed, out);
  for (std::size_t i = 0; i < 32; ++i) out[i] = byte(kLevels[out[i]] + 128);
}

void iq4_nl(BlockBytes b, QuantParts& out) {
  out.d = word_at(b);
  levels(b + 2, out.values.data());
}

// ---- blocks of 256

void iq4_xs(BlockBytes b, QuantParts& out) {
  out.d = word_at(b);
  const unsigned high_bits = word_at(b + 2);
  for (std::size_t group = 0; group < 8; ++group) {
    const unsigned low = b[4 + group / 2] >> (4 * (group % 2)) & 15u;
    const unsigned high = (high_bits >> (2 * group) & 3) << 4;
    out.s[group] = small(static_cast<int>(low | high) - 32);
    levels(b + 8 + 16 * group, out.values.data() + 32 * group);
  }
}

// Two bits a value, four values a byte, 32 apart; 64 bytes hold all 256.
unsigned two_bits(BlockBytes packed, std::size_t i) {
  const std::size_t half = i / 128, place = i % 128;
  return packed[32 * half + place % 32] >> (2 * (place / 32)) & 3u;
}

// 16 groups of 16 values: a byte holds a group's scale (low four bits) and minimum.
void q2_k(BlockBytes b, QuantParts& out) {
  out.d = word_at(b + 80);
  out.m = word_at(b + 82);
  for (std::size_t group = 0; group < 16; ++group) {
    out.s[group] = small(b[group] & 15);
    out.t[group] = small(b[group] >> 4);
  }
  for (std::size_t i = 0; i < 256; ++i) out.values[i] = byte(static_cast<int>(two_bits(b + 16, i)));
}

// The scale of a group of q3_K: four low bits in the first eight bytes, two high ones in the last
// four. The third bit of value i is bit i / 32 of byte i % 32.
void q3_k(BlockBytes b, QuantParts& out) {
  const BlockBytes scales = b + 96;
  out.d = word_at(b + 108);
  for (std::size_t group = 0; group < 16; ++group) {
    const int low = scales[group % 8] >> (4 * (group / 8)) & 15;
    const int high = scales[8 + group % 4] >> (2 * (group / 4)) & 3;
    out.s[group] = small((low | high << 4) - 32);
  }
  for (std::size_t i = 0; i < 256; ++i) {
    const unsigned high = b[i % 32] >> (i / 32) & 1u;
    out.values[i] = byte(static_cast<int>(two_bits(b + 32, i) | high << 2));
  }
}

// Scale and minimum of the eight groups of q4_K and q5_K, six bits each in twelve bytes.
void k4_scales(BlockBytes packed, QuantParts& out) {
  for (std::size_t group = 0; group < 4; ++group) {
    out.s[group] = small(packed[group] & 63);
    out.t[group] = small(packed[group + 4] & 63);
    out.s[group + 4] = small((packed[group + 8] & 15) | (packed[group] >> 6 << 4));
    out.t[group + 4] = small((packed[group + 8] >> 4) | (packed[group + 4] >> 6 << 4));
  }
}

// The low halves of 32 bytes are one group's values, the high halves the next one's.
void k4_nibbles(BlockBytes packed, std::uint8_t* out) {
  for (std::size_t i = 0; i < 256; ++i)
    out[i] = packed[32 * (i / 64) + i % 32] >> (i % 64 < 32 ? 0 : 4) & 15;
}

void q4_k(BlockBytes b, QuantParts& out) {
  out.d = word_at(b);
  out.m = word_at(b + 2);
  k4_scales(b + 4, out);
  k4_nibbles(b + 16, out.values.data());
}

void q5_k(BlockBytes b, QuantParts& out) {
  out.d = word_at(b);
  out.m = word_at(b + 2);
  k4_scales(b + 4, out);
  k4_nibbles(b + 48, out.values.data());
  for (std::size_t i = 0; i < 256; ++i)
    out.values[i] |= byte((b[16 + i % 32] >> (i / 32) & 1) << 4);
}

// Two halves of 128 values; in each, 64 bytes hold the low four bits of values i and i + 64, and 32
// bytes the high two bits of values i, i + 32, i + 64 and i + 96.
void q6_k(BlockBytes b, QuantParts& out) {
  out.d = word_at(b + 208);
  std::memcpy(out.s.data(), b + 192, 16);
  for (std::size_t i = 0; i < 256; ++i) {
    const std::size_t half = i / 128, place = i % 128;
    const unsigned low = b[64 * half + place % 64] >> (place < 64 ? 0 : 4) & 15u;
    out.values[i] = byte(static_cast<int>(low | two_bits(b + 128, i) << 4));
  }
}

struct QuantType {
  QuantLayout layout;
  void (*take_apart)(BlockBytes block, QuantParts& out) = nullptr;
};

QuantType quant_type(DType dtype) {
  switch (dtype) {
    case DType::q8_0:
      return {{8, 128, 32, false, false}, q8_0};
    case DType::q4_0:
      return {{4, 8, 32, false, false}, q4_0};
    case DType::q4_1:
      return {{4, 0, 32, true, false}, q4_1};
    case DType::q5_0:
      return {{5, 16, 32, false, false}, q5_0};
    case DType::q5_1:
      return {{5, 0, 32, true, false}, q5_1};
    case DType::iq4_nl:
      return {{8, 128, 32, false, false}, iq4_nl};
    case DType::q2_k:
      return {{4, 0, 16, true, true}, q2_k};
    case DType::q3_k:
      return {{4, 4, 16, false, true}, q3_k};
    case DType::q4_k:
      return {{4, 0, 32, true, true}, q4_k};
    case DType::q5_k:
      return {{5, 0, 32, true, true}, q5_k};
    case DType::q6_k:
      return {{6, 32, 16, false, true}, q6_k};
    case DType::iq4_xs:
      return {{8, 128, 32, false, true}, iq4_xs};
    default:
      return {};
  }
}

}  // namespace

QuantLayout quant_layout(DType dtype) { return quant_type(dtype).layout; }

void take_apart(DType dtype, const std::byte* block, QuantParts& out) {
  const QuantType type = quant_type(dtype);
  LATHE_ASSERT(type.take_apart != nullptr);
  type.take_apart(reinterpret_cast<BlockBytes>(block), out);
}

}  // namespace lathe::tensor
