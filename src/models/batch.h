// What one pass of a model reads: rows of several sequences, one after the other, without padding.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "ops/weights.h"

namespace lathe::models {

class KvSequence;

// What adaptations put into a pass for one sequence. Owned by the adaptation; must outlive the
// pass.
struct SequenceAdapters {
  // Low-rank updates by linear site (Decoder::site()); null where there is none; empty: none at
  // all.
  std::span<const ops::LoraWeight* const> loras;
  // Rows that negative tokens stand for: token -1 - i is row i. Null: none.
  const ops::MatrixWeight* soft_prompt = nullptr;
};

struct BatchSequence {
  std::size_t first = 0;  // row of the batch
  std::size_t count = 0;  // rows
  KvSequence* cache =
      nullptr;  // where it continues; null: a whole sequence from its start, uncached
  const SequenceAdapters* adapters = nullptr;
  // Positions of the whole prompt, of which other passes have other parts; rows past it were drawn
  // one by one. 0: the text ends with the last row here. Rotary angles may depend on it (rotary.h).
  std::size_t whole = 0;
};

struct Batch {
  std::vector<std::int32_t> tokens;     // [rows]; negative: a virtual token of the soft prompt
  std::vector<std::int32_t> positions;  // [rows]
  std::vector<BatchSequence> sequences;
  std::vector<std::int32_t> outputs;  // the rows whose logits are wanted, in any order

  // Appends a sequence whose rows stand at positions start, start + 1, ….
  BatchSequence& add(std::span<const std::int32_t> sequence_tokens, std::size_t start = 0);
  void clear();
};

}  // namespace lathe::models
