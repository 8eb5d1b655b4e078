// The ops that decoders are written in. Each has its forward here and, beside it in the same
// source, its backward, recorded on the run's tape. Shapes are checked with assertions: they are
// the models' doing, not the input's. Sums over rows are serial or split by rows only, so a row's
// result does not depend on what else stands in the batch.
#pragma once

#include <cstdint>
#include <span>

#include "ops/run.h"
#include "ops/weights.h"

namespace lathe::ops {

// A contiguous piece of the batch that shares a soft prompt.
struct SoftPromptSlice {
  std::size_t first = 0;
  std::size_t last = 0;
  const MatrixWeight* prompt = nullptr;  // [virtual tokens, width]
};

// y[i] = table[token[i]]; a negative token stands for row -1 - token of the soft prompt of its
// slice.
// -> [tokens, width].
// REQUIRES: each token is in the table, or its slice has a prompt with that row; table.f32 is
// there.
Value embed(Run& run, const MatrixWeight& table, std::span<const std::int32_t> tokens,
            std::span<const SoftPromptSlice> prompts);

// y = rms_norm(x) * weight, row by row; a weight shorter than a row normalises each stretch of its
// size (a head) by itself. -> shape of x.
Value rms_norm(Run& run, const Value& x, const VectorWeight& weight, float epsilon);

// A contiguous piece of the batch whose rows get a low-rank update of the product at hand.
struct LoraSlice {
  std::size_t first = 0;
  std::size_t last = 0;
  const LoraWeight* lora = nullptr;
};

// What is added to a product besides low-rank updates.
struct Addends {
  const VectorWeight* bias = nullptr;  // [W.rows], to every row
  const Value* residual = nullptr;     // of y's shape
};

// y = x W^T (+ the slices' low-rank updates) (+ bias) (+ residual). -> [x.rows, W.rows].
Value linear(Run& run, const Value& x, const MatrixWeight& weight,
             std::span<const LoraSlice> loras = {}, const Addends& addends = {});

// y = silu(gate) * up.
Value swiglu(Run& run, const Value& gate, const Value& up);

// Angles of rotary positions: [positions, head_dim / 2] each.
struct RotaryTable {
  const float* cosines = nullptr;
  const float* sines = nullptr;
  std::size_t positions = 0;
};

// Rotates every head of every row of x by its position, in place. x: [rows, heads * head_dim].
// REQUIRES: positions[i] < table.positions.
void rotate(Run& run, const Value& x, std::size_t head_dim, std::span<const std::int32_t> positions,
            const RotaryTable& table);

// Rows [first, last) of the batch are one sequence from its start.
struct SequenceRows {
  std::size_t first = 0;
  std::size_t last = 0;
};

struct Heads {
  std::size_t count = 0;
  std::size_t kv_count = 0;  // divides count
  std::size_t dim = 0;
  float scale = 1;         // 1 / sqrt(dim), as a rule
  std::size_t window = 0;  // a position sees itself and window - 1 before it; 0: all before it

  // The first of the positions that one sees.
  std::size_t first_seen(std::size_t position) const {
    return window == 0 || position < window ? 0 : position + 1 - window;
  }
};

// Causal attention inside each sequence (training, and scoring of whole texts). q: [rows, count *
// dim]; k, v: [rows, kv_count * dim]. -> shape of q.
Value attention(Run& run, const Value& q, const Value& k, const Value& v, const Heads& heads,
                std::span<const SequenceRows> sequences);

// Rows [first, first + count) of the batch continue a sequence that has `start` rows in the cache;
// the pages have room for start + count rows.
struct CachedRows {
  std::size_t first = 0;
  std::size_t count = 0;
  std::size_t start = 0;
  float* const* key_pages = nullptr;  // of this layer; each [page_rows, kv_count * dim]
  float* const* value_pages = nullptr;
};

// Writes k and v into the pages, then attends over them (inference). REQUIRES: no tape.
Value attention_cached(Run& run, const Value& q, const Value& k, const Value& v, const Heads& heads,
                       std::span<const CachedRows> sequences, std::size_t page_rows);

// The named rows of x, in that order. -> [rows.size(), x.columns].
Value select_rows(Run& run, const Value& x, std::span<const std::int32_t> rows);

// What a row should be followed by, and how much that counts.
struct Target {
  std::int32_t token = 0;
  float weight = 1;
};

// sum_i weight_i * -log softmax(logits_i)[token_i]. With a tape the logits are overwritten by their
// gradient, so nobody may read them afterwards. REQUIRES: targets.size() == logits.rows.
double cross_entropy(Run& run, const Value& logits, std::span<const Target> targets);

}  // namespace lathe::ops
