// Each source of this folder fills its part of a table with the functions of the instruction set
// that Highway dispatches to at the moment of the call.
#pragma once

#include "kernels/table.h"

namespace lathe::kernels::cpu {

void fill_multiply(Table& table);
void fill_packed(Table& table);
void fill_multiply_dot(Table& table);
void fill_row(Table& table);
void fill_floats(Table& table);
void fill_rows(Table& table);
void fill_activations(Table& table);
void fill_kv_tiles(Table& table);
void fill_attention(Table& table);
void fill_limits(Table& table);
// All of the above.
inline void fill_vectors(Table& table) {
  fill_multiply(table);
  fill_packed(table);
  fill_multiply_dot(table);  // after fill_packed(), whose place it takes where it can
  fill_row(table);
  fill_floats(table);
  fill_rows(table);
  fill_activations(table);
  fill_kv_tiles(table);
  fill_attention(table);
  fill_limits(table);
}

#if defined(__aarch64__)
// The same for extensions of NEON, in place of what fill_vectors() has filled (arm/).
void fill_packed_dot(Table& table);
void fill_row_dot(Table& table);
void fill_limits_dot(Table& table);
void fill_row_i8mm(Table& table);
void fill_pairs_i8mm(Table& table);
void fill_limits_i8mm(Table& table);
#endif

// Needs has_tiles() (tile_instructions.h).
void fill_tiles(Table& table);
void fill_attention_tiles(Table& table);

}  // namespace lathe::kernels::cpu
