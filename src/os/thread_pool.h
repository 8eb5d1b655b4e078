// A persistent pool of threads that implements base/parallel.h. Between jobs workers look for the
// next one for a while, because it usually follows within microseconds, and then sleep.
//
// Each thread has a share of a job's tasks, the same from job to job, so that it finds in its
// caches what it had there; who has done its own helps the others, so that a slow core, or one that
// the system has other work for, does not hold up the rest.
//
// Thread-safety: run() may be called from one thread at a time; a second caller waits for the
// first.
#pragma once

#include <memory>

#include "base/parallel.h"
#include "os/cores.h"

namespace lathe::os {

class ThreadPool final : public Parallel {
 public:
  // threads counts the caller; 0: as many as this machine is best used with (os/cores.h).
  explicit ThreadPool(std::size_t threads = 0);
  explicit ThreadPool(const ThreadPlan& plan);
  ~ThreadPool() override;

  std::size_t width() const override;
  void run(std::size_t tasks, FunctionRef<void(std::size_t)> body) override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lathe::os
