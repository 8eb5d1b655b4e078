#include "os/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <thread>
#include <vector>

#include "base/result.h"
#include "os/affinity.h"
#include "os/job.h"
#include "os/waiting.h"

namespace lathe::os {
namespace {

constexpr std::size_t kLine = 128;  // bytes: processors fetch lines of 64 in pairs

// Differs for all pools that there ever were, so that a thread knows which of them it belongs to.
std::uint64_t next_pool() {
  static std::atomic<std::uint64_t> pools{0};
  return ++pools;
}

}  // namespace

// One job at a time. A worker may only come in while the job is open; the caller closes it and
// waits until nobody is inside, so that body_ never outlives run(). A worker that comes too late,
// because the system had other work for its processor, is not waited for: the others have taken
// its share.
class ThreadPool::Impl {
 public:
  explicit Impl(const ThreadPlan& plan)
      : callers_processors_(plan.processors_of(0)), slots_(plan.threads) {
    LATHE_ASSERT(plan.threads > 0 && plan.threads <= kMostThreads);
    for (std::size_t i = 1; i < plan.threads; ++i) {
      workers_.emplace_back([this, i, processors = plan.processors_of(i)] {
        confine_thread(processors);
        work(i);
      });
    }
  }

  ~Impl() {
    stopping_.store(true);
    for (std::size_t i = 1; i < slots_.size(); ++i) slots_[i].bed.wake();
    for (std::thread& worker : workers_) worker.join();
  }

  std::size_t width() const { return slots_.size(); }

  void run(std::size_t tasks, FunctionRef<void(std::size_t)> body) {
    if (workers_.empty() || tasks <= 1) {
      for (std::size_t i = 0; i < tasks; ++i) body(i);
      return;
    }
    const std::lock_guard one_caller(callers_);
    confine_caller();
    open(tasks, body);
    take_tasks(0);
    word_.fetch_and(~JobWord::kOpen);
    const auto all_left = [this] { return JobWord(word_.load()).inside() == 0; };
    while (!spin(all_left)) caller_.sleep(all_left);
  }

 private:
  struct alignas(kLine) Slot {
    Share share;
    Bed bed;
  };

  // A thread that calls is the pool's first from then on.
  void confine_caller() {
    thread_local std::uint64_t confined_to = 0;
    if (callers_processors_.empty() || confined_to == pool_) return;
    confine_thread(callers_processors_);
    confined_to = pool_;
  }

  void open(std::size_t tasks, FunctionRef<void(std::size_t)>& body) {
    LATHE_ASSERT(tasks <= UINT32_MAX);
    body_ = &body;
    threads_ = std::min(tasks, slots_.size());
    for (std::size_t i = 0; i < threads_; ++i)
      slots_[i].share.set(tasks * i / threads_, tasks * (i + 1) / threads_);
    word_.store(JobWord(word_.load()).next(threads_).bits());
    for (std::size_t i = 1; i < threads_; ++i) slots_[i].bed.wake();
  }

  // Its own share, then what is left of the others'.
  void take_tasks(std::size_t thread) {
    std::size_t task = 0;
    while (slots_[thread].share.take(task)) (*body_)(task);
    for (std::size_t i = 1; i < threads_; ++i) {
      Share& other = slots_[(thread + i) % threads_].share;
      while (other.take_last(task)) (*body_)(task);
    }
  }

  // Waits for a job other than `seen` that has a share for the thread.
  JobWord wait_for_job(std::size_t thread, JobWord seen) {
    const auto has_work = [&] {
      const JobWord now(word_.load());
      return stopping_.load(std::memory_order_relaxed) ||
             (!now.is_same_job(seen) && now.is_for(thread));
    };
    while (!spin(has_work)) {
      slots_[thread].bed.sleep([&] { return stopping_.load() || has_work(); });
    }
    return JobWord(word_.load());
  }

  bool enter(std::size_t thread, JobWord job) {
    std::uint64_t bits = job.bits();
    while (JobWord(bits).is_same_job(job) && JobWord(bits).is_for(thread)) {
      if (word_.compare_exchange_weak(bits, bits + 1)) return true;
    }
    return false;
  }

  void leave() {
    const JobWord was(word_.fetch_sub(1));
    if (was.inside() == 1 && !was.is_open()) caller_.wake();
  }

  void work(std::size_t thread) {
    JobWord seen;
    while (true) {
      seen = wait_for_job(thread, seen);
      if (stopping_.load()) return;
      if (!enter(thread, seen)) continue;
      take_tasks(thread);
      leave();
    }
  }

  const std::uint64_t pool_ = next_pool();
  const std::vector<std::size_t> callers_processors_;  // empty: wherever the caller is
  std::mutex callers_;                                 // held for the whole of run()
  // The job: written by the caller while nobody is inside.
  FunctionRef<void(std::size_t)>* body_ = nullptr;
  std::size_t threads_ = 0;                            // that have a share of it
  std::vector<Slot> slots_;                            // by thread; the caller's is the first
  alignas(kLine) std::atomic<std::uint64_t> word_{0};  // a JobWord
  alignas(kLine) Bed caller_;
  std::atomic<bool> stopping_{false};
  std::vector<std::thread> workers_;
};

ThreadPool::ThreadPool(std::size_t threads) : ThreadPool(plan_threads(this_machine(), threads)) {}

ThreadPool::ThreadPool(const ThreadPlan& plan) : impl_(std::make_unique<Impl>(plan)) {}

ThreadPool::~ThreadPool() = default;

std::size_t ThreadPool::width() const { return impl_->width(); }

void ThreadPool::run(std::size_t tasks, FunctionRef<void(std::size_t)> body) {
  impl_->run(tasks, body);
}

}  // namespace lathe::os
