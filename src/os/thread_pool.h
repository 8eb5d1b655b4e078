// A persistent pool of threads that implements base/parallel.h. Workers spin briefly after a job,
// because the next one usually follows within microseconds, and then sleep.
//
// Thread-safety: run() may be called from one thread at a time; a second caller waits for the
// first.
#pragma once

#include <memory>

#include "base/parallel.h"

namespace lathe::os {

// Processors this process may use: affinity and cgroup quota respected; at least 1.
std::size_t available_processors();

class ThreadPool final : public Parallel {
 public:
  // threads counts the caller; 0 means available_processors().
  explicit ThreadPool(std::size_t threads = 0);
  ~ThreadPool() override;

  std::size_t width() const override;
  void run(std::size_t tasks, FunctionRef<void(std::size_t)> body) override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lathe::os
