#include "models/kv_cache.h"

#include <fmt/format.h>

#include <utility>

namespace lathe::models {
namespace {

constexpr std::size_t kRows = KvPool::kPageRows;

std::size_t pages_for(std::size_t rows) { return (rows + kRows - 1) / kRows; }

}  // namespace

KvPool::KvPool(KvShape shape, std::size_t max_pages) : shape_(shape), max_pages_(max_pages) {}

KvPool::Page* KvPool::take() {
  LATHE_ASSERT(used_ < max_pages_);
  ++used_;
  if (free_.empty()) {
    pages_.push_back(std::make_unique<Page>());
    pages_.back()->data = std::make_unique<float[]>(page_floats());
    free_.push_back(pages_.back().get());
  }
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
      length_(std::exchange(other.length_, 0)) {
  other.pages_.clear();
}

KvSequence& KvSequence::operator=(KvSequence&& other) noexcept {
  std::swap(pool_, other.pool_);
  std::swap(pages_, other.pages_);
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
  while (pages_.size() < needed) pages_.push_back(pool_->take());
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
  }
}

void KvSequence::share(const KvSequence& other, std::size_t rows) {
  LATHE_ASSERT(pages_.empty() && length_ == 0 && pool_ == other.pool_);
  LATHE_ASSERT(rows % kRows == 0 && rows <= other.length_);
  for (std::size_t i = 0; i < rows / kRows; ++i) {
    pages_.push_back(other.pages_[i]);
    ++pages_.back()->owners;
  }
  length_ = rows;
}

void KvSequence::append_shared(const KvSequence& other, std::size_t page) {
  LATHE_ASSERT(length_ == pages_.size() * kRows && pool_ == other.pool_);
  LATHE_ASSERT((page + 1) * kRows <= other.length_);
  pages_.push_back(other.pages_[page]);
  ++pages_.back()->owners;
  length_ += kRows;
}

void KvSequence::layer_pages(std::size_t layer, std::vector<float*>& keys,
                             std::vector<float*>& values) const {
  const std::size_t block = kRows * pool_->shape().width;
  keys.clear();
  values.clear();
  for (const KvPool::Page* page : pages_) {
    keys.push_back(page->data.get() + layer * 2 * block);
    values.push_back(keys.back() + block);
  }
}

}  // namespace lathe::models
