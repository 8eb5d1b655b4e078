#include "cli/answer_printer.h"

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <thread>

namespace lathe::cli {
namespace {

// Set by the handler; one answer is waited for at a time.
std::atomic<bool> answer_interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free);

// Catches Ctrl-C while it lives.
class InterruptGuard {
 public:
  InterruptGuard() {
    answer_interrupted = false;
    struct sigaction action = {};
    action.sa_handler = [](int) { answer_interrupted = true; };
    ::sigaction(SIGINT, &action, &before_);
  }
  ~InterruptGuard() { ::sigaction(SIGINT, &before_, nullptr); }
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

 private:
  struct sigaction before_ = {};
};

}  // namespace

void AnswerPrinter::on_token(const engine::Delta& delta) {
  std::fwrite(delta.text.data(), 1, delta.text.size(), stdout);
  std::fflush(stdout);
}

void AnswerPrinter::on_end(const engine::Answer&) {
  std::fputc('\n', stdout);
  std::fflush(stdout);
}

const engine::Answer& wait_interruptibly(engine::Generation& generation) {
  constexpr auto kLook = std::chrono::milliseconds(10);
  const InterruptGuard guard;
  while (!generation.finished()) {
    if (answer_interrupted.exchange(false)) generation.cancel();
    std::this_thread::sleep_for(kLook);
  }
  return generation.wait();
}

}  // namespace lathe::cli
