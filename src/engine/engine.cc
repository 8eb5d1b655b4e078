#include "engine/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "engine/generation_task.h"
#include "engine/request_check.h"
#include "engine/scheduler.h"
#include "engine/score_task.h"
#include "os/clock.h"

namespace lathe::engine {
namespace {

// How long the engine sleeps when every sequence waits for its reader.
constexpr auto kCongestionPause = std::chrono::milliseconds(2);

// Memory for the logits of scored rows in one pass.
constexpr std::size_t kScoreLogitBytes = std::size_t{32} << 20;

const os::Clock& system_clock() {
  static const os::SystemClock clock;
  return clock;
}

std::vector<std::int32_t> eos_ids_of(const models::Decoder& decoder,
                                     const text::Tokenizer& tokenizer) {
  std::vector<std::int32_t> ids;
  for (const std::int64_t id : decoder.config().eos_ids) {
    ids.push_back(static_cast<std::int32_t>(id));
  }
  if (const auto eos = tokenizer.eos_id();
      eos && std::find(ids.begin(), ids.end(), *eos) == ids.end()) {
    ids.push_back(*eos);
  }
  return ids;
}

Result<SchedulerOptions> scheduler_options(const models::Decoder& decoder,
                                           const EngineOptions& options) {
  if (options.max_sequences == 0 || options.prefill_rows == 0) {
    return Error::bad_input("an engine needs at least one sequence and one row in a pass")
        .at(options.max_sequences == 0 ? "max_sequences" : "prefill_rows");
  }
  constexpr std::size_t kRows = models::KvPool::kPageRows;
  const std::size_t page_bytes = decoder.kv_shape().page_bytes(options.kv_type);
  const std::size_t whole_context = (decoder.context() + kRows - 1) / kRows;
  SchedulerOptions result;
  result.max_sequences = options.max_sequences;
  result.prefill_rows = options.prefill_rows;
  result.prefix_cache = options.prefix_cache;
  result.activations = options.activations;
  result.kv_type = options.kv_type;
  const auto row_bytes = static_cast<std::size_t>(decoder.config().vocab_size) * sizeof(float);
  result.score_outputs = std::max<std::size_t>(1, kScoreLogitBytes / row_bytes);
  // More than all sequences at their longest could use serves the prefix cache; no bound but bytes.
  result.pages = options.kv_bytes / page_bytes;
  if (result.pages > 0) return result;
  return Error::limit(fmt::format("{} bytes for keys and values hold no page of {} bytes",
                                  options.kv_bytes, page_bytes))
      .at("kv_bytes")
      .fix_with(fmt::format("a whole context takes {} bytes", whole_context * page_bytes));
}

}  // namespace

// The queue and the thread around a Scheduler. mutex_ guards everything but the scheduler, which
// only the thread touches.
class Engine::Impl {
 public:
  Impl(std::shared_ptr<const models::Decoder> decoder, text::Tokenizer tokenizer,
       Parallel& parallel, const EngineOptions& options, const SchedulerOptions& scheduling)
      : decoder_(std::move(decoder)),
        tokenizer_(std::move(tokenizer)),
        clock_(options.clock != nullptr ? *options.clock : system_clock()),
        eos_ids_(options.eos_ids.empty() ? eos_ids_of(*decoder_, tokenizer_) : options.eos_ids),
        bounds_{decoder_->context(), scheduling.pages * models::KvPool::kPageRows},
        max_live_(options.max_sequences + options.max_waiting),
        scheduler_(*decoder_, parallel, scheduling),
        stats_(scheduler_.stats()),
        thread_([this] { work(); }) {}

  ~Impl() {
    close(true);
    thread_.join();
  }

  Status enqueue(std::vector<std::int32_t> tokens, Adapters adapters, std::shared_ptr<Task> task) {
    auto sequence = std::make_unique<Sequence>();
    sequence->tokens = std::move(tokens);
    sequence->adapters = std::move(adapters);
    sequence->task = std::move(task);
    {
      const std::lock_guard lock(mutex_);
      if (closing_) return Error::unavailable("the engine is stopping");
      if (live_ >= max_live_) {
        return Error::unavailable(
                   fmt::format("the queue is full: {} requests are being worked on", live_))
            .fix_with("try again later");
      }
      ++live_;
      inbox_.push_back(std::move(sequence));
    }
    wake_.notify_all();
    return {};
  }

  // Refuses new requests and waits until there are no others.
  void close(bool cancel) {
    std::unique_lock lock(mutex_);
    closing_ = true;
    cancel_all_ = cancel_all_ || cancel;
    wake_.notify_all();
    gone_.wait(lock, [this] { return finished_; });
  }

  EngineStats stats() const {
    const std::lock_guard lock(mutex_);
    EngineStats stats = stats_;
    stats.waiting += inbox_.size();
    return stats;
  }

  const models::Decoder& decoder() const { return *decoder_; }
  const text::Tokenizer& tokenizer() const { return tokenizer_; }
  const os::Clock& clock() const { return clock_; }
  const std::vector<std::int32_t>& eos_ids() const { return eos_ids_; }
  const RequestBounds& bounds() const { return bounds_; }

 private:
  void work() {
    while (take_in()) {
      const double begin = clock_.seconds();
      const bool ran = scheduler_.step();
      if (ran) busy_seconds_ += clock_.seconds() - begin;
      let_out();
      if (!ran) pause();
    }
    const std::lock_guard lock(mutex_);
    finished_ = true;
    gone_.notify_all();
  }

  // Waits for work and moves it to the scheduler. False: the engine is closing and nothing is left.
  bool take_in() {
    bool cancel = false;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return !inbox_.empty() || scheduler_.size() > 0 || closing_; });
      if (closing_ && inbox_.empty() && scheduler_.size() == 0) return false;
      for (auto& sequence : inbox_) scheduler_.add(std::move(sequence));
      inbox_.clear();
      stats_.waiting = scheduler_.stats().waiting;
      cancel = cancel_all_;
    }
    if (cancel) scheduler_.cancel_all();
    return true;
  }

  // Publishes the counts first, so that whoever is told of an end finds them settled.
  void let_out() {
    std::vector<Scheduler::Ended> ended = scheduler_.take_ended();
    {
      const std::lock_guard lock(mutex_);
      live_ -= ended.size();
      stats_ = scheduler_.stats();
      stats_.busy_seconds = busy_seconds_;
    }
    for (Scheduler::Ended& e : ended) e.task->end(std::move(e.ending));
  }

  // Nothing could run: there is no sequence, or all of them wait for their readers.
  void pause() {
    if (scheduler_.size() == 0) return;
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, kCongestionPause, [this] { return !inbox_.empty() || cancel_all_; });
  }

  const std::shared_ptr<const models::Decoder> decoder_;
  const text::Tokenizer tokenizer_;
  const os::Clock& clock_;
  const std::vector<std::int32_t> eos_ids_;
  const RequestBounds bounds_;
  const std::size_t max_live_;

  Scheduler scheduler_;      // the thread's
  double busy_seconds_ = 0;  // the thread's

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable gone_;
  std::deque<std::unique_ptr<Sequence>> inbox_;
  std::size_t live_ = 0;  // accepted and not ended
  bool closing_ = false;
  bool cancel_all_ = false;
  bool finished_ = false;  // the thread has done its last work
  EngineStats stats_;      // as of the last step
  std::thread thread_;     // last: it uses all the others
};

Result<std::unique_ptr<Engine>> Engine::start(std::shared_ptr<const models::Decoder> decoder,
                                              text::Tokenizer tokenizer, Parallel& parallel,
                                              const EngineOptions& options) {
  if (tokenizer.vocab_size() > decoder->config().vocab_size) {
    return Error::bad_input(fmt::format("the tokenizer has {} tokens and the model {}",
                                        tokenizer.vocab_size(), decoder->config().vocab_size))
        .fix_with("load the tokenizer that belongs to the model");
  }
  LATHE_TRY(const SchedulerOptions scheduling, scheduler_options(*decoder, options));
  return std::unique_ptr<Engine>(new Engine(std::make_unique<Impl>(
      std::move(decoder), std::move(tokenizer), parallel, options, scheduling)));
}

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Engine::~Engine() = default;

Result<std::shared_ptr<Generation>> Engine::submit(GenerationRequest request,
                                                   std::shared_ptr<GenerationSink> sink) {
  LATHE_TRY(GenerationPlan plan,
            plan_generation(request, impl_->decoder(), impl_->bounds(), impl_->eos_ids()));
  auto task = std::make_shared<GenerationTask>(request.prompt, std::move(plan), impl_->tokenizer(),
                                               impl_->clock(), std::move(sink));
  LATHE_CHECK(impl_->enqueue(std::move(request.prompt), std::move(request.adapters), task));
  return std::shared_ptr<Generation>(std::move(task));
}

Result<std::shared_ptr<Scoring>> Engine::submit(ScoreRequest request) {
  LATHE_CHECK(check_score(request, impl_->decoder(), impl_->bounds()));
  auto task = std::make_shared<ScoreTask>(request, impl_->clock());
  LATHE_CHECK(impl_->enqueue(std::move(request.tokens), std::move(request.adapters), task));
  return std::shared_ptr<Scoring>(std::move(task));
}

EngineStats Engine::stats() const { return impl_->stats(); }
const models::Decoder& Engine::decoder() const { return impl_->decoder(); }
const text::Tokenizer& Engine::tokenizer() const { return impl_->tokenizer(); }
std::size_t Engine::capacity() const { return impl_->bounds().capacity(); }
void Engine::drain() { impl_->close(false); }
void Engine::stop() { impl_->close(true); }

}  // namespace lathe::engine
