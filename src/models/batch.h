// What one pass of a model reads: rows of several sequences, one after the other, without padding.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "ops/weights.h"

namespace lathe::models {

class KvSequence;

// In place of a norm's own weights; null: as they are.
struct NormChange {
  const ops::VectorWeight* weight = nullptr;
  const ops::VectorWeight* bias = nullptr;
};

// What an adapter changes of the embeddings, in this order.
struct EmbeddingChange {
  const float* table = nullptr;  // [vocab, width] in place of the model's; null: as it is
  // A low-rank update: scale * b a[:, token]. Null: none.
  const float* a = nullptr;  // [rank, vocab]
  const float* b = nullptr;  // [width, rank]
  std::size_t rank = 0;
  float scale = 1;
  std::span<const std::int32_t> tokens;  // ascending; whose rows are others:
  const float* rows = nullptr;           // [tokens.size(), width]
};

// Keys and values that stand before a sequence (prefix tuning, Li & Liang 2021), rotated already.
struct KvPrefix {
  std::size_t rows = 0;
  std::size_t width = 0;
  const float* data = nullptr;  // [layers, 2 (keys, values), rows, width]

  const float* row(std::size_t layer, std::size_t which, std::size_t i) const {
    return data + ((layer * 2 + which) * rows + i) * width;
  }
};

// What adaptations put into a pass for one sequence. Owned by the adaptation; must outlive the
// pass.
struct SequenceAdapters {
  // Changes of linear modules by site (Decoder::sites()); null where there is none; empty: none at
  // all.
  std::span<const ops::LoraWeight* const> loras;
  // Rows that negative tokens stand for: token -1 - i is row i. Null: none.
  const ops::MatrixWeight* soft_prompt = nullptr;
  // By Norm::index; null where there is none; empty: none at all.
  std::span<const NormChange* const> norms = {};
  const EmbeddingChange* embedding = nullptr;
  // Takes the place of the keys and values of the soft prompt's rows, which it has as many of.
  const KvPrefix* prefix = nullptr;
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
  bool drawn = false;  // whether all its rows stand past the prompt; see ops::Activations::by_row
};

// REQUIRES: sequences whose rows were drawn come before all others. Outputs that a token is drawn
// from (drawn rows, and the last one of a `whole` prompt) come before those that are only scored.
struct Batch {
  std::vector<std::int32_t> tokens;     // [rows]; negative: a virtual token of the soft prompt
  std::vector<std::int32_t> positions;  // [rows]
  std::vector<BatchSequence> sequences;
  std::vector<std::int32_t> outputs;  // the rows whose logits are wanted, in any order

  // Appends a sequence whose rows stand at positions start, start + 1, ….
  BatchSequence& add(std::span<const std::int32_t> sequence_tokens, std::size_t start = 0);
  void clear();
  // Of sequences that are drawn: the batch's first rows.
  std::size_t drawn_rows() const;
};

}  // namespace lathe::models
