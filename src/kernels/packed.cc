#include "kernels/packed.h"

#include <cstring>

namespace lathe::kernels {
namespace {

constexpr std::size_t kQuads = kPackedBlock / 4;
constexpr std::size_t kQuadBytes = kPackedLanes * 4;
constexpr std::size_t kHalves = kPackedLanes * sizeof(std::uint16_t);  // 16 f16

std::size_t integer_bytes(std::size_t bits) { return kPackedLanes * kPackedBlock * bits / 8; }

// The unsigned integers of a block, one byte each: [quad][lane][4].
using Bytes = std::array<std::uint8_t, kPackedLanes * kPackedBlock>;
constexpr std::size_t kHalf = 4 * kQuadBytes;  // of Bytes: quads 0 to 3

void put_bytes(const Bytes& from, std::size_t bits, std::uint8_t* to) {
  if (bits == 8) {
    std::memcpy(to, from.data(), from.size());
    return;
  }
  for (std::size_t i = 0; i < kHalf; ++i)
    to[i] = static_cast<std::uint8_t>((from[i] & 15) | (from[i + kHalf] & 15) << 4);
  to += kHalf;
  if (bits == 4) return;
  const std::size_t width = bits - 4;   // of the rest of a value
  const std::size_t quads = 8 / width;  // whose rests share a byte
  std::memset(to, 0, integer_bytes(width));
  for (std::size_t quad = 0; quad < kQuads; ++quad) {
    std::uint8_t* row = to + quad / quads * kQuadBytes;
    const std::size_t shift = quad % quads * width;
    for (std::size_t i = 0; i < kQuadBytes; ++i)
      row[i] |= static_cast<std::uint8_t>(from[quad * kQuadBytes + i] >> 4 << shift);
  }
}

void get_bytes(const std::uint8_t* from, std::size_t bits, Bytes& to) {
  if (bits == 8) {
    std::memcpy(to.data(), from, to.size());
    return;
  }
  for (std::size_t i = 0; i < kHalf; ++i) {
    to[i] = from[i] & 15;
    to[i + kHalf] = from[i] >> 4;
  }
  from += kHalf;
  if (bits == 4) return;
  const std::size_t width = bits - 4;
  const std::size_t quads = 8 / width;
  for (std::size_t quad = 0; quad < kQuads; ++quad) {
    const std::uint8_t* row = from + quad / quads * kQuadBytes;
    const std::size_t shift = quad % quads * width;
    for (std::size_t i = 0; i < kQuadBytes; ++i)
      to[quad * kQuadBytes + i] |=
          static_cast<std::uint8_t>((row[i] >> shift & ((1u << width) - 1)) << 4);
  }
}

// Calls visit(bytes in the panel, bytes of the block, size) for each scale of a lane.
template <class Block, class Visit>
void visit_scales(ScaleForm form, PackedPlace place, std::size_t lane, Block& b,
                  const Visit& visit) {
  const bool super = has_super_blocks(form);
  const std::size_t halves = (super ? place.head : place.block) + 2 * lane;
  visit(halves, &b.d, 2);
  if (has_minimum(form)) visit(halves + kHalves, &b.m, 2);
  if (!super) return;
  const std::size_t small = place.block + lane;
  if (!has_two_halves(form)) {
    visit(small, &b.s[0], 1);
    visit(small + kPackedLanes, &b.t[0], 1);
    return;
  }
  for (std::size_t h = 0; h < 2; ++h) {
    visit(small + h * kPackedLanes, &b.s[h], 1);
    if (has_minimum(form)) visit(small + (2 + h) * kPackedLanes, &b.t[h], 1);
  }
}

template <ScaleForm kForm>
void put_floats(const FloatRows& rows, std::byte* block) {
  constexpr std::size_t kSize = kForm == ScaleForm::f32 ? 4 : 2;
  for (std::size_t lane = 0; lane < kPackedLanes; ++lane) {
    if (rows[lane] == nullptr) continue;
    for (std::size_t i = 0; i < kPackedBlock; ++i)
      std::memcpy(block + packed_float_place(kForm, lane, i), rows[lane] + i * kSize, kSize);
  }
}

}  // namespace

std::size_t packed_block_bytes(PackedFormat format) {
  return packed_scale_bytes(format.form) + integer_bytes(format.bits);
}

std::size_t packed_head_bytes(PackedFormat format) {
  if (!has_super_blocks(format.form)) return 0;
  return has_minimum(format.form) ? 2 * kHalves : kHalves;
}

std::size_t packed_panel_bytes(PackedFormat format, std::size_t k) {
  const std::size_t heads =
      has_super_blocks(format.form) ? k / kPackedSuperBlock * packed_head_bytes(format) : 0;
  return heads + k / kPackedBlock * packed_block_bytes(format);
}

PackedPlace packed_place(PackedFormat format, std::size_t block) {
  const std::size_t bytes = packed_block_bytes(format);
  if (!has_super_blocks(format.form)) return {0, block * bytes};
  constexpr std::size_t kBlocks = kPackedSuperBlock / kPackedBlock;
  const std::size_t head = packed_head_bytes(format);
  const std::size_t start = block / kBlocks * (head + kBlocks * bytes);
  return {start, start + head + block % kBlocks * bytes};
}

PackedWeights::PackedWeights(PackedFormat format, std::size_t n, std::size_t k)
    : format_(format), k_(k), panels_((n + kPackedLanes - 1) / kPackedLanes) {
  bytes_ = panels_ * packed_panel_bytes(format, k);
  data_ = take_memory(bytes_);
  std::memset(data_.get(), 0, bytes_);
}

std::byte* PackedWeights::panel(std::size_t index) const {
  return data_.get() + index * packed_panel_bytes(format_, k_);
}

void PackedWeights::put(std::size_t index, std::size_t block, const QuantBlocks& lanes) {
  std::byte* const start = panel(index);
  const PackedPlace place = packed_place(format_, block);
  Bytes bytes;
  for (std::size_t lane = 0; lane < kPackedLanes; ++lane) {
    visit_scales(format_.form, place, lane, lanes[lane],
                 [start](std::size_t at, const void* source, std::size_t size) {
                   std::memcpy(start + at, source, size);
                 });
    for (std::size_t quad = 0; quad < kQuads; ++quad)
      std::memcpy(&bytes[quad * kQuadBytes + 4 * lane], &lanes[lane].values[4 * quad], 4);
  }
  std::byte* integers = start + place.block + packed_scale_bytes(format_.form);
  put_bytes(bytes, format_.bits, reinterpret_cast<std::uint8_t*>(integers));
}

void PackedWeights::put(std::size_t index, std::size_t block, const FloatRows& rows) {
  std::byte* const to = panel(index) + packed_place(format_, block).block;
  if (format_.form == ScaleForm::f32) return put_floats<ScaleForm::f32>(rows, to);
  if (format_.form == ScaleForm::f16) return put_floats<ScaleForm::f16>(rows, to);
  put_floats<ScaleForm::bf16>(rows, to);
}

QuantBlocks PackedWeights::get(std::size_t index, std::size_t block) const {
  const std::byte* const start = panel(index);
  const PackedPlace place = packed_place(format_, block);
  const std::byte* integers = start + place.block + packed_scale_bytes(format_.form);
  Bytes bytes;
  get_bytes(reinterpret_cast<const std::uint8_t*>(integers), format_.bits, bytes);
  QuantBlocks lanes;
  for (std::size_t lane = 0; lane < kPackedLanes; ++lane) {
    visit_scales(format_.form, place, lane, lanes[lane],
                 [start](std::size_t at, void* target, std::size_t size) {
                   std::memcpy(target, start + at, size);
                 });
    for (std::size_t quad = 0; quad < kQuads; ++quad)
      std::memcpy(&lanes[lane].values[4 * quad], &bytes[quad * kQuadBytes + 4 * lane], 4);
  }
  return lanes;
}

}  // namespace lathe::kernels
