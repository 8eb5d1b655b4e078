// Panels that are read side by side, each as one stream: one stream alone leaves the memory
// waiting. Included once for each instruction set.
#if defined(LATHE_KERNELS_CPU_STREAMS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LATHE_KERNELS_CPU_STREAMS_INL_H_
#undef LATHE_KERNELS_CPU_STREAMS_INL_H_
#else
#define LATHE_KERNELS_CPU_STREAMS_INL_H_
#endif

#include <cstddef>
#include <type_traits>

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace lathe::kernels::cpu {
namespace HWY_NAMESPACE {

// Panel `first`, and every `step`-th after it: far apart, so that no two streams share a page.
struct Streams {
  std::size_t first, step;

  std::size_t panel(std::size_t stream) const { return first + stream * step; }
};

// Calls body(streams, S) for panels [first, first + count), S at a time and those that are left
// half as many at a time; S is a constant.
template <std::size_t S, class Body>
void for_streams(std::size_t first, std::size_t count, const Body& body) {
  const std::size_t rounds = count / S;
  for (std::size_t round = 0; round < rounds; ++round)
    body(Streams{first + round, rounds}, std::integral_constant<std::size_t, S>());
  if constexpr (S > 1) for_streams<S / 2>(first + rounds * S, count - rounds * S, body);
}

// The same, S being what is asked for or the next smaller power of two, at most kMost.
template <std::size_t kMost, class Body>
void for_asked_streams(std::size_t asked, std::size_t first, std::size_t count, const Body& body) {
  if constexpr (kMost > 1) {
    if (asked < kMost) return for_asked_streams<kMost / 2>(asked, first, count, body);
  }
  for_streams<kMost>(first, count, body);
}

}  // namespace HWY_NAMESPACE
}  // namespace lathe::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
