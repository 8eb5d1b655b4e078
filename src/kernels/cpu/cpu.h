// The SIMD tables, one for each instruction set that Highway targets here. Sources are compiled
// once for each target (foreach_target), and fill_*() below puts that target's functions into a
// table.
#pragma once

#include <vector>

#include "kernels/table.h"

namespace lathe::kernels::cpu {

// Every table that this processor can execute, best last.
const std::vector<Table>& tables();

}  // namespace lathe::kernels::cpu
