#include "engine/scheduler.h"

#include <algorithm>
#include <utility>

namespace lathe::engine {
namespace {

constexpr std::size_t kRows = models::KvPool::kPageRows;

}  // namespace

Scheduler::Scheduler(const models::Decoder& decoder, Parallel& parallel,
                     const SchedulerOptions& options)
    : decoder_(decoder),
      options_(options),
      pool_(decoder.kv_shape(), options.kv_type, options.pages),
      run_(kernels::active(), parallel, arena_) {
  run_.activations = options.activations;
}

void Scheduler::add(std::unique_ptr<Sequence> sequence) {
  sequence->prompt = sequence->tokens.size();
  waiting_.push_back(std::move(sequence));
}

bool Scheduler::step() {
  drop_cancelled();
  plan();
  if (batch_.tokens.empty()) return false;
  arena_.reset();
  const ops::Value logits = decoder_.forward(run_, batch_);
  ++counters_.steps;
  counters_.rows += batch_.tokens.size();
  deliver(logits);
  return true;
}

void Scheduler::drop_cancelled() {
  const auto drop = [this](const std::unique_ptr<Sequence>& sequence) {
    if (!sequence->task->cancelled()) return false;
    finish(*sequence, {FinishReason::cancelled});
    return true;
  };
  std::erase_if(running_, drop);
  std::erase_if(waiting_, drop);
}

void Scheduler::cancel_all() {
  for (const auto& sequence : running_) finish(*sequence, {FinishReason::cancelled});
  for (const auto& sequence : waiting_) finish(*sequence, {FinishReason::cancelled});
  running_.clear();
  waiting_.clear();
}

void Scheduler::plan() {
  batch_.clear();
  parts_.clear();
  Budget budget = {options_.prefill_rows, options_.score_outputs};
  // Making room takes sequences from the end, so those already planned stay.
  for (std::size_t i = 0; i < running_.size(); ++i) plan_part(*running_[i], budget);
  while (!waiting_.empty() && running_.size() < options_.max_sequences && budget.prefill_rows > 0 &&
         budget.score_outputs > 0) {
    if (!admit_next()) break;
    plan_part(*running_.back(), budget);
  }
  const auto others =
      std::stable_partition(parts_.begin(), parts_.end(), [](const Part& p) { return p.drawn(); });
  std::stable_partition(others, parts_.end(), [](const Part& p) { return p.ends_prompt(); });
  for (Part& part : parts_) add_to_batch(part);
}

std::size_t Scheduler::first_output(const Sequence& sequence) const {
  return std::max(sequence.task->rows(sequence.tokens.size()).first_output, sequence.taken);
}

// The last row alone is always taken: it is what a sequence that draws needs. Others share the
// budget. Rows of the prompt and rows past it are not computed alike (ops::Activations::by_row),
// and so not in one part.
std::size_t Scheduler::rows_for(const Sequence& sequence, Budget& budget) const {
  const std::size_t begin = sequence.computed();
  const Task::Rows wanted = sequence.task->rows(sequence.tokens.size());
  LATHE_ASSERT(begin < wanted.end);
  if (wanted.end - begin == 1) return 1;
  const std::size_t end =
      begin < sequence.prompt ? std::min(wanted.end, sequence.prompt) : wanted.end;
  std::size_t rows = std::min(end - begin, budget.prefill_rows);
  const std::size_t silent = std::max(first_output(sequence), begin) - begin;
  if (wanted.end - begin > silent + 1) {  // a scored stretch
    rows = std::min(rows, silent + budget.score_outputs);
    budget.score_outputs -= std::min(budget.score_outputs, rows - std::min(rows, silent));
  }
  budget.prefill_rows -= rows;
  return rows;
}

void Scheduler::plan_part(Sequence& sequence, Budget& budget) {
  const std::size_t begin = sequence.computed();
  const bool drawing = begin + 1 == sequence.tokens.size();
  if (drawing && sequence.task->congested()) return;
  const std::size_t rows = rows_for(sequence, budget);
  if (rows == 0 || !make_room(sequence, rows)) return;
  const std::size_t end = begin + rows;
  parts_.push_back({&sequence, begin, end, std::clamp(first_output(sequence), begin, end)});
}

void Scheduler::add_to_batch(Part& part) {
  Sequence& sequence = *part.sequence;
  const std::span<const std::int32_t> tokens = sequence.tokens;
  models::BatchSequence& entry =
      batch_.add(tokens.subspan(part.begin, part.end - part.begin), part.begin);
  entry.cache = &*sequence.cache;
  entry.adapters = sequence.adapters.get();
  entry.whole = sequence.prompt;
  entry.drawn = part.drawn();
  part.output_offset = batch_.outputs.size();
  for (std::size_t row = part.first_output; row < part.end; ++row) {
    batch_.outputs.push_back(static_cast<std::int32_t>(entry.first + row - part.begin));
  }
}

PrefixCache::Origin Scheduler::origin_of(const Sequence& sequence) const {
  return {sequence.adapters, decoder_.rotary().set_of(sequence.prompt)};
}

bool Scheduler::admit_next() {
  Sequence& sequence = *waiting_.front();
  sequence.cache.emplace(pool_);
  const std::size_t end = sequence.task->rows(sequence.tokens.size()).end;
  // Rows whose logits are wanted must go through the model.
  const auto sharable = std::span<const std::int32_t>(sequence.tokens)
                            .first(std::min(first_output(sequence), end - 1));
  const std::size_t shared =
      options_.prefix_cache ? prefixes_.begin(origin_of(sequence), sharable, *sequence.cache) : 0;
  const std::size_t pages = (end + kRows - 1) / kRows - shared / kRows;
  const bool fits = pages <= pool_.free_pages() || prefixes_.evict(pages - pool_.free_pages());
  if (!fits) {
    sequence.cache.reset();
    LATHE_ASSERT(!running_.empty());  // alone, it fits
    return false;
  }
  const Status reserved = sequence.cache->reserve(end - shared);
  LATHE_ASSERT(reserved.ok());
  sequence.published = shared / kRows;
  if (!sequence.started) {
    sequence.started = true;
    counters_.prompt_tokens += sequence.tokens.size();
    counters_.cached_tokens += shared;
    sequence.task->start(shared);
  }
  running_.push_back(std::move(waiting_.front()));
  waiting_.pop_front();
  return true;
}

bool Scheduler::make_room(Sequence& sequence, std::size_t rows) {
  while (!sequence.cache->reserve(rows).ok()) {
    if (prefixes_.evict(1)) continue;
    const bool itself = running_.back().get() == &sequence;
    preempt_youngest();
    if (itself) return false;
  }
  return true;
}

void Scheduler::preempt_youngest() {
  Sequence& sequence = *running_.back();
  publish(sequence);  // what nobody needs more urgently will still be there
  sequence.cache.reset();
  sequence.published = 0;
  ++counters_.preemptions;
  waiting_.push_front(std::move(running_.back()));
  running_.pop_back();
}

// Those that a longer prompt with the same tokens would compute to the same bits.
std::size_t Scheduler::rows_to_publish(const Sequence& sequence) const {
  const std::size_t rows = decoder_.rotary().rows_of_one_set(sequence.prompt, sequence.computed());
  return run_.activations == ops::Activations::by_row ? std::min(rows, sequence.prompt) : rows;
}

void Scheduler::publish(Sequence& sequence) {
  const std::size_t rows = rows_to_publish(sequence);
  const std::size_t pages = rows / kRows;
  if (!options_.prefix_cache || pages <= sequence.published) return;
  prefixes_.insert(origin_of(sequence), std::span<const std::int32_t>(sequence.tokens).first(rows),
                   *sequence.cache, pool_);
  sequence.published = pages;
}

void Scheduler::deliver(const ops::Value& logits) {
  for (const Part& part : parts_) {
    publish(*part.sequence);
    deliver_part(part, logits);
  }
  std::erase_if(running_, [](const auto& sequence) { return !sequence->cache.has_value(); });
}

void Scheduler::deliver_part(const Part& part, const ops::Value& logits) {
  Sequence& sequence = *part.sequence;
  for (std::size_t row = part.first_output; row < part.end; ++row) {
    const float* values = logits.row(part.output_offset + row - part.first_output);
    Task::Step step = sequence.task->take(row, {values, logits.columns}, scratch_);
    sequence.taken = row + 1;
    if (step.next) {
      sequence.tokens.push_back(*step.next);
      ++counters_.generated_tokens;
    }
    if (step.ending) return finish(sequence, std::move(*step.ending));
  }
}

void Scheduler::finish(Sequence& sequence, Ending ending) {
  sequence.cache.reset();
  if (ending.reason == FinishReason::cancelled) {
    ++counters_.cancelled;
  } else if (ending.reason == FinishReason::error) {
    ++counters_.failed;
  } else {
    ++counters_.finished;
  }
  ended_.push_back({std::move(sequence.task), std::move(ending)});
}

std::vector<Scheduler::Ended> Scheduler::take_ended() { return std::exchange(ended_, {}); }

EngineStats Scheduler::stats() const {
  EngineStats stats = counters_;
  stats.running = running_.size();
  stats.waiting = waiting_.size();
  stats.pages_used = pool_.max_pages() - pool_.free_pages();
  stats.pages_cached = prefixes_.pages();
  stats.pages_total = pool_.max_pages();
  stats.page_bytes = pool_.page_bytes();
  return stats;
}

}  // namespace lathe::engine
