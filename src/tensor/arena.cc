#include "tensor/arena.h"

#include <algorithm>

namespace lathe::tensor {
namespace {

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kLeastBlock = std::size_t{1} << 20;

std::size_t round_up(std::size_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

}  // namespace

float* Arena::floats(std::size_t count) {
  const std::size_t bytes = round_up(count * sizeof(float));
  while (top_.block < blocks_.size() && top_.used + bytes > blocks_[top_.block].size)
    top_ = {top_.block + 1, 0};
  if (top_.block == blocks_.size()) {
    // Each block doubles what is held, so that a large pass takes few of them.
    const std::size_t size = std::max({bytes, kLeastBlock, this->bytes()});
    blocks_.push_back({take_memory(size), size});
  }
  std::byte* p = blocks_[top_.block].data.get() + top_.used;
  top_.used += bytes;
  return reinterpret_cast<float*>(p);
}

void Arena::release(const Mark& mark) {
  top_ = mark;
  ++releases_;
}

std::size_t Arena::bytes() const {
  std::size_t total = 0;
  for (const Block& block : blocks_) total += block.size;
  return total;
}

}  // namespace lathe::tensor
