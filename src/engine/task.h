// What a sequence is run for: drawing an answer, or scoring tokens. The scheduler feeds the rows
// and shares the memory; a task says which rows' logits it wants and what follows from them.
//
// All members but cancelled() are called on the engine's thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/result.h"
#include "decode/sampler.h"
#include "engine/request.h"

namespace lathe::engine {

// How a sequence ended. reason stop and length are the task's own; an error has one.
struct Ending {
  FinishReason reason = FinishReason::stop;
  std::optional<Error> error = {};
};

class Task {
 public:
  virtual ~Task() = default;

  // Of a sequence that has `tokens` tokens by now: the rows that must go through the model, and the
  // first of them whose logits are wanted.
  struct Rows {
    std::size_t end = 0;
    std::size_t first_output = 0;
  };
  virtual Rows rows(std::size_t tokens) const = 0;

  // Anybody's wish that it ends. From any thread.
  virtual bool cancelled() const = 0;
  // Takes a break from drawing.
  virtual bool congested() const { return false; }

  // The first pass begins; `cached` rows need not be computed.
  virtual void start(std::size_t cached) = 0;

  // What logits led to.
  struct Step {
    std::optional<std::int32_t> next;  // a token that the sequence goes on with
    std::optional<Ending> ending;
  };
  // The logits of a row, in ascending order, each row once.
  virtual Step take(std::size_t row, std::span<const float> logits,
                    decode::SamplerScratch& scratch) = 0;

  // The last call, for every ending.
  virtual void end(Ending ending) = 0;
};

}  // namespace lathe::engine
