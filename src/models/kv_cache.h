// Keys and values of the sequences being decoded, in pages of kPageRows positions. A page holds its
// positions for every layer, so that one number counts what a sequence takes.
//
// A page is either free, or owned by one or more sequences (reference-counted, so that sequences
// may share a common beginning). Shared pages are read-only: a sequence writes only past its
// length, and share() takes whole pages. Not thread-safe: one engine thread owns a pool.
#pragma once

#include <cstddef>
#include <deque>
#include <span>
#include <vector>

#include "base/large_memory.h"
#include "base/result.h"
#include "ops/ops.h"

namespace lathe::models {

// What a page must hold for each position.
struct KvShape {
  std::size_t layers = 0;
  std::size_t heads = 0;  // kv heads
  std::size_t dim = 0;    // of a head

  std::size_t width() const { return heads * dim; }
  // What a layer takes of a page: tiles of keys, then tiles of values.
  std::size_t layer_bytes(kernels::KvType type) const {
    return 2 * heads * kernels::kv_tile_bytes(type, dim);
  }
  std::size_t page_bytes(kernels::KvType type) const { return layers * layer_bytes(type); }
};

class KvPool {
 public:
  static constexpr std::size_t kPageRows = kernels::kKvTile;

  // Memory is taken a few megabytes at a time as it is needed, up to max_pages.
  KvPool(KvShape shape, kernels::KvType type, std::size_t max_pages);

  KvPool(const KvPool&) = delete;
  KvPool& operator=(const KvPool&) = delete;

  std::size_t free_pages() const { return max_pages_ - used_; }
  std::size_t max_pages() const { return max_pages_; }
  std::size_t page_bytes() const { return shape_.page_bytes(type_); }
  const KvShape& shape() const { return shape_; }
  kernels::KvType type() const { return type_; }

 private:
  friend class KvSequence;
  using Slab = LargeMemory;  // [layers][slab_pages_][2][heads] tiles
  struct Page {
    std::byte* data;  // in the slab's first layer
    std::size_t owners = 0;
  };

  std::size_t layer_step() const { return slab_pages_ * shape_.layer_bytes(type_); }
  std::size_t slab_bytes() const { return slab_pages_ * page_bytes(); }
  void add_slab();
  Page* take();
  void give_back(Page* page);

  KvShape shape_;
  kernels::KvType type_;
  std::size_t max_pages_;
  std::size_t slab_pages_ = 0;
  std::size_t used_ = 0;
  std::vector<Slab> slabs_;
  std::deque<Page> pages_;
  std::vector<Page*> free_;
};

// The cached rows of one sequence. Move-only; gives its pages back when it goes. The pool must
// outlive it.
class KvSequence {
 public:
  explicit KvSequence(KvPool& pool) : pool_(&pool) {}
  KvSequence(KvSequence&& other) noexcept;
  KvSequence& operator=(KvSequence&& other) noexcept;
  ~KvSequence() { clear(); }

  // Rows that are written and attended to.
  std::size_t length() const { return length_; }
  // Makes room for length() + rows. Errors: limit (no page is free); then nothing has changed.
  Status reserve(std::size_t rows);
  // Counts `rows` more rows as written, after a pass has written them. REQUIRES: reserve(rows) was
  // done.
  void advance(std::size_t rows);
  // Forgets everything past `length`.
  void truncate(std::size_t length);
  void clear() { truncate(0); }

  // Begins with the first `rows` rows of other. REQUIRES: this is empty, rows % kPageRows == 0,
  // rows <= other.length(), the same pool.
  void share(const KvSequence& other, std::size_t rows);
  // Adds one whole page of other, read-only, at the end. REQUIRES: length() is a multiple of
  // kPageRows and nothing is reserved past it, page < other.length() / kPageRows, the same pool.
  void append_shared(const KvSequence& other, std::size_t page);
  // Sequences that own a page, this one included. REQUIRES: page * kPageRows < length().
  std::size_t owners(std::size_t page) const { return pages_[page]->owners; }

  // The pages in order, and how many bytes into each a layer stands; valid until the sequence
  // changes.
  std::byte* const* pages() const { return data_.data(); }
  std::size_t layer_offset(std::size_t layer) const { return layer * pool_->layer_step(); }
  kernels::KvType type() const { return pool_->type(); }

 private:
  void push(KvPool::Page* page);

  KvPool* pool_;
  std::vector<KvPool::Page*> pages_;
  std::vector<std::byte*> data_;  // of the pages
  std::size_t length_ = 0;
};

}  // namespace lathe::models
