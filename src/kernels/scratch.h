// Memory that grows and is kept from one use to the next, aligned to 64 bytes. What was in it is
// lost when it grows. Not thread-safe.
#pragma once

#include <cstddef>

#include "base/large_memory.h"

namespace lathe::kernels {

template <class T>
class Scratch {
 public:
  // Room for `count` elements, not initialised at first.
  T* take(std::size_t count) {
    if (count > capacity_) {
      memory_.reset();
      memory_ = take_memory(count * sizeof(T));
      capacity_ = count;
    }
    return data();
  }
  const T* data() const { return reinterpret_cast<const T*>(memory_.get()); }
  T* data() { return reinterpret_cast<T*>(memory_.get()); }

 private:
  LargeMemory memory_;
  std::size_t capacity_ = 0;
};

}  // namespace lathe::kernels
