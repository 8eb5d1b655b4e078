// Sources of this folder that fill their part of the reference table.
#pragma once

#include "kernels/table.h"

namespace lathe::kernels::ref {

void fill_packed(Table& table);
void fill_attention(Table& table);

}  // namespace lathe::kernels::ref
