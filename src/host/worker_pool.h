// A few threads that run posted work in order of arrival: for what would block a server's own
// threads (reading the catalogue, retrieving, tokenizing, loading). Not for kernels: those use
// os/thread_pool.h.
//
// Thread-safe. The queue has no bound of its own: whoever posts counts what is under way.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace lathe::host {

class WorkerPool {
 public:
  explicit WorkerPool(std::size_t threads);
  // Runs what was posted, then stops. Work that is posted by that work runs, too.
  ~WorkerPool();

  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  void post(std::function<void()> work);

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;  // guarded by mutex_
  bool stopping_ = false;                    // guarded by mutex_
  std::vector<std::thread> threads_;
};

}  // namespace lathe::host
