#include "tensor/quantize.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "base/half.h"
#include "base/result.h"

namespace lathe::tensor {
namespace {

using Values = std::span<const float>;

void put_half(std::byte* p, float value) {
  const std::uint16_t bits = f32_to_f16(value);
  std::memcpy(p, &bits, sizeof bits);
}

// The value as a reader of the block will see it.
float as_half(float value) { return f16_to_f32(f32_to_f16(value)); }

float inverse(float x) { return x != 0 ? 1.0f / x : 0.0f; }

int rounded(float x, int least, int most) {
  return std::clamp(static_cast<int>(std::lrint(x)), least, most);
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

// ---- groups of the K types

// x ~ scale * q - offset, with q from 0 to most; offset is not negative.
struct Affine {
  float scale = 0;
  float offset = 0;
};

double error_of(Values x, Values weights, const Affine& a, int most) {
  const float by = inverse(a.scale);
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const auto q = static_cast<float>(rounded((x[i] + a.offset) * by, 0, most));
    const double miss = static_cast<double>(a.scale * q - a.offset - x[i]);
    sum += static_cast<double>(weights[i]) * miss * miss;
  }
  return sum;
}

// The scale and offset that suit best the integers that `a` rounds x to: weighted least squares.
Affine refit(Values x, Values weights, const Affine& a, int most) {
  const float by = inverse(a.scale);
  double w = 0, wq = 0, wqq = 0, wx = 0, wqx = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double q = rounded((x[i] + a.offset) * by, 0, most);
    const double weight = static_cast<double>(weights[i]);
    const double value = static_cast<double>(x[i]);
    w += weight;
    wq += weight * q;
    wqq += weight * q * q;
    wx += weight * value;
    wqx += weight * q * value;
  }
  const double determinant = w * wqq - wq * wq;
  if (determinant <= 0) return a;
  Affine fit{static_cast<float>((w * wqx - wq * wx) / determinant),
             static_cast<float>((wq * wqx - wqq * wx) / determinant)};
  if (fit.offset < 0) {  // then a line through zero
    fit.offset = 0;
    fit.scale = wqq > 0 ? static_cast<float>(wqx / wqq) : 0;
  }
  return fit.scale > 0 ? fit : a;
}

// Large values count more: an error there changes a product more.
void fill_weights(Values x, std::span<float> weights) {
  double squares = 0;
  for (const float v : x) squares += static_cast<double>(v) * static_cast<double>(v);
  const auto usual = static_cast<float>(std::sqrt(squares / static_cast<double>(x.size())));
  for (std::size_t i = 0; i < x.size(); ++i) weights[i] = usual + std::fabs(x[i]);
}

// Tries ranges a little narrower and wider than the values', each refitted once.
Affine best_affine(Values x, int most) {
  std::array<float, 32> room;
  const std::span<float> weights = std::span(room).first(x.size());
  fill_weights(x, weights);
  const float low = std::min(0.0f, *std::min_element(x.begin(), x.end()));
  const float high = std::max(0.0f, *std::max_element(x.begin(), x.end()));
  if (high == low) return {};
  Affine best{(high - low) / static_cast<float>(most), -low};
  double least = error_of(x, weights, best, most);
  for (int step = -5; step <= 10; ++step) {
    const float levels = static_cast<float>(most) + 0.1f * static_cast<float>(step);
    const Affine tried = refit(x, weights, {(high - low) / levels, -low}, most);
    const double error = error_of(x, weights, tried, most);
    if (error < least) {
      least = error;
      best = tried;
    }
  }
  return best;
}

// x ~ scale * q with q from -half to half - 1.
float best_scale(Values x, int half) {
  const float largest = extreme(x);
  if (largest == 0) return 0;
  float best = 0;
  double most = -1;  // of the explained weighted squares
  for (int step = -9; step <= 9; ++step) {
    const float by = -(static_cast<float>(half) + 0.1f * static_cast<float>(step)) / largest;
    double qx = 0, qq = 0;
    for (const float v : x) {
      const double q = rounded(v * by, -half, half - 1);
      const double weight = static_cast<double>(v) * static_cast<double>(v);
      qx += weight * q * static_cast<double>(v);
      qq += weight * q * q;
    }
    if (qq > 0 && qx * qx > most * qq) {
      most = qx * qx / qq;
      best = static_cast<float>(qx / qq);
    }
  }
  return best;
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

void q4_k(Values x, std::byte* block) {
  std::array<Affine, 8> groups;
  Affine largest;
  for (std::size_t g = 0; g < 8; ++g) {
    groups[g] = best_affine(x.subspan(32 * g, 32), 15);
    largest.scale = std::max(largest.scale, groups[g].scale);
    largest.offset = std::max(largest.offset, groups[g].offset);
  }
  const float scale = as_half(largest.scale / 63.0f);
  const float least = as_half(largest.offset / 63.0f);
  put_half(block, scale);
  put_half(block + 2, least);
  std::array<int, 8> scales{}, offsets{};
  for (std::size_t g = 0; g < 8; ++g) {
    scales[g] = rounded(groups[g].scale * inverse(scale), 0, 63);
    offsets[g] = rounded(groups[g].offset * inverse(least), 0, 63);
  }
  pack_six_bits(scales, offsets, block + 4);
  for (std::size_t g = 0; g < 8; ++g) {
    const float by = inverse(scale * static_cast<float>(scales[g]));
    const float offset = least * static_cast<float>(offsets[g]);
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

void q6_k(Values x, std::byte* block) {
  std::memset(block, 0, 192);
  std::array<float, 16> scales;
  for (std::size_t g = 0; g < 16; ++g) scales[g] = best_scale(x.subspan(16 * g, 16), 32);
  const float scale = as_half(extreme(scales) / -128.0f);
  put_half(block + 208, scale);
  for (std::size_t g = 0; g < 16; ++g) {
    const int small = rounded(scales[g] * inverse(scale), -128, 127);
    block[192 + g] = static_cast<std::byte>(static_cast<std::int8_t>(small));
    const float by = inverse(scale * static_cast<float>(small));
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
