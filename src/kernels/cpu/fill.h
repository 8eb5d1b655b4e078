// Each source of this folder fills its part of a table with the functions of the instruction set
// that Highway dispatches to at the moment of the call.
#pragma once

#include "kernels/table.h"

namespace lathe::kernels::cpu {

void fill_multiply(Table& table);
void fill_packed(Table& table);
void fill_row(Table& table);
void fill_floats(Table& table);
void fill_rows(Table& table);
void fill_activations(Table& table);
void fill_kv_tiles(Table& table);
void fill_attention(Table& table);
void fill_limits(Table& table);
// Needs has_tiles() (tile_instructions.h).
void fill_tiles(Table& table);
void fill_tiles8(Table& table);
void fill_attention_tiles(Table& table);

}  // namespace lathe::kernels::cpu
