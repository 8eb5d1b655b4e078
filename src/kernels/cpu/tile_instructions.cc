#include "kernels/cpu/tile_instructions.h"

#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace lathe::kernels::cpu {
namespace {

#if defined(__x86_64__) && defined(__linux__)
constexpr unsigned kAmxBf16 = 1u << 22, kAmxTile = 1u << 24, kAmxInt8 = 1u << 25;  // leaf 7.0, EDX
constexpr unsigned kAvx512Bf16 = 1u << 5;                                          // leaf 7.1, EAX

bool processor_has_tiles() {
  constexpr unsigned kAll = kAmxBf16 | kAmxTile | kAmxInt8;
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0 || (d & kAll) != kAll) return false;
  return __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 && (a & kAvx512Bf16) != 0;
}

// Linux keeps the tiles' large state away from processes that do not ask for it.
bool system_lets_us() {
  constexpr long kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr long kTileData = 18;
  return ::syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}
#endif

}  // namespace

bool has_tiles() {
#if defined(__x86_64__) && defined(__linux__)
  static const bool kHas = processor_has_tiles() && system_lets_us();
  return kHas;
#else
  return false;
#endif
}

}  // namespace lathe::kernels::cpu
