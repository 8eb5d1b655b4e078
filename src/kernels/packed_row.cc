#include "kernels/packed_row.h"

#include <cstring>

#include "base/half.h"

namespace lathe::kernels {
namespace {

// The integer of value i of a lane, before zero is taken off.
int integer_at(PackedFormat format, const std::byte* integers, std::size_t lane, std::size_t i) {
  const std::size_t quad = i / 4;
  const auto byte = [&](std::size_t offset) {
    return std::to_integer<int>(integers[offset + 4 * lane + i % 4]);
  };
  if (format.bits == 8) return byte(quad * 64);
  const int low = byte(quad % 4 * 64) >> (quad < 4 ? 0 : 4) & 15;
  if (format.bits == 5) return low | (byte(256) >> quad & 1) << 4;
  if (format.bits == 6) return low | (byte(256 + quad / 4 * 64) >> (2 * (quad % 4)) & 3) << 4;
  return low;
}

float half_at(const std::byte* p) {
  return f16_to_f32(static_cast<std::uint16_t>(std::to_integer<unsigned>(p[0]) |
                                               std::to_integer<unsigned>(p[1]) << 8));
}

// Value i of a lane of a panel of floats, in which blocks follow one another as values do.
float float_at(ScaleForm form, const std::byte* panel, std::size_t lane, std::size_t i) {
  const std::byte* at = panel + packed_float_place(form, lane, i);
  if (form == ScaleForm::f16) return half_at(at);
  if (form == ScaleForm::bf16) {
    std::uint16_t bits;
    std::memcpy(&bits, at, sizeof bits);
    return bf16_to_f32(bits);
  }
  float value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

PackedScale scale_at(PackedFormat format, const std::byte* head, const std::byte* block,
                     std::size_t lane, std::size_t half) {
  const bool super = has_super_blocks(format.form);
  const std::byte* halves = (super ? head : block) + 2 * lane;
  PackedScale out = {half_at(halves), has_minimum(format.form) ? half_at(halves + 32) : 0.0f};
  if (!super) return out;
  const std::size_t h = has_two_halves(format.form) ? half : 0;
  const int s = std::to_integer<int>(block[16 * h + lane]);
  const bool is_signed = format.form == ScaleForm::super16;
  out.scale *= static_cast<float>(is_signed && s > 127 ? s - 256 : s);
  if (has_minimum(format.form)) {
    const std::size_t minima = has_two_halves(format.form) ? 32 : 16;
    out.minimum =
        -(out.minimum * static_cast<float>(std::to_integer<int>(block[minima + 16 * h + lane])));
  }
  return out;
}

}  // namespace

PackedRow::PackedRow(const PackedPanels& weights, std::size_t row)
    : format_(weights.format),
      panel_(weights.panel((weights.first_lane + row) / kPackedLanes)),
      lane_((weights.first_lane + row) % kPackedLanes) {}

PackedScale PackedRow::scale(std::size_t block, std::size_t half) const {
  const PackedPlace place = packed_place(format_, block);
  return scale_at(format_, panel_ + place.head, panel_ + place.block, lane_, half);
}

int PackedRow::integer(std::size_t block, std::size_t i) const {
  const std::byte* start = panel_ + packed_place(format_, block).block;
  return integer_at(format_, start + packed_scale_bytes(format_.form), lane_, i) - format_.zero;
}

float PackedRow::value(std::size_t i) const {
  if (has_floats(format_.form)) return float_at(format_.form, panel_, lane_, i);
  const std::size_t block = i / kPackedBlock;
  const PackedScale s = scale(block, i % kPackedBlock / 16);
  const float value = s.scale * static_cast<float>(integer(block, i % kPackedBlock));
  return has_minimum(format_.form) ? value + s.minimum : value;
}

void PackedRow::copy_to(float* out, std::size_t k) const {
  for (std::size_t i = 0; i < k; ++i) out[i] = value(i);
}

}  // namespace lathe::kernels
