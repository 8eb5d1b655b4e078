#include "base/large_memory.h"

#include <sys/mman.h>

#include <new>

namespace lathe {

LargeMemory take_memory(std::size_t bytes) {
  constexpr std::size_t kLine = 64, kHugePage = std::size_t{2} << 20;
  // Below, rounding up to whole huge pages would waste more than it gains.
  constexpr std::size_t kLarge = std::size_t{256} << 10;
  const std::size_t step = bytes >= kLarge ? kHugePage : kLine;
  const std::size_t size = bytes == 0 ? step : (bytes + step - 1) / step * step;
  LargeMemory memory(static_cast<std::byte*>(std::aligned_alloc(step, size)));
  if (memory == nullptr) throw std::bad_alloc();
  // A wish: without huge pages the same is done more slowly.
  if (step == kHugePage) ::madvise(memory.get(), size, MADV_HUGEPAGE);
  return memory;
}

}  // namespace lathe
