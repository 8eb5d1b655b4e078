#include "tensor/arena.h"

#include <algorithm>
#include <new>

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
  while (block_ < blocks_.size() && used_ + bytes > blocks_[block_].size) {
    ++block_;
    used_ = 0;
  }
  if (block_ == blocks_.size()) {
    // Each block doubles what is held, so that a large pass takes few of them.
    const std::size_t size = std::max({bytes, kLeastBlock, this->bytes()});
    Block block;
    block.data.reset(static_cast<std::byte*>(std::aligned_alloc(kAlignment, size)));
    if (block.data == nullptr) throw std::bad_alloc();
    block.size = size;
    blocks_.push_back(std::move(block));
  }
  std::byte* p = blocks_[block_].data.get() + used_;
  used_ += bytes;
  return reinterpret_cast<float*>(p);
}

void Arena::reset() {
  block_ = 0;
  used_ = 0;
  ++pass_;
}

void Arena::rewind(Mark mark) {
  block_ = mark.block;
  used_ = mark.used;
  ++pass_;
}

std::size_t Arena::bytes() const {
  std::size_t total = 0;
  for (const Block& block : blocks_) total += block.size;
  return total;
}

}  // namespace lathe::tensor
