#include "tensor/dequantize.h"

#include <array>
#include <cstdint>
#include <cstring>

#include "base/half.h"
#include "base/result.h"

namespace lathe::tensor {
namespace {

const std::uint8_t* bytes_at(const std::byte* p) {
  return reinterpret_cast<const std::uint8_t*>(p);
}

float half_at(const std::byte* p) {
  std::uint16_t bits;
  std::memcpy(&bits, p, sizeof bits);
  return f16_to_f32(bits);
}

float signed_at(const std::byte* p) {
  return static_cast<float>(static_cast<std::int8_t>(*bytes_at(p)));
}

// ---- blocks of 32

void q8_0(const std::byte* block, float* out) {
  const float scale = half_at(block);
  for (std::size_t i = 0; i < 32; ++i) out[i] = scale * signed_at(block + 2 + i);
}

// The low and high four bits of byte i are the values i and i + 16.
struct Nibbles {
  int low, high;
};
Nibbles nibbles(std::uint8_t byte) { return {byte & 15, byte >> 4}; }

void q4_0(const std::byte* block, float* out) {
  const float scale = half_at(block);
  const std::uint8_t* packed = bytes_at(block + 2);
  for (std::size_t i = 0; i < 16; ++i) {
    const auto [low, high] = nibbles(packed[i]);
    out[i] = static_cast<float>(low - 8) * scale;
    out[i + 16] = static_cast<float>(high - 8) * scale;
  }
}

void q4_1(const std::byte* block, float* out) {
  const float scale = half_at(block);
  const float least = half_at(block + 2);
  const std::uint8_t* packed = bytes_at(block + 4);
  for (std::size_t i = 0; i < 16; ++i) {
    const auto [low, high] = nibbles(packed[i]);
    out[i] = static_cast<float>(low) * scale + least;
    out[i + 16] = static_cast<float>(high) * scale + least;
  }
}

// Five bits: four as in q4, the fifth of value i is bit i of `fifth`.
Nibbles with_fifth(Nibbles four, std::uint32_t fifth, std::size_t i) {
  const auto bit = [&](std::size_t place) { return static_cast<int>((fifth >> place & 1) << 4); };
  return {four.low | bit(i), four.high | bit(i + 16)};
}

std::uint32_t word_at(const std::byte* p) {
  std::uint32_t word;
  std::memcpy(&word, p, sizeof word);
  return word;
}

void q5_0(const std::byte* block, float* out) {
  const float scale = half_at(block);
  const std::uint32_t fifth = word_at(block + 2);
  const std::uint8_t* packed = bytes_at(block + 6);
  for (std::size_t i = 0; i < 16; ++i) {
    const auto [low, high] = with_fifth(nibbles(packed[i]), fifth, i);
    out[i] = static_cast<float>(low - 16) * scale;
    out[i + 16] = static_cast<float>(high - 16) * scale;
  }
}

void q5_1(const std::byte* block, float* out) {
  const float scale = half_at(block);
  const float least = half_at(block + 2);
  const std::uint32_t fifth = word_at(block + 4);
  const std::uint8_t* packed = bytes_at(block + 8);
  for (std::size_t i = 0; i < 16; ++i) {
    const auto [low, high] = with_fifth(nibbles(packed[i]), fifth, i);
    out[i] = static_cast<float>(low) * scale + least;
    out[i + 16] = static_cast<float>(high) * scale + least;
  }
}

// The sixteen levels of the IQ4 types (kvalues_iq4nl of ggml-common.h).
constexpr std::array<std::int8_t, 16> kLevels = {-127, -104, -83, -65, -49, -35, -22, -10,
                                                 1,    13,   25,  38,  53,  69,  89,  113};

void levels_of_16_bytes(const std::uint8_t* packed, float scale, float* out) {
  for (std::size_t i = 0; i < 16; ++i) {
    const auto [low, high] = nibbles(packed[i]);
    out[i] = scale * static_cast<float>(kLevels[static_cast<std::size_t>(low)]);
    out[i + 16] = scale * static_cast<float>(kLevels[static_cast<std::size_t>(high)]);
  }
}

void iq4_nl(const std::byte* block, float* out) {
  levels_of_16_bytes(bytes_at(block + 2), half_at(block), out);
}

// ---- blocks of 256

void iq4_xs(const std::byte* block, float* out) {
  const float scale = half_at(block);
  std::uint16_t high_bits;
  std::memcpy(&high_bits, block + 2, sizeof high_bits);
  const std::uint8_t* low_bits = bytes_at(block + 4);
  const std::uint8_t* packed = bytes_at(block + 8);
  for (std::size_t group = 0; group < 8; ++group) {
    const int low = low_bits[group / 2] >> (4 * (group % 2)) & 15;
    const int high = (high_bits >> (2 * group) & 3) << 4;
    const float group_scale = scale * static_cast<float>((low | high) - 32);
    levels_of_16_bytes(packed + 16 * group, group_scale, out + 32 * group);
  }
}

// 16 groups of 16 values: a byte holds a group's scale (low four bits) and minimum; two bits a
// value, four values a byte, 32 apart.
void q2_k(const std::byte* block, float* out) {
  const std::uint8_t* scales = bytes_at(block);
  const std::uint8_t* packed = bytes_at(block + 16);
  const float scale = half_at(block + 80);
  const float least = half_at(block + 82);
  for (std::size_t group = 0; group < 16; ++group) {
    const auto [s, m] = nibbles(scales[group]);
    const float step = scale * static_cast<float>(s);
    const float offset = least * static_cast<float>(m);
    const std::uint8_t* q = packed + 32 * (group / 8) + 16 * (group % 2);
    const std::size_t shift = 2 * (group % 8 / 2);
    for (std::size_t i = 0; i < 16; ++i) {
      out[16 * group + i] = step * static_cast<float>(q[i] >> shift & 3) - offset;
    }
  }
}

// The scale of a group of q3_K: four low bits in the first eight bytes, two high ones in the last
// four.
int q3_k_scale(const std::uint8_t* scales, std::size_t group) {
  const int low = scales[group % 8] >> (4 * (group / 8)) & 15;
  const int high = scales[8 + group % 4] >> (2 * (group / 4)) & 3;
  return (low | high << 4) - 32;
}

void q3_k(const std::byte* block, float* out) {
  const std::uint8_t* high_bits = bytes_at(block);
  const std::uint8_t* packed = bytes_at(block + 32);
  const std::uint8_t* scales = bytes_at(block + 96);
  const float scale = half_at(block + 108);
  for (std::size_t group = 0; group < 16; ++group) {
    const float step = scale * static_cast<float>(q3_k_scale(scales, group));
    const std::size_t column = 16 * (group % 2);
    const std::uint8_t* q = packed + 32 * (group / 8) + column;
    const std::size_t shift = 2 * (group % 8 / 2);
    for (std::size_t i = 0; i < 16; ++i) {
      const int high = high_bits[column + i] >> (group / 2) & 1;
      out[16 * group + i] = step * static_cast<float>((q[i] >> shift & 3) - (high != 0 ? 0 : 4));
    }
  }
}

// Scale and minimum of one of the eight groups of q4_K and q5_K, six bits each in twelve bytes.
struct ScaleAndMinimum {
  float scale, minimum;
};
ScaleAndMinimum k4_scale(const std::uint8_t* s, std::size_t group) {
  if (group < 4) {
    return {static_cast<float>(s[group] & 63), static_cast<float>(s[group + 4] & 63)};
  }
  return {static_cast<float>((s[group + 4] & 15) | (s[group - 4] >> 6 << 4)),
          static_cast<float>((s[group + 4] >> 4) | (s[group] >> 6 << 4))};
}

void q4_k(const std::byte* block, float* out) {
  const float scale = half_at(block);
  const float least = half_at(block + 2);
  const std::uint8_t* packed = bytes_at(block + 16);
  for (std::size_t group = 0; group < 8; ++group) {
    const auto [s, m] = k4_scale(bytes_at(block + 4), group);
    const float step = scale * s;
    const float offset = least * m;
    const std::uint8_t* q = packed + 32 * (group / 2);
    for (std::size_t i = 0; i < 32; ++i) {
      const auto [low, high] = nibbles(q[i]);
      out[32 * group + i] = step * static_cast<float>(group % 2 == 0 ? low : high) - offset;
    }
  }
}

void q5_k(const std::byte* block, float* out) {
  const float scale = half_at(block);
  const float least = half_at(block + 2);
  const std::uint8_t* fifth = bytes_at(block + 16);
  const std::uint8_t* packed = bytes_at(block + 48);
  for (std::size_t group = 0; group < 8; ++group) {
    const auto [s, m] = k4_scale(bytes_at(block + 4), group);
    const float step = scale * s;
    const float offset = least * m;
    const std::uint8_t* q = packed + 32 * (group / 2);
    for (std::size_t i = 0; i < 32; ++i) {
      const auto [low, high] = nibbles(q[i]);
      const int value = (group % 2 == 0 ? low : high) | (fifth[i] >> group & 1) << 4;
      out[32 * group + i] = step * static_cast<float>(value) - offset;
    }
  }
}

// Two halves of 128 values; in each, 64 bytes hold the low four bits of values i and i + 64, and 32
// bytes the high two bits of values i, i + 32, i + 64 and i + 96.
void q6_k(const std::byte* block, float* out) {
  const float scale = half_at(block + 208);
  for (std::size_t i = 0; i < 256; ++i) {
    const std::size_t half = i / 128;
    const std::size_t place = i % 128;
    const std::uint8_t four = bytes_at(block)[64 * half + place % 64];
    const int low = place < 64 ? four & 15 : four >> 4;
    const int high = bytes_at(block + 128)[32 * half + place % 32] >> (2 * (place / 32)) & 3;
    const float step = scale * signed_at(block + 192 + i / 16);
    out[i] = step * static_cast<float>((low | high << 4) - 32);
  }
}

}  // namespace

DequantizeBlock dequantize_block(DType dtype) {
  switch (dtype) {
    case DType::q8_0:
      return q8_0;
    case DType::q4_0:
      return q4_0;
    case DType::q4_1:
      return q4_1;
    case DType::q5_0:
      return q5_0;
    case DType::q5_1:
      return q5_1;
    case DType::q2_k:
      return q2_k;
    case DType::q3_k:
      return q3_k;
    case DType::q4_k:
      return q4_k;
    case DType::q5_k:
      return q5_k;
    case DType::q6_k:
      return q6_k;
    case DType::iq4_nl:
      return iq4_nl;
    case DType::iq4_xs:
      return iq4_xs;
    default:
      return nullptr;
  }
}

void dequantize(DType dtype, std::span<const std::byte> bytes, std::span<float> out) {
  const DequantizeBlock block = dequantize_block(dtype);
  LATHE_ASSERT(block != nullptr && byte_size(dtype, out.size()) == bytes.size());
  const std::size_t elements = block_elements(dtype);
  const std::size_t size = block_bytes(dtype);
  for (std::size_t i = 0; i * elements < out.size(); ++i) {
    block(bytes.data() + i * size, out.data() + i * elements);
  }
}

}  // namespace lathe::tensor
