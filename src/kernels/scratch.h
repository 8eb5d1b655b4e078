// Memory that grows and is kept from one use to the next, aligned to 64 bytes. What was in it is
// lost when it grows. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>

namespace lathe::kernels {

template <class T>
class Scratch {
 public:
  // Room for `count` elements, not initialised at first.
  T* take(std::size_t count) {
    if (count <= capacity_) return data_.get();
    constexpr std::size_t kLine = 64;
    const std::size_t bytes = (count * sizeof(T) + kLine - 1) / kLine * kLine;
    data_.reset(static_cast<T*>(std::aligned_alloc(kLine, bytes)));
    if (data_ == nullptr) throw std::bad_alloc();
    capacity_ = count;
    return data_.get();
  }
  const T* data() const { return data_.get(); }
  T* data() { return data_.get(); }

 private:
  struct Free {
    void operator()(T* p) const { std::free(p); }
  };
  std::unique_ptr<T, Free> data_;
  std::size_t capacity_ = 0;
};

}  // namespace lathe::kernels
