// The ops that decoders are written in. Each has its forward here and, beside it in the same
// source, its backward, recorded on the run's tape. Shapes are checked with assertions: they are
// the models' doing, not the input's. Sums over rows are serial or split by rows only, so a row's
// result does not depend on what else stands in the batch.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ops/run.h"
#include "ops/weights.h"

namespace lathe::ops {

// A contiguous piece of the batch that shares a soft prompt.
struct SoftPromptSlice {
  std::size_t first = 0;
  std::size_t last = 0;
  const MatrixWeight* prompt = nullptr;  // [virtual tokens, width]
};

// y[i] = scale * table[token[i]]; a negative token stands for row -1 - token of the soft prompt of
// its slice, as it is.
// -> [tokens, width].
// REQUIRES: each token is in the table, or its slice has a prompt with that row; read_row() can
// read both.
Value embed(Run& run, const MatrixWeight& table, std::span<const std::int32_t> tokens,
            std::span<const SoftPromptSlice> prompts, float scale = 1);

// y = rms_norm(x) * weight, row by row; a weight shorter than a row normalises each stretch of its
// size (a head) by itself. -> shape of x.
Value rms_norm(Run& run, const Value& x, const VectorWeight& weight, float epsilon);

// y = layer_norm(x) * weight + bias, row by row. -> shape of x.
Value layer_norm(Run& run, const Value& x, const VectorWeight& weight, const VectorWeight& bias,
                 float epsilon);

// A contiguous piece of the batch whose rows get a low-rank update of the product at hand.
struct LoraSlice {
  std::size_t first = 0;
  std::size_t last = 0;
  const LoraWeight* lora = nullptr;
};

// What a product takes besides x and W.
struct LinearTerms {
  std::span<const LoraSlice> loras = {};
  const VectorWeight* bias = nullptr;  // [W.rows], to every row
  const Value* residual = nullptr;     // of y's shape
  std::size_t drawn = 0;               // x's first rows, of drawn tokens: Activations::by_row
};

// y = x W^T (+ the slices' low-rank updates) (+ bias) (+ residual). -> [x.rows, W.rows].
Value linear(Run& run, const Value& x, const MatrixWeight& weight, const LinearTerms& terms = {});

// Several linear() of one x, in their order: the same values. Rows of drawn tokens make one job of
// all (kernels/matmul.h).
struct LinearPart {
  const MatrixWeight& weight;
  LinearTerms terms;
};
void linear_side_by_side(Run& run, const Value& x, std::span<const LinearPart> parts, Value* ys);

// A gated MLP's matrices: [inner, width] twice, [width, inner].
struct MlpWeights {
  const MatrixWeight& gate;
  const MatrixWeight& up;
  const MatrixWeight& down;
  kernels::Activation activation = kernels::Activation::silu;
};
// y = (act(x Wg^T) * (x Wu^T)) Wd^T (+ terms, of the last product). -> [x.rows, down.rows].
Value mlp(Run& run, const Value& x, const MlpWeights& weights, const LinearTerms& terms = {});

// y = act(gate) * up, or act(gate) without up.
Value gated(Run& run, const Value& gate, const Value* up, kernels::Activation act);

// y = a + b.
Value add(Run& run, const Value& a, const Value& b);
// y = factor * x.
Value scale(Run& run, const Value& x, float factor);
// y = cap * tanh(x / cap).
Value soft_cap(Run& run, const Value& x, float cap);

// Columns [first + i * stride, first + i * stride + width) for i < count, beside each other.
struct ColumnGroups {
  std::size_t first = 0;
  std::size_t width = 0;
  std::size_t stride = 0;
  std::size_t count = 1;
};
// -> [x.rows, count * width].
Value select_columns(Run& run, const Value& x, const ColumnGroups& groups);

// The experts that each row goes to, most probable first, and how much each counts.
struct Routing {
  Value weights;                     // [rows, used]
  std::vector<std::int32_t> chosen;  // [rows, used]
  std::size_t used = 0;
};
// Softmax over the logits [rows, experts], of which the `used` greatest count (of equal ones the
// first); normalised: their weights are divided by their sum.
Routing route(Run& run, const Value& logits, std::size_t used, bool normalised);

// What one expert made of the rows that go to it.
struct ExpertOutput {
  Value value;                      // [rows.size(), width]
  std::vector<std::int32_t> rows;   // ascending
  std::vector<std::int32_t> slots;  // of Routing::weights, by row
};
// y[r] = x[r] + sum of weight * output over r's experts, in the order of `outputs`.
Value combine(Run& run, const Value& x, const Value& weights, std::vector<ExpertOutput> outputs);

// Angles of rotary positions: [positions, rotated / 2] each.
struct RotaryTable {
  const float* cosines = nullptr;
  const float* sines = nullptr;
  std::size_t positions = 0;
};

struct RotatedHeads {
  std::size_t dim = 0;      // of a head
  std::size_t rotated = 0;  // its first values that are rotated; even
};

// Rotates every head of every row of x by the table's row for it, in place. x: [rows, heads *
// heads.dim]. REQUIRES: positions[i] < table.positions.
void rotate(Run& run, const Value& x, const RotatedHeads& heads,
            std::span<const std::int32_t> positions, const RotaryTable& table);

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
  float softcap = 0;       // > 0: scaled scores become softcap * tanh(score / softcap)
  // Added to the scores of a key before they are scaled: [count, bias_stride] by its position.
  const float* key_bias = nullptr;
  std::size_t bias_stride = 0;
  bool causal = true;  // false: a position sees all (whole sequences only)

  // The first of the positions that one sees.
  std::size_t first_seen(std::size_t position) const {
    return window == 0 || position < window ? 0 : position + 1 - window;
  }
  // One past the last, in a sequence of `length`.
  std::size_t end_seen(std::size_t position, std::size_t length) const {
    return causal ? position + 1 : length;
  }
  const float* biases_of(std::size_t head) const {
    return key_bias != nullptr ? key_bias + head * bias_stride : nullptr;
  }
};

// Attention inside each sequence (training, and scoring of whole texts). q: [rows, count *
// dim]; k, v: [rows, kv_count * dim]. -> shape of q.
Value attention(Run& run, const Value& q, const Value& k, const Value& v, const Heads& heads,
                std::span<const SequenceRows> sequences);

// Rows [first, first + count) of the batch continue a sequence that has `start` rows in the cache;
// the pages have room for start + count rows. A page has kKvTile positions; at `offset` stand this
// layer's tiles (kernels/kv_tiles.h): the keys of each kv head, then the values of each.
struct CachedRows {
  std::size_t first = 0;
  std::size_t count = 0;
  std::size_t start = 0;
  std::byte* const* pages = nullptr;
  std::size_t offset = 0;
  bool drawn = false;  // whether its tokens were drawn: Activations::by_row
};

// Writes k and v into the pages, as `type` rounds them, then attends over them (inference).
// REQUIRES: no tape.
Value attention_cached(Run& run, const Value& q, const Value& k, const Value& v, const Heads& heads,
                       std::span<const CachedRows> sequences, kernels::KvType type);

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
