// The reference table: plain loops in the order of the formulas. Slow, and the truth.
#pragma once

#include "kernels/table.h"

namespace lathe::kernels::ref {

const Table& table();

}  // namespace lathe::kernels::ref
