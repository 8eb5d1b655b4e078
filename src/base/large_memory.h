// Memory that is read and written in long stretches: on 2 MiB pages where it is large and the
// system gives them, since 4 KiB pages cost translations and, scattered over physical memory,
// conflicts in the second-level cache.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>

namespace lathe {

struct FreeMemory {
  void operator()(void* p) const { std::free(p); }
};
using LargeMemory = std::unique_ptr<std::byte, FreeMemory>;

// At least so many bytes, aligned to 64, not initialised. Throws std::bad_alloc.
LargeMemory take_memory(std::size_t bytes);

}  // namespace lathe
