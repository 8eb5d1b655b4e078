// What the lists of targets of x86-64 (cpu.cc) and of 64-bit Arm (arm/cpu.cc) have in common.
#pragma once

#include <cstddef>
#include <vector>

#include "kernels/table.h"

namespace lathe::kernels::cpu {

// A table for each target that this processor can execute, in their order.
template <class Target, std::size_t N>
std::vector<Table> executable_tables(const Target (&targets)[N],
                                     bool (*is_executable)(const Target&),
                                     Table (*table_for)(const Target&)) {
  std::vector<Table> made;
  for (const Target& target : targets) {
    if (is_executable(target)) made.push_back(table_for(target));
  }
  return made;
}

}  // namespace lathe::kernels::cpu
