// Memory for the values of one forward (and backward) pass: taken by moving a pointer, given back
// all at once. Blocks are kept over reset(), so a steady state allocates nothing. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <vector>

namespace lathe::tensor {

class Arena {
 public:
  // count floats, aligned to 64 bytes, not initialised; valid until reset().
  float* floats(std::size_t count);
  std::span<float> span(std::size_t count) { return {floats(count), count}; }

  // Gives everything back and keeps the memory.
  void reset();

  // A place between what was taken before and after.
  struct Mark {
    std::size_t block = 0;
    std::size_t used = 0;
  };
  Mark mark() const { return {block_, used_}; }
  // Gives back what was taken since then. REQUIRES: no reset(), nor a rewind() to before it, since.
  void rewind(Mark mark);

  // Another number after each reset() and rewind(): what was taken before may be overwritten.
  std::uint64_t pass() const { return pass_; }

  // Bytes held from the system.
  std::size_t bytes() const;

 private:
  struct Free {
    void operator()(std::byte* p) const { std::free(p); }
  };
  struct Block {
    std::unique_ptr<std::byte, Free> data;
    std::size_t size = 0;
  };
  std::vector<Block> blocks_;
  std::size_t block_ = 0;  // the block in use
  std::size_t used_ = 0;   // bytes of it
  std::uint64_t pass_ = 0;
};

}  // namespace lathe::tensor
