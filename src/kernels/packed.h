// Weights as the kernels stream them: W[n, k] in panels of 16 rows, each panel one
// stretch of memory that is read from start to end.
//
// A panel holds its rows' blocks of 32 values along k, one block after the other. In a block stand
// first the scales of the 16 rows, then the quantised integers, four neighbours along k of one row
// side by side ("a quad"), so that one instruction multiplies the quads of all lanes by the same
// four activations. Blocks of 256 values (the K types) have their two f16 in front of every eighth
// block. What a block is:
//
//   value = scale * (q - zero) + minimum, each operation rounded to f32 once,
//
// the arithmetic of tensor/dequantize.h in the same order, so that nothing is lost by packing:
//
//   form         scale                  minimum                 for
//   block        d (f16)                                        q8_0 q4_0 q5_0 iq4_nl
//   block_min    d (f16)                m (f16)                 q4_1 q5_1
//   super_min    d * s[32] (u8)         -(m * t[32]) (u8)       q4_K q5_K
//   super16      d * s[16] (i8)                                 q6_K q3_K iq4_xs
//   super16_min  d * s[16] (u8)         -(m * t[16]) (u8)       q2_K
//
// Integers of 4 bits take 256 bytes a block of a panel: byte i of quad j stands in the low half of
// byte (j % 4) * 64 + lane * 4 + i when j < 4, in the high half otherwise. 5 bits: 64 bytes more,
// in which bit j of byte lane * 4 + i is the fifth one of quad j. 6 bits: 128 bytes more, in which
// bits 2 (j % 4) of byte (j / 4) * 64 + lane * 4 + i are the upper two. 8 bits: 512 bytes,
// byte j * 64 + lane * 4 + i. All are unsigned.
//
// Floats have no scales: a block is 32 values of each of the 16 rows with the bits of the file.
//
//   form         value i of a lane stands at          for
//   f32          (16 i + lane) * 4                    F32
//   f16          (16 i + lane) * 2                    F16
//   bf16         (i / 2 * 16 + lane) * 4 + i % 2 * 2  BF16
//
// So a block of bf16 is a tile of AMX as it stands, and two shifts make its pairs f32.
//
// The layout does not depend on the instruction set. Plain data; not thread-safe while written.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>

#include "base/large_memory.h"

namespace lathe::kernels {

inline constexpr std::size_t kPackedLanes = 16;
inline constexpr std::size_t kPackedBlock = 32;        // values along k that share a scale
inline constexpr std::size_t kPackedSuperBlock = 256;  // … that share the f16 of a K type

enum class ScaleForm : std::uint8_t {
  block,
  block_min,
  super_min,
  super16,
  super16_min,
  f32,
  f16,
  bf16,
};

struct PackedFormat {
  std::uint8_t bits = 8;  // 4, 5, 6 or 8; of floats 16 or 32
  std::uint8_t zero = 0;  // at most 128; 128 where bits is 8
  ScaleForm form = ScaleForm::block;

  auto operator<=>(const PackedFormat&) const = default;
};

// Whether the values are floats, which have none of what follows.
constexpr bool has_floats(ScaleForm form) { return form >= ScaleForm::f32; }
// Whether d and m stand in front of eight blocks.
constexpr bool has_super_blocks(ScaleForm form) {
  return form >= ScaleForm::super_min && !has_floats(form);
}
constexpr bool has_minimum(ScaleForm form) {
  return form != ScaleForm::block && form != ScaleForm::super16 && !has_floats(form);
}
// Whether the two halves of a block have scales of their own.
constexpr bool has_two_halves(ScaleForm form) {
  return form >= ScaleForm::super16 && !has_floats(form);
}

// Bytes of one block of a panel, of the head before eight of them (0: none), and of k values.
std::size_t packed_block_bytes(PackedFormat format);
std::size_t packed_head_bytes(PackedFormat format);
// REQUIRES: k is whole blocks, and whole super-blocks where the form has them.
std::size_t packed_panel_bytes(PackedFormat format, std::size_t k);

// One row's block of 32 values, as a file's type says it.
struct QuantBlock {
  std::array<std::uint8_t, kPackedBlock> values = {};
  std::uint16_t d = 0, m = 0;          // f16
  std::array<std::uint8_t, 2> s = {};  // of each half (int8 where the form says so), or s[0]
  std::array<std::uint8_t, 2> t = {};
};

// Those of the 16 rows of a panel.
using QuantBlocks = std::array<QuantBlock, kPackedLanes>;
// Floats of those rows, as a file has them: where each row's begin. Null: zeros.
using FloatRows = std::array<const std::byte*, kPackedLanes>;

// Panels that somebody owns; see above.
struct PackedPanels {
  PackedFormat format;
  const std::byte* data = nullptr;  // aligned to 32 bytes
  std::size_t k = 0;
  std::size_t first_lane = 0;  // of the first panel; only multiply_exact() takes one that is not 0

  const std::byte* panel(std::size_t index) const {
    return data + index * packed_panel_bytes(format, k);
  }
  // The same from a column on. REQUIRES: it is a multiple of kPackedLanes.
  PackedPanels from_column(std::size_t column) const {
    return {format, panel(column / kPackedLanes), k};
  }
};

// Where the head and the scales of a block stand, from the panel's start.
struct PackedPlace {
  std::size_t head = 0;   // d, then m: 16 f16 each; only where the form has super-blocks
  std::size_t block = 0;  // scales, then integers
};
PackedPlace packed_place(PackedFormat format, std::size_t block);

// Bytes of scales in front of a block's values.
constexpr std::size_t packed_scale_bytes(ScaleForm form) {
  if (has_floats(form)) return 0;
  return form == ScaleForm::block_min || form == ScaleForm::super16_min ? 64 : 32;
}

// From the start of a block of floats, or of its panel, to value i of a lane there. REQUIRES:
// has_floats(form).
constexpr std::size_t packed_float_place(ScaleForm form, std::size_t lane, std::size_t i) {
  if (form == ScaleForm::bf16) return (i / 2 * kPackedLanes + lane) * 4 + i % 2 * 2;
  return (i * kPackedLanes + lane) * (form == ScaleForm::f32 ? 4 : 2);
}

// Packed weights that are owned: 2 MiB pages where the system gives them.
class PackedWeights {
 public:
  // W[n, k], zeros until put() is called for every block of every panel.
  PackedWeights(PackedFormat format, std::size_t n, std::size_t k);

  std::size_t panel_count() const { return panels_; }
  // Writes a block of the 16 rows of a panel (those past n: zeros). Panels may be written by
  // different threads.
  void put(std::size_t panel, std::size_t block, const QuantBlocks& lanes);
  // The same of floats. REQUIRES: has_floats(format.form).
  void put(std::size_t panel, std::size_t block, const FloatRows& rows);
  // What put() was given. REQUIRES: integers.
  QuantBlocks get(std::size_t panel, std::size_t block) const;

  PackedPanels panels() const { return {format_, data_.get(), k_}; }
  std::size_t bytes() const { return bytes_; }

 private:
  std::byte* panel(std::size_t index) const;

  PackedFormat format_;
  std::size_t k_;
  std::size_t panels_;
  std::size_t bytes_;
  LargeMemory data_;
};

}  // namespace lathe::kernels
