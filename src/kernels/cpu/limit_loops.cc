// Loops that do one thing as fast as the processor can (kernels/limits.h).
#include "kernels/cpu/targets_dot.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/limit_loops.cc"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/cpu/dot-inl.h"
#include "kernels/cpu/fill.h"
#include "kernels/cpu/unroll.h"

HWY_BEFORE_NAMESPACE();
namespace lathe::kernels::cpu {
namespace HWY_NAMESPACE {
#if HWY_TARGET == HWY_SCALAR
void fill_limits(Table&) {}
#else
namespace {

// Independent chains: enough to hide a latency of 5 cycles on two ports.
constexpr std::size_t kChains = 10;
constexpr std::size_t kAhead = 1024;  // bytes; a stream is asked for so long before its use

// Keeps the compiler from leaving a result out.
template <class T>
HWY_INLINE void use(const T& value) {
  asm volatile("" : : "m"(value) : "memory");
}

std::size_t f32_ops(std::size_t rounds) {
  const LanesTag d;
  const auto a = hn::Set(d, 0.999f), b = hn::Set(d, 1e-3f);
  LanesVec sums[kChains];
  for (auto& sum : sums) sum = a;
  for (std::size_t i = 0; i < rounds; ++i) {
    LATHE_UNROLL(10)
    for (std::size_t j = 0; j < kChains; ++j) sums[j] = hn::MulAdd(sums[j], a, b);
  }
  // One value for all chains: an array that is used lies in memory, also inside the loop.
  auto all = sums[0];
  for (const auto& sum : sums) all = hn::Max(all, sum);
  use(all);
  return rounds * kChains * hn::Lanes(d) * 2;
}

#if !HWY_ARCH_ARM_A64
constexpr std::size_t kMostProducts = hn::MaxLanes(ByteTag());  // that a step of a chain adds
#endif

std::size_t int8_ops(std::size_t rounds) {
  const ByteTag d;
  IntVec sums[kChains];
  for (auto& sum : sums) sum = hn::Zero(IntTag());
  const auto w = hn::Set(d, 3);
#if HWY_TARGET > HWY_AVX3_DL
  const auto a = hn::Set(d, 1);
#endif
  for (std::size_t i = 0; i < rounds; ++i) {
    LATHE_UNROLL(10)
    for (std::size_t j = 0; j < kChains; ++j) {
#if HWY_ARCH_ARM_A64
      sums[j] = add_most_products(sums[j], w, a);
#elif HWY_TARGET <= HWY_AVX3_DL
      sums[j] = add_dot(sums[j], w, w);
#else
      // Sums in 16 bits, the most that there is without a dot product: they may wrap here.
      IntVec weights = hn::BitCast(IntTag(), w);
      asm("" : "+x"(weights.raw));  // not the same product again
      sums[j] = add_pairs(sums[j], pair_products(hn::BitCast(d, weights), a));
#endif
    }
  }
  auto all = sums[0];
  for (const auto& sum : sums) all = hn::Xor(all, sum);
  use(all);
  return rounds * kChains * kMostProducts * 2;
}

void read(const std::byte* memory, std::size_t bytes, std::size_t streams) {
  const ByteTag d;
  const auto* p = reinterpret_cast<const std::uint8_t*>(memory);
  const std::size_t part = bytes / streams;
  auto sum = hn::Zero(d);
  for (std::size_t i = 0; i + 64 <= part; i += 64) {
    for (std::size_t stream = 0; stream < streams; ++stream) {
      hwy::Prefetch(p + stream * part + i + kAhead);
      for (std::size_t j = 0; j < 64; j += hn::Lanes(d))
        sum = hn::Xor(sum, hn::Load(d, p + stream * part + i + j));
    }
  }
  use(sum);
}

}  // namespace

void fill_limits(Table& table) { table.limits = {read, f32_ops, int8_ops, nullptr}; }

#endif
}  // namespace HWY_NAMESPACE
}  // namespace lathe::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lathe::kernels::cpu {

HWY_EXPORT(fill_limits);
void fill_limits(Table& table) { HWY_DYNAMIC_DISPATCH(fill_limits)(table); }

}  // namespace lathe::kernels::cpu
#endif
