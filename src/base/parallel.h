// How kernels ask for threads without owning any: the caller passes a Parallel, os/thread_pool.h
// implements it, and SerialParallel runs everything on the calling thread.
#pragma once

#include <cstddef>

#include "base/function_ref.h"

namespace lathe {

class Parallel {
 public:
  virtual ~Parallel() = default;

  // Threads that work at once, the caller's included; at least 1.
  virtual std::size_t width() const = 0;

  // Calls body(i) for each i in [0, tasks), in any order and on any thread, and returns when all
  // are done. body must not throw and must not call run() of the same object.
  virtual void run(std::size_t tasks, FunctionRef<void(std::size_t)> body) = 0;
};

class SerialParallel final : public Parallel {
 public:
  std::size_t width() const override { return 1; }
  void run(std::size_t tasks, FunctionRef<void(std::size_t)> body) override {
    for (std::size_t i = 0; i < tasks; ++i) body(i);
  }
};

}  // namespace lathe
