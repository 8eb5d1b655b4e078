// The tables of 64-bit Arm: NEON, which all processors have, and its extensions, which Linux names.
#if defined(__aarch64__)
#include "kernels/cpu/cpu.h"

#include <sys/auxv.h>

#include "kernels/cpu/executable_tables.h"
#include "kernels/cpu/fill.h"

namespace lathe::kernels::cpu {
namespace {

struct Target {
  const char* name;
  unsigned long capabilities = 0, capabilities2 = 0;  // HWCAP_*, HWCAP2_*: all must be there
  void (*fill)(Table& table) = nullptr;               // beside fill_vectors()
};

void fill_dot(Table& table) {
  fill_packed_dot(table);
  fill_row_dot(table);
  fill_limits_dot(table);
}

void fill_i8mm(Table& table) {
  fill_row_i8mm(table);
  fill_pairs_i8mm(table);
  fill_limits_i8mm(table);
}

// From the least to the best.
constexpr Target kTargets[] = {{"neon"},
                               {"neon_dot", HWCAP_ASIMDDP, 0, fill_dot},
                               {"neon_i8mm", HWCAP_ASIMDDP, HWCAP2_I8MM, fill_i8mm}};

bool is_executable(const Target& target) {
  return (::getauxval(AT_HWCAP) & target.capabilities) == target.capabilities &&
         (::getauxval(AT_HWCAP2) & target.capabilities2) == target.capabilities2;
}

Table table_for(const Target& target) {
  Table table;
  table.name = target.name;
  fill_vectors(table);
  if (target.fill != nullptr) target.fill(table);
  return table;
}

}  // namespace

const std::vector<Table>& tables() {
  static const std::vector<Table> kTables = executable_tables(kTargets, is_executable, table_for);
  return kTables;
}

}  // namespace lathe::kernels::cpu
#endif
