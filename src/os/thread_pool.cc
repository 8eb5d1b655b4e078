#include "os/thread_pool.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace lathe::os {
namespace {

// CPUs that the cgroup's quota pays for (cgroup v2, cpu.max: "quota period" or "max period"), or 0.
double cgroup_quota() {
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota == "max" || period <= 0) return 0;
  return std::strtod(quota.c_str(), nullptr) / period;
}

constexpr int kSpins = 4000;  // some 20 µs: longer than the gap between two products of one layer

inline void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb");  // YIELD does nothing on most processors
#else
  std::this_thread::yield();
#endif
}

}  // namespace

std::size_t available_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  double count = std::max(1u, std::thread::hardware_concurrency());
  if (::sched_getaffinity(0, sizeof set, &set) == 0) count = CPU_COUNT(&set);
  if (const double quota = cgroup_quota(); quota > 0) count = std::min(count, std::ceil(quota));
  return std::max<std::size_t>(1, static_cast<std::size_t>(count));
}

// One job at a time. A worker may only join a job while it is open, and is counted in `inside_`
// while it works; the caller closes the job and waits until nobody is inside, so that body_ never
// outlives run().
class ThreadPool::Impl {
 public:
  explicit Impl(std::size_t threads) {
    for (std::size_t i = 1; i < threads; ++i) workers_.emplace_back([this] { work(); });
  }

  ~Impl() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      ++generation_;
    }
    wake_.notify_all();
    for (std::thread& worker : workers_) worker.join();
  }

  std::size_t width() const { return workers_.size() + 1; }

  void run(std::size_t tasks, FunctionRef<void(std::size_t)> body) {
    if (tasks == 0) return;
    if (workers_.empty() || tasks == 1) {
      for (std::size_t i = 0; i < tasks; ++i) body(i);
      return;
    }
    const std::lock_guard one_caller(callers_);
    {
      const std::lock_guard lock(mutex_);
      body_ = &body;
      tasks_ = tasks;
      next_.store(0);
      open_ = true;
      ++generation_;
    }
    if (sleepers_.load() > 0) wake_.notify_all();
    take_tasks(body, tasks);
    {
      const std::lock_guard lock(mutex_);
      open_ = false;
    }
    for (int spins = 0; inside_.load() != 0; ++spins)
      spins < kSpins ? pause() : std::this_thread::yield();
  }

 private:
  void take_tasks(FunctionRef<void(std::size_t)> body, std::size_t tasks) {
    for (std::size_t i = next_.fetch_add(1); i < tasks; i = next_.fetch_add(1)) body(i);
  }

  // Waits for a generation other than seen; spins first.
  std::uint64_t wait_for_job(std::uint64_t seen) {
    for (int i = 0; i < kSpins; ++i) {
      if (generation_.load() != seen) return generation_.load();
      pause();
    }
    std::unique_lock lock(mutex_);
    ++sleepers_;
    wake_.wait(lock, [&] { return generation_.load() != seen; });
    --sleepers_;
    return generation_.load();
  }

  void work() {
    std::uint64_t seen = 0;
    while (true) {
      seen = wait_for_job(seen);
      FunctionRef<void(std::size_t)>* body = nullptr;
      std::size_t tasks = 0;
      {
        const std::lock_guard lock(mutex_);
        if (stopping_) return;
        if (!open_) continue;
        body = body_;
        tasks = tasks_;
        ++inside_;
      }
      take_tasks(*body, tasks);
      --inside_;
    }
  }

  std::mutex callers_;  // held for the whole of run()
  std::mutex mutex_;    // guards body_, tasks_, open_, stopping_ and the changes of generation_
  std::condition_variable wake_;
  FunctionRef<void(std::size_t)>* body_ = nullptr;
  std::size_t tasks_ = 0;
  bool open_ = false;
  bool stopping_ = false;
  std::atomic<std::uint64_t> generation_{0};
  std::atomic<std::size_t> next_{0};
  std::atomic<std::size_t> inside_{0};
  std::atomic<std::size_t> sleepers_{0};
  std::vector<std::thread> workers_;
};

ThreadPool::ThreadPool(std::size_t threads)
    : impl_(std::make_unique<Impl>(threads == 0 ? available_processors() : threads)) {}

ThreadPool::~ThreadPool() = default;

std::size_t ThreadPool::width() const { return impl_->width(); }

void ThreadPool::run(std::size_t tasks, FunctionRef<void(std::size_t)> body) {
  impl_->run(tasks, body);
}

}  // namespace lathe::os
