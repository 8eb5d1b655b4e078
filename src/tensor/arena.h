// Memory for the values of one forward (and backward) pass: taken by moving a pointer, given back
// all at once, or back to a mark. Blocks are kept, so a steady state allocates nothing. Not
// thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/large_memory.h"

namespace lathe::tensor {

class Arena {
 public:
  // count floats, aligned to 64 bytes, not initialised; valid until reset().
  float* floats(std::size_t count);
  std::span<float> span(std::size_t count) { return {floats(count), count}; }

  // Gives everything back and keeps the memory.
  void reset() { release({}); }

  // A place in the order of taking.
  struct Mark {
    std::size_t block = 0;
    std::size_t used = 0;  // bytes of it
  };
  Mark mark() const { return top_; }
  // Gives back what was taken after the mark.
  void release(const Mark& mark);

  // How often something was given back: the same address may be another value's after that.
  std::uint64_t releases() const { return releases_; }

  // Bytes held from the system.
  std::size_t bytes() const;

 private:
  struct Block {
    LargeMemory data;
    std::size_t size = 0;
  };
  std::vector<Block> blocks_;
  Mark top_;
  std::uint64_t releases_ = 0;
};

}  // namespace lathe::tensor
