#include "kernels/cpu/cpu.h"

#include "kernels/cpu/targets.h"
// After targets.h.
#include <hwy/highway.h>

#include "kernels/cpu/fill.h"

namespace lathe::kernels::cpu {
namespace {

struct Target {
  const char* name;
  std::int64_t bit;
};

// From the least to the best.
constexpr Target kTargets[] = {{"sse4", HWY_SSE4}, {"avx2", HWY_AVX2}, {"avx512", HWY_AVX3}};

Table table_for(const Target& target) {
  hwy::SetSupportedTargetsForTest(target.bit);  // what the next dispatch chooses
  Table table;
  table.name = target.name;
  fill_multiply(table);
  fill_rows(table);
  fill_activations(table);
  fill_attention(table);
  hwy::SetSupportedTargetsForTest(0);
  return table;
}

}  // namespace

const std::vector<Table>& tables() {
  static const std::vector<Table> kTables = [] {
    std::vector<Table> made;
    for (const Target& target : kTargets) {
      if ((hwy::SupportedTargets() & HWY_TARGETS & target.bit) != 0)
        made.push_back(table_for(target));
    }
    return made;
  }();
  return kTables;
}

}  // namespace lathe::kernels::cpu
