// What every op works in: the kernels, the threads, the memory of this pass, and, in training, the
// tape.
//
// An op checks shapes, takes its output from the arena, calls kernels, and, when a tape is there
// and something in front of it learns, records how its gradient flows back. A model is written once
// over the ops: without a tape it infers, with one it trains.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "base/parallel.h"
#include "kernels/matmul.h"
#include "kernels/table.h"
#include "tensor/arena.h"

namespace lathe::ops {

// A matrix of activations, row-major, in the arena of its pass. Copied freely; owns nothing.
struct Value {
  float* data = nullptr;  // [rows, columns]
  std::size_t rows = 0;
  std::size_t columns = 0;
  int id = -1;  // its gradient's place on the tape; -1: nothing in front of it learns

  std::size_t size() const { return rows * columns; }
  float* row(std::size_t i) const { return data + i * columns; }
  // Some of its rows, as a value that nothing learns through.
  Value rows_of(std::size_t first, std::size_t count) const { return {row(first), count, columns}; }
};

// Backward steps in the order they were recorded, and the gradients of values while they are
// needed. Gradient buffers come from a pool and go back as soon as the op that made the value has
// used them. Not thread-safe.
class Tape {
 public:
  // A new value that learns.
  int add_value(std::size_t size);

  // Records a backward step. `output` is the value the op made (its gradient is released after the
  // step); -1 for an op that worked in place.
  void record(int output, std::function<void()> backward);

  // The gradient of a value, to be added to: zeros at first touch.
  float* gradient(int id);
  // The same for a step that can write instead of add: `fresh` says that nothing is there yet, and
  // then the buffer is not initialised and must be written whole.
  struct Target {
    float* data = nullptr;
    bool fresh = false;
  };
  Target target(int id);
  // Makes the gradient of `from` that of `to`. REQUIRES: `to` has none; `from` is not used any
  // more.
  void hand_over(int from, int to);
  // Whether anything was added to it yet.
  bool has_gradient(int id) const { return gradients_[static_cast<std::size_t>(id)] != nullptr; }
  // Lets `data`, which lives in the arena, be the gradient of a value.
  void set_gradient(int id, float* data);

  // Runs the steps from last to first, then forgets them.
  void backward();

  // The bytes that the pool holds.
  std::size_t pool_bytes() const { return pool_bytes_; }

 private:
  struct Step {
    int output;
    std::function<void()> backward;
  };
  void release(int id);

  std::vector<Step> steps_;
  std::vector<std::size_t> sizes_;         // by value
  std::vector<float*> gradients_;          // by value; null: none yet
  std::vector<std::vector<float>> owned_;  // by value; empty: not from the pool
  std::vector<std::vector<float>> pool_;   // free buffers
  std::size_t pool_bytes_ = 0;
};

// How activations enter products with packed weights.
enum class Activations {
  f32,  // as they are: the bits of a product with the weights' f32 values
  // By what a row is of. A token that was drawn comes alone, or with few others: in 8 bits
  // (kernels/quantised_rows.h), and it attends alone. Those of a prompt come together: in bf16
  // where the processor multiplies that on tiles (kernels/tiled_rows.h), and they attend in blocks
  // (attention_cached.h). A row has the same bits whatever stands beside it.
  by_row,
};

struct Run {
  Run(const kernels::Table& t, Parallel& p, tensor::Arena& a, Tape* recorder = nullptr)
      : table(t), parallel(p), arena(a), tape(recorder) {}

  const kernels::Table& table;
  Parallel& parallel;
  tensor::Arena& arena;
  Tape* tape = nullptr;  // null: inference
  Activations activations = Activations::f32;
  kernels::PackBuffer pack;
  kernels::Scratch<float> attention;  // what attention over cached positions keeps for a while
  kernels::TiledBuffer gated;         // what goes into an MLP's last product

  // Whether rows of prompts enter products in bf16, on tiles.
  bool takes_tiles() const {
    return activations == Activations::by_row && kernels::has_tiles(table);
  }
  // A value from the arena, not initialised; on the tape when it learns.
  Value make(std::size_t rows, std::size_t columns, bool learns);
  // x in 8 bits, made once for all products that read it. Valid until the next call with another
  // value. REQUIRES: x is not changed between such products; whole blocks of 32 columns.
  kernels::QuantisedRows quantised(const Value& x);
  // The same in bf16, as tiles.
  const kernels::TiledBuffer& tiled(const Value& x);
  // Calls body(first, last) over slices of [0, rows), in parallel when rows * cost is worth it;
  // cost is in floats a row.
  void for_rows(std::size_t rows, std::size_t cost,
                FunctionRef<void(std::size_t first, std::size_t last)> body);

 private:
  // A value in another form, as it was last asked for.
  template <class Buffer>
  struct Converted {
    Value of;
    std::uint64_t releases = 0;  // of the arena
    Buffer buffer;
  };
  // Whether `last` is of x still; if not, its buffer is resized for x.
  template <class Buffer>
  bool is_current(Converted<Buffer>& last, const Value& x);
  void quantise(const Value& x, kernels::QuantisedBuffer& out);

  Converted<kernels::QuantisedBuffer> quantised_;
  Converted<kernels::TiledBuffer> tiled_;
};

}  // namespace lathe::ops
