// Decides what goes into each forward pass and runs it: admission in the order of arrival, prompts
// in chunks beside sequences that draw, pages, preemption, and the prefix cache.
//
// Single-threaded: everything happens on the thread that calls step(). The engine (engine.h) is the
// thread and the queue around it; tests call it directly.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "base/parallel.h"
#include "engine/prefix_cache.h"
#include "engine/stats.h"
#include "engine/task.h"
#include "models/decoder.h"
#include "ops/run.h"
#include "tensor/arena.h"

namespace lathe::engine {

// A request on its way. Only tokens grow; what they are kept in comes and goes.
struct Sequence {
  std::vector<std::int32_t> tokens;  // the prompt, then what was drawn
  Adapters adapters;
  std::shared_ptr<Task> task;

  std::optional<models::KvSequence> cache = {};  // while it is in the batch
  std::size_t prompt = 0;                        // tokens that it came with
  std::size_t published = 0;                     // pages of it that the prefix cache knows
  std::size_t taken = 0;                         // rows below it need no logits any more
  bool started = false;

  std::size_t computed() const { return cache ? cache->length() : 0; }
};

struct SchedulerOptions {
  std::size_t max_sequences = 16;
  std::size_t prefill_rows = 256;
  std::size_t score_outputs = 256;  // rows of scored logits in one pass, bounds their memory
  std::size_t pages = 1;
  kernels::KvType kv_type = kernels::KvType::f16;
  bool prefix_cache = true;
  ops::Activations activations = ops::Activations::by_row;
};

class Scheduler {
 public:
  // decoder and parallel must outlive it.
  Scheduler(const models::Decoder& decoder, Parallel& parallel, const SchedulerOptions& options);

  // REQUIRES: the sequence would fit into all pages if it were alone.
  void add(std::unique_ptr<Sequence> sequence);

  // Cleans up what was cancelled and runs one pass. False: there was nothing to run, either because
  // there is no sequence or because all of them are congested.
  bool step();
  void cancel_all();

  struct Ended {
    std::shared_ptr<Task> task;
    Ending ending;
  };
  // Those that ended since the last call, in that order; the caller calls end() of each.
  std::vector<Ended> take_ended();

  std::size_t size() const { return running_.size() + waiting_.size(); }
  EngineStats stats() const;

 private:
  // Rows of one sequence in the pass that is being put together: of its prompt, or past it.
  struct Part {
    Sequence* sequence;
    std::size_t begin;              // position of its first row
    std::size_t end;                // past its last
    std::size_t first_output;       // position; end: none
    std::size_t output_offset = 0;  // in the pass's logits

    bool drawn() const { return begin >= sequence->prompt; }
    // Whether its last row is what the first token is drawn from; a scored text ends before it.
    bool ends_prompt() const { return end == sequence->prompt; }
  };
  struct Budget {
    std::size_t prefill_rows;
    std::size_t score_outputs;
  };

  void drop_cancelled();
  void plan();
  std::size_t rows_for(const Sequence& sequence, Budget& budget) const;
  std::size_t first_output(const Sequence& sequence) const;
  void plan_part(Sequence& sequence, Budget& budget);
  void add_to_batch(Part& part);
  bool admit_next();
  // Room for `rows` more rows, from the prefix cache or from sequences younger than this one.
  // False: it was the youngest and had to give way itself.
  bool make_room(Sequence& sequence, std::size_t rows);
  void preempt_youngest();
  PrefixCache::Origin origin_of(const Sequence& sequence) const;
  std::size_t rows_to_publish(const Sequence& sequence) const;
  void publish(Sequence& sequence);
  void deliver(const ops::Value& logits);
  void deliver_part(const Part& part, const ops::Value& logits);
  void finish(Sequence& sequence, Ending ending);

  const models::Decoder& decoder_;
  SchedulerOptions options_;
  models::KvPool pool_;
  PrefixCache prefixes_;  // after the pool: it holds pages of it
  tensor::Arena arena_;
  ops::Run run_;
  decode::SamplerScratch scratch_;

  std::deque<std::unique_ptr<Sequence>> waiting_;   // oldest first; all younger than running_
  std::vector<std::unique_ptr<Sequence>> running_;  // oldest first
  std::vector<Part> parts_;
  models::Batch batch_;
  std::vector<Ended> ended_;
  EngineStats counters_;
};

}  // namespace lathe::engine
