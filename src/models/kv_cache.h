// Keys and values of the sequences being decoded, in pages of kPageRows positions. A page holds its
// positions for every layer, so that one number counts what a sequence takes.
//
// A page is either free, or owned by one or more sequences (reference-counted, so that sequences
// may share a common beginning). Shared pages are read-only: a sequence writes only past its
// length, and share() takes whole pages. Not thread-safe: one engine thread owns a pool.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"

namespace lathe::models {

// What a page must hold for each position.
struct KvShape {
  std::size_t layers = 0;
  std::size_t width = 0;  // kv_heads * head_dim
};

class KvPool {
 public:
  static constexpr std::size_t kPageRows = 16;

  // Memory is taken page by page as it is needed, up to max_pages.
  KvPool(KvShape shape, std::size_t max_pages);

  KvPool(const KvPool&) = delete;
  KvPool& operator=(const KvPool&) = delete;

  std::size_t free_pages() const { return max_pages_ - used_; }
  std::size_t max_pages() const { return max_pages_; }
  std::size_t page_bytes() const { return page_floats() * sizeof(float); }
  const KvShape& shape() const { return shape_; }

 private:
  friend class KvSequence;
  struct Page {
    std::unique_ptr<float[]> data;  // [layers][2][kPageRows][width]
    std::size_t owners = 0;
  };

  std::size_t page_floats() const { return shape_.layers * 2 * kPageRows * shape_.width; }
  Page* take();
  void give_back(Page* page);

  KvShape shape_;
  std::size_t max_pages_;
  std::size_t used_ = 0;
  std::vector<std::unique_ptr<Page>> pages_;
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

  // The pages of a layer, in order; valid until the sequence changes.
  void layer_pages(std::size_t layer, std::vector<float*>& keys, std::vector<float*>& values) const;

 private:
  KvPool* pool_;
  std::vector<KvPool::Page*> pages_;
  std::size_t length_ = 0;
};

}  // namespace lathe::models
