#include "cli/training_progress.h"

#include <fmt/format.h>

#include <csignal>
#include <memory>

namespace lathe::cli {
namespace {

volatile std::sig_atomic_t g_interrupted = 0;

void on_interrupt(int) { g_interrupted = 1; }

// Means that follow the last few dozen steps.
struct Smooth {
  double loss = 0;
  double rate = 0;
  void add(const training::Progress& p) {
    const double keep = p.step == 1 || rate == 0 ? 0.0 : 0.95;
    loss = keep * loss + (1 - keep) * p.loss;
    rate = keep * rate + (1 - keep) * p.tokens_per_second;
  }
};

}  // namespace

bool interrupted() { return g_interrupted != 0; }

training::TrainerCallbacks training_callbacks(ProgressLine& line) {
  g_interrupted = 0;
  std::signal(SIGINT, on_interrupt);
  std::signal(SIGTERM, on_interrupt);
  const auto smooth = std::make_shared<Smooth>();
  training::TrainerCallbacks callbacks;
  callbacks.on_step = [&line, smooth](const training::Progress& p) {
    smooth->add(p);
    const bool last = p.step == p.total_steps || interrupted();
    line.show(
        fmt::format(
            "step {}/{}  loss {:.4f}  rate {:.2e}  gradient {:.2f}  {:.0f} tokens/s  {:.2f} M "
            "tokens  {} left",
            p.step, p.total_steps, smooth->loss, p.learning_rate, p.gradient_norm, smooth->rate,
            static_cast<double>(p.tokens) * 1e-6, duration(p.seconds_left)),
        last);
    return !interrupted();
  };
  return callbacks;
}

}  // namespace lathe::cli
