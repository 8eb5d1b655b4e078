// On x86-64; arm/cpu.cc on 64-bit Arm.
#if defined(__x86_64__)
#include "kernels/cpu/cpu.h"

#include "kernels/cpu/targets_dot.h"
// After targets.h.
#include <hwy/highway.h>

#include "kernels/cpu/executable_tables.h"
#include "kernels/cpu/fill.h"
#include "kernels/cpu/tile_instructions.h"

namespace lathe::kernels::cpu {
namespace {

struct Target {
  const char* name;
  std::int64_t bits;  // all must be there; a source takes the best of those it is built for
  bool tiles = false;
};

// From the least to the best.
constexpr Target kTargets[] = {{"sse4", HWY_SSE4},
                               {"avx2", HWY_AVX2},
                               {"avx512", HWY_AVX3},
                               {"avx512vnni", HWY_AVX3_DL | HWY_AVX3},
                               {"amx", HWY_AVX3_DL | HWY_AVX3, true}};

bool is_executable(const Target& target) {
  if ((hwy::SupportedTargets() & HWY_TARGETS & target.bits) != target.bits) return false;
  if (target.tiles && !has_tiles()) return false;
  return (target.bits & HWY_AVX3_DL) == 0 || __builtin_cpu_supports("avx512vnni") != 0;
}

Table table_for(const Target& target) {
  hwy::SetSupportedTargetsForTest(target.bits);  // what the next dispatch chooses
  Table table;
  table.name = target.name;
  fill_vectors(table);
  if (target.tiles) {
    fill_tiles(table);
    fill_attention_tiles(table);
  }
  hwy::SetSupportedTargetsForTest(0);
  return table;
}

}  // namespace

const std::vector<Table>& tables() {
  static const std::vector<Table> kTables = executable_tables(kTargets, is_executable, table_for);
  return kTables;
}

}  // namespace lathe::kernels::cpu
#endif
