#include "tensor/quantize.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "base/half.h"
#include "base/result.h"
#include "tensor/quantize_search.h"

namespace lathe::tensor {
namespace {

void put_half(std::byte* p, float value) {
  const std::uint16_t bits = f32_to_f16(value);
  std::memcpy(p, &bits, sizeof bits);
}

// The value as a reader of the block will see it.
float as_half(float value) { return f16_to_f32(f32_to_f16(value)); }

int rounded(float x, int least, int most) {
  return static_cast<int>(nearest(x, static_cast<float>(least), static_cast<float>(most)));
}

// The value of largest magnitude, with its sign.
float extreme(Values x) {
  float found = 0;
  for (const float v : x) {
    if (std::fabs(v) > std::fabs(found)) found = v;
  }
  return found;
}

// ---- blocks of 32

void q8_0(Values x, std::byte* block) {
  const float scale = std::fabs(extreme(x)) / 127.0f;
  const float by = inverse(scale);
  put_half(block, scale);
  for (std::size_t i = 0; i < 32; ++i)
    block[2 + i] = static_cast<std::byte>(static_cast<std::int8_t>(std::lround(x[i] * by)));
}

// The extreme value becomes -8, so that one of the sixteen levels is not wasted on its opposite.
void q4_0(Values x, std::byte* block) {
  const float scale = extreme(x) / -8.0f;
  const float by = inverse(scale);
  put_half(block, scale);
  const auto level = [&](float v) { return std::min(15, static_cast<int>(v * by + 8.5f)); };
  for (std::size_t i = 0; i < 16; ++i)
    block[2 + i] = static_cast<std::byte>(level(x[i]) | level(x[i + 16]) << 4);
}

// ---- blocks of 256

// Six bits each of eight scales and eight offsets, in twelve bytes.
void pack_six_bits(const std::array<int, 8>& scales, const std::array<int, 8>& offsets,
                   std::byte* out) {
  for (std::size_t i = 0; i < 4; ++i) {
    out[i] = static_cast<std::byte>(scales[i] | scales[i + 4] >> 4 << 6);
    out[i + 4] = static_cast<std::byte>(offsets[i] | offsets[i + 4] >> 4 << 6);
    out[i + 8] = static_cast<std::byte>((scales[i + 4] & 15) | (offsets[i + 4] & 15) << 4);
  }
}

// One step of a small integer, to either side and within its bounds.
struct Near {
  Near(int at, int least, int most)
      : first(std::max(at - 1, least)), last(std::min(at + 1, most)) {}
  int first, last;
};

// A group's scale and offset in units of the block's.
struct SmallAffine {
  int scale = 0;
  int offset = 0;
};

// Rounding the two apart from each other is not best: the pairs beside it are tried too.
SmallAffine best_small(Values x, Values weights, const Affine& wanted, const Affine& unit) {
  const Near scales(rounded(wanted.scale * inverse(unit.scale), 0, 63), 0, 63);
  const Near offsets(rounded(wanted.offset * inverse(unit.offset), 0, 63), 0, 63);
  SmallAffine best;
  float least = -1;
  for (int scale = scales.first; scale <= scales.last; ++scale) {
    for (int offset = offsets.first; offset <= offsets.last; ++offset) {
      const Affine tried{unit.scale * static_cast<float>(scale),
                         unit.offset * static_cast<float>(offset)};
      const float error = error_of(x, weights, tried, 15);
      if (least >= 0 && error >= least) continue;
      least = error;
      best = {scale, offset};
    }
  }
  return best;
}

void q4_k(Values x, std::byte* block) {
  std::array<float, 256> weights;
  std::array<Affine, 8> groups;
  Affine largest;
  for (std::size_t g = 0; g < 8; ++g) {
    const std::span<float> of_group = std::span(weights).subspan(32 * g, 32);
    fill_weights(x.subspan(32 * g, 32), of_group);
    groups[g] = best_affine(x.subspan(32 * g, 32), of_group, 15);
    largest.scale = std::max(largest.scale, groups[g].scale);
    largest.offset = std::max(largest.offset, groups[g].offset);
  }
  const Affine unit{as_half(largest.scale / 63.0f), as_half(largest.offset / 63.0f)};
  put_half(block, unit.scale);
  put_half(block + 2, unit.offset);
  std::array<int, 8> scales{}, offsets{};
  for (std::size_t g = 0; g < 8; ++g) {
    const SmallAffine small =
        best_small(x.subspan(32 * g, 32), std::span(weights).subspan(32 * g, 32), groups[g], unit);
    scales[g] = small.scale;
    offsets[g] = small.offset;
  }
  pack_six_bits(scales, offsets, block + 4);
  for (std::size_t g = 0; g < 8; ++g) {
    const float by = inverse(unit.scale * static_cast<float>(scales[g]));
    const float offset = unit.offset * static_cast<float>(offsets[g]);
    std::byte* out = block + 16 + 32 * (g / 2);
    for (std::size_t i = 0; i < 32; ++i) {
      const int q = rounded((x[32 * g + i] + offset) * by, 0, 15);
      out[i] = g % 2 == 0 ? static_cast<std::byte>(q) : out[i] | static_cast<std::byte>(q << 4);
    }
  }
}

// Stores value i of the block, from 0 to 63, where dequantize.cc's q6_k looks for it.
void put_six_bits(std::byte* block, std::size_t i, int value) {
  const std::size_t half = i / 128;
  const std::size_t place = i % 128;
  block[64 * half + place % 64] |= static_cast<std::byte>((value & 15) << (place < 64 ? 0 : 4));
  block[128 + 32 * half + place % 32] |= static_cast<std::byte>((value >> 4) << (2 * (place / 32)));
}

int best_small(Values x, float wanted, float unit) {
  const Near near(rounded(wanted * inverse(unit), -128, 127), -128, 127);
  int best = near.first;
  float least = -1;
  for (int small = near.first; small <= near.last; ++small) {
    const float error = error_of_scale(x, unit * static_cast<float>(small), 32);
    if (least >= 0 && error >= least) continue;
    least = error;
    best = small;
  }
  return best;
}

void q6_k(Values x, std::byte* block) {
  std::memset(block, 0, 192);
  std::array<float, 16> scales;
  for (std::size_t g = 0; g < 16; ++g) scales[g] = best_scale(x.subspan(16 * g, 16), 32);
  const float unit = as_half(extreme(scales) / -128.0f);
  put_half(block + 208, unit);
  for (std::size_t g = 0; g < 16; ++g) {
    const int small = best_small(x.subspan(16 * g, 16), scales[g], unit);
    block[192 + g] = static_cast<std::byte>(static_cast<std::int8_t>(small));
    const float by = inverse(unit * static_cast<float>(small));
    for (std::size_t i = 16 * g; i < 16 * (g + 1); ++i)
      put_six_bits(block, i, rounded(x[i] * by, -32, 31) + 32);
  }
}

using QuantizeBlock = void (*)(Values x, std::byte* block);

QuantizeBlock quantizer(DType dtype) {
  switch (dtype) {
    case DType::q8_0:
      return q8_0;
    case DType::q4_0:
      return q4_0;
    case DType::q4_k:
      return q4_k;
    case DType::q6_k:
      return q6_k;
    default:
      return nullptr;
  }
}

}  // namespace

bool can_quantize(DType dtype) { return quantizer(dtype) != nullptr; }

std::vector<std::byte> quantize(DType dtype, std::span<const float> values) {
  const QuantizeBlock make = quantizer(dtype);
  LATHE_ASSERT(make != nullptr && values.size() % block_elements(dtype) == 0);
  const std::size_t elements = block_elements(dtype);
  const std::size_t size = block_bytes(dtype);
  std::vector<std::byte> out(values.size() / elements * size);
  for (std::size_t i = 0; i < values.size() / elements; ++i)
    make(values.subspan(i * elements, elements), out.data() + i * size);
  return out;
}

}  // namespace lathe::tensor
