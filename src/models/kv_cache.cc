#include "models/kv_cache.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace lathe::models {
namespace {

constexpr std::size_t kRows = KvPool::kPageRows;

constexpr std::size_t kPoolSlab = std::size_t{4} << 20;  // bytes

std::size_t pages_for(std::size_t rows) { return (rows + kRows - 1) / kRows; }

}  // namespace

KvPool::KvPool(KvShape shape, kernels::KvType type, std::size_t max_pages)
    : shape_(shape), type_(type), max_pages_(max_pages) {
  slab_pages_ = std::min(max_pages, std::max<std::size_t>(1, kPoolSlab / page_bytes()));
}

// A slab has all of a layer side by side: a head's tiles of one page after the other are then near
// enough for the processor to find them quickly.
void KvPool::add_slab() {
  const std::size_t bytes = slab_bytes();
  LargeMemory slab = take_memory(bytes);
  std::memset(slab.get(), 0, bytes);
  // The last one is free first: a sequence goes through a slab from its beginning.
  for (std::size_t i = std::min(slab_pages_, max_pages_ - pages_.size()); i-- > 0;) {
    pages_.push_back({slab.get() + i * shape_.layer_bytes(type_)});
    free_.push_back(&pages_.back());
  }
  slabs_.push_back(std::move(slab));
}

KvPool::Page* KvPool::take() {
  LATHE_ASSERT(used_ < max_pages_);
  ++used_;
  if (free_.empty()) add_slab();
  Page* page = free_.back();
  free_.pop_back();
  page->owners = 1;
  return page;
}

void KvPool::give_back(Page* page) {
  if (--page->owners > 0) return;
  --used_;
  free_.push_back(page);
}

KvSequence::KvSequence(KvSequence&& other) noexcept
    : pool_(other.pool_),
      pages_(std::move(other.pages_)),
      data_(std::move(other.data_)),
      length_(std::exchange(other.length_, 0)) {
  other.pages_.clear();
  other.data_.clear();
}

KvSequence& KvSequence::operator=(KvSequence&& other) noexcept {
  std::swap(pool_, other.pool_);
  std::swap(pages_, other.pages_);
  std::swap(data_, other.data_);
  std::swap(length_, other.length_);
  return *this;
}

Status KvSequence::reserve(std::size_t rows) {
  const std::size_t needed = pages_for(length_ + rows);
  if (needed <= pages_.size()) return {};
  const std::size_t more = needed - pages_.size();
  if (more > pool_->free_pages()) {
    return Error::limit(fmt::format("the cache has {} free pages of {} positions; {} are needed",
                                    pool_->free_pages(), kRows, more));
  }
  while (pages_.size() < needed) push(pool_->take());
  return {};
}

void KvSequence::advance(std::size_t rows) {
  length_ += rows;
  LATHE_ASSERT(pages_for(length_) <= pages_.size());
}

void KvSequence::truncate(std::size_t length) {
  LATHE_ASSERT(length <= length_ || length == 0);
  length_ = length;
  while (pages_.size() > pages_for(length)) {
    pool_->give_back(pages_.back());
    pages_.pop_back();
    data_.pop_back();
  }
}

void KvSequence::share(const KvSequence& other, std::size_t rows) {
  LATHE_ASSERT(pages_.empty() && length_ == 0 && pool_ == other.pool_);
  LATHE_ASSERT(rows % kRows == 0 && rows <= other.length_);
  for (std::size_t i = 0; i < rows / kRows; ++i) {
    push(other.pages_[i]);
    ++pages_.back()->owners;
  }
  length_ = rows;
}

void KvSequence::append_shared(const KvSequence& other, std::size_t page) {
  LATHE_ASSERT(length_ == pages_.size() * kRows && pool_ == other.pool_);
  LATHE_ASSERT((page + 1) * kRows <= other.length_);
  push(other.pages_[page]);
  ++pages_.back()->owners;
  length_ += kRows;
}

void KvSequence::push(KvPool::Page* page) {
  pages_.push_back(page);
  data_.push_back(page->data);
}

}  // namespace lathe::models
