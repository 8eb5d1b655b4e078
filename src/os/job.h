// What the threads of a pool know of the job they work on. For os/thread_pool.cc.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "os/cores.h"

namespace lathe::os {

// Tasks [first, end) of a job. Its thread takes them from the front, one that has no more of its
// own takes from the end.
class Share {
 public:
  void set(std::size_t first, std::size_t end) {
    range_.store((static_cast<std::uint64_t>(first) << 32) | end, std::memory_order_relaxed);
  }
  bool take(std::size_t& task) {
    const std::uint64_t was = range_.fetch_add(kOneFirst, std::memory_order_relaxed);
    task = was >> 32;
    return task < (was & kEnd);
  }
  bool take_last(std::size_t& task) {
    std::uint64_t was = range_.load(std::memory_order_relaxed);
    while (was >> 32 < (was & kEnd)) {
      if (!range_.compare_exchange_weak(was, was - 1, std::memory_order_relaxed)) continue;
      task = (was & kEnd) - 1;
      return true;
    }
    return false;
  }

 private:
  static constexpr std::uint64_t kOneFirst = std::uint64_t{1} << 32, kEnd = kOneFirst - 1;
  std::atomic<std::uint64_t> range_{0};  // first in the upper half, end in the lower
};

// All that workers must know of a job, in one word that changes at once: which job it is, how many
// threads share it, whether one may still come in, and how many workers are inside.
class JobWord {
 public:
  explicit JobWord(std::uint64_t bits = 0) : bits_(bits) {}
  JobWord next(std::size_t threads) const {
    const std::uint64_t number = (bits_ >> kNumberAt) + 1;
    return JobWord((number << kNumberAt) | (threads << kThreadsAt) | kOpen);
  }
  bool is_same_job(JobWord other) const { return bits_ >> kNumberAt == other.bits_ >> kNumberAt; }
  bool is_for(std::size_t thread) const {
    return is_open() && thread < ((bits_ >> kThreadsAt) & kCount);
  }
  bool is_open() const { return (bits_ & kOpen) != 0; }
  std::uint64_t inside() const { return bits_ & kCount; }
  std::uint64_t bits() const { return bits_; }

  static constexpr std::uint64_t kOpen = std::uint64_t{1} << 15;

 private:
  // Bits: 0-14 inside, 15 open, 16-30 threads, 32-63 the job's number.
  static constexpr std::uint64_t kCount = kOpen - 1;
  static constexpr int kThreadsAt = 16, kNumberAt = 32;
  static_assert(kMostThreads <= kCount);
  std::uint64_t bits_;
};

}  // namespace lathe::os
