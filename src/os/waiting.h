// How the threads of a pool wait for each other: awake for a while, because that answers within
// nanoseconds, and then asleep, because others may need the processor. For os/thread_pool.cc.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace lathe::os {

// How long a thread looks for work, or for the end of the others', before it sleeps: longer than
// the sampler takes between two tokens, so that an answer never waits for a sleeper to be woken.
constexpr auto kSpin = std::chrono::microseconds(200);

inline void pause_processor() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb");  // YIELD does nothing on most processors
#endif
}

// Looks again and again until it is told to stop; false when nothing came in time.
template <class Done>
bool spin(const Done& done) {
  constexpr int kLooks = 32;  // between two looks at the clock
  const auto end = std::chrono::steady_clock::now() + kSpin;
  do {
    for (int i = 0; i < kLooks; ++i) {
      if (done()) return true;
      pause_processor();
    }
  } while (std::chrono::steady_clock::now() < end);
  return false;
}

// Where one thread sleeps.
class Bed {
 public:
  // Sleeps until somebody wakes it; returns at once when `awake()`, which must become true before
  // wake() is called.
  template <class Awake>
  void sleep(const Awake& awake) {
    asleep_.store(1);
    while (!awake() && asleep_.load() == 1) asleep_.wait(1);
    asleep_.store(0);
  }
  void wake() {
    if (asleep_.load() == 1 && asleep_.exchange(0) == 1) asleep_.notify_one();
  }

 private:
  std::atomic<std::uint32_t> asleep_{0};
};

}  // namespace lathe::os
