// The kernels as one table of function pointers for each instruction set: `ref` holds plain loops,
// the truth that every other table is tested against; the others are SIMD, chosen at run time.
//
// Kernels work on raw pointers and sizes, single-threaded, on ranges that their callers (ops, and
// the drivers in matmul.h) split over threads. They allocate nothing but scratch on the
// stack, half a megabyte at most. All are pure functions of their arguments and safe to call from
// any number of threads.
//
// Determinism: a row of a result depends on that row's inputs and on the kernel alone, never on how
// many other rows stand in the call. Each output of a product is one chain of fused multiply-adds
// over k in ascending order, so that one row alone gives the same bits as the same row in a batch;
// multiply_tiles and attend_tiles, which round to bf16, are the exceptions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kernels/attend_block.h"
#include "kernels/kv_tiles.h"
#include "kernels/packed.h"
#include "kernels/quantised_rows.h"
#include "kernels/tiled_rows.h"

namespace lathe::kernels {

// Element (i, j) stands at data[i * row_stride + j * col_stride].
struct Matrix {
  const float* data = nullptr;
  std::size_t row_stride = 0;
  std::size_t col_stride = 1;
};

// How weights are read from memory that few rows are multiplied with: so many panels side by side,
// each a stream of which so many bytes ahead are asked for. A kernel takes fewer panels where its
// registers hold no more. No bit of a result depends on it (read_tuner.h).
struct ReadAhead {
  std::size_t streams = 4;
  std::size_t bytes = 1024;
};

// C[rows, columns] = A[rows, k] * B[k, columns], or C += with accumulate. B is given as panels of
// Table::panel columns each; the last panel may be partial.
struct MultiplyBlock {
  Matrix a;
  std::size_t rows = 0;
  std::size_t k = 0;
  std::size_t columns = 0;
  float* c = nullptr;
  std::size_t c_stride = 0;  // elements between rows of C
  bool accumulate = false;
  ReadAhead reading = {};  // of multiply_floats()
};

// C[rows, columns] = (or +=) A[rows, k] * W^T with A in 8 bits and packed weights W[columns, k].
struct DotBlock {
  QuantisedRows a;  // of the block's first row on; a.k == the weights' k
  std::size_t rows = 0;
  std::size_t columns = 0;
  float* c = nullptr;
  std::size_t c_stride = 0;  // elements between rows of C
  bool accumulate = false;
  ReadAhead reading = {};
};

// SiLU (Elfwing et al. 2018), GELU by the error function (Hendrycks & Gimpel 2016), its
// approximations by a hyperbolic tangent and by x * sigmoid(1.702 x), the rectifier and its square
// (So et al. 2021), and the two old ones.
enum class Activation { silu, gelu, gelu_tanh, gelu_quick, relu, relu_squared, tanh, sigmoid };
inline constexpr Activation kActivations[] = {
    Activation::silu, Activation::gelu,         Activation::gelu_tanh, Activation::gelu_quick,
    Activation::relu, Activation::relu_squared, Activation::tanh,      Activation::sigmoid};

// C[rows, columns] = (or +=) A[rows, k] * W^T in bf16, with packed weights W[columns, k].
struct TileBlock {
  TiledSpan a;
  std::size_t rows = 0;  // at most a.rows
  std::size_t columns = 0;
  float* c = nullptr;
  std::size_t c_stride = 0;  // elements between rows of C
  bool accumulate = false;

  // Floats of scratch memory that a product takes: C as whole tiles.
  std::size_t scratch_floats() const { return a.rows * ((columns + 31) / 32 * 32); }
};

// Columns [first_column, + columns) of act(A Wg^T) * (A Wu^T) in bf16, rows of `out` from first_row
// on.
struct GatedTileBlock {
  TiledSpan a;
  std::size_t rows = 0;  // at most a.rows
  std::size_t first_row = 0, first_column = 0;
  std::size_t columns = 0;  // a multiple of 16, as first_column
  TiledBuffer* out = nullptr;
  void (*gated)(Activation act, const float* gate, const float* up, std::size_t n,
                float* y) = nullptr;  // of the table
  Activation activation = Activation::silu;

  std::size_t scratch_floats() const { return a.rows * 2 * columns; }
};

// AdamW (Loshchilov & Hutter 2019, as torch.optim.AdamW computes it) on n parameters.
struct AdamWStep {
  float learning_rate = 0;
  float beta1 = 0.9f;
  float beta2 = 0.999f;
  float epsilon = 1e-8f;
  float weight_decay = 0;
  float bias_correction1 = 1;  // 1 - beta1^step
  float bias_correction2 = 1;  // 1 - beta2^step
  float gradient_scale = 1;    // from clipping
};

// Loops for measuring the machine (limits.h); each says how many operations it did.
struct LimitLoops {
  // In so many streams side by side.
  void (*read)(const std::byte* memory, std::size_t bytes, std::size_t streams) = nullptr;
  std::size_t (*f32_ops)(std::size_t rounds) = nullptr;
  std::size_t (*int8_ops)(std::size_t rounds) = nullptr;
  std::size_t (*bf16_ops)(std::size_t rounds) = nullptr;  // null: no tiles
};

struct Table {
  const char* name = nullptr;  // "ref", "sse4", "avx2", "avx512", "avx512vnni", "amx"
  std::size_t panel = 0;       // columns in a panel of B

  // Packs columns [first_panel * panel, …) of B[k, n] into `panels` panels, each [k][panel], zeros
  // after n.
  void (*pack_panels)(const Matrix& b, std::size_t k, std::size_t n, std::size_t first_panel,
                      std::size_t panels, float* out) = nullptr;
  // panels: the first panel of the block, [k][panel] each.
  void (*multiply_f32)(const MultiplyBlock& block, const float* panels) = nullptr;
  // The same with B[k, columns] as it stands, from the block's first column on. Pays where few
  // blocks of rows share B.
  void (*multiply_in_place)(const MultiplyBlock& block, const Matrix& b) = nullptr;
  // The same with packed weights, each value rounded once to f32, so that the result has the bits
  // of multiply_f32 with panels of the dequantised values. REQUIRES: the weights' k == block.k.
  void (*multiply_exact)(const MultiplyBlock& block, const PackedPanels& weights) = nullptr;

  // The same bits for few rows with packed floats, which is bound by reading the weights.
  // REQUIRES: has_floats(weights.format.form), weights.first_lane == 0.
  void (*multiply_floats)(const MultiplyBlock& block, const PackedPanels& weights) = nullptr;

  // A row of activations in 8 bits; k is a multiple of 32.
  void (*quantise_row)(const float* x, std::size_t k, const QuantisedRow& out) = nullptr;
  // Products with packed integers: the sum of each block of 32 (or of its halves) is exact, and an
  // output is one chain of fused multiply-adds over blocks in ascending order. REQUIRES:
  // block.a.group == kQuantisedGroup.
  void (*multiply_packed)(const DotBlock& block, const PackedPanels& weights) = nullptr;
  // The same for a row alone, which is bound by reading the weights. REQUIRES: block.rows == 1,
  // block.a.group == 1.
  void (*multiply_row)(const DotBlock& block, const PackedPanels& weights) = nullptr;

  // Products of many rows in bf16, sums in f32, on tiles; null where the processor has none.
  // Activations are nearer than in 8 bits, but a row's bits are not those that it has in a product
  // of few rows. x: [out.k()]; scratch: block.scratch_floats(), aligned to 64 bytes.
  void (*tile_row)(const float* x, std::size_t row, TiledBuffer& out) = nullptr;
  void (*multiply_tiles)(const TileBlock& block, const PackedPanels& weights,
                         float* scratch) = nullptr;
  // Two products and what an MLP makes of them, not rounded to f32 in memory on the way: the bits
  // of multiply_tiles, gated and tile_row. REQUIRES: gate and up have one format and k.
  void (*multiply_gated_tiles)(const GatedTileBlock& block, const PackedPanels& gate,
                               const PackedPanels& up, float* scratch) = nullptr;

  // y = x / sqrt(mean(x^2) + epsilon) * weight (Zhang & Sennrich 2019). x, y: [n].
  void (*rms_norm)(const float* x, const float* weight, float epsilon, std::size_t n,
                   float* y) = nullptr;
  // Given dy: dx += …, dweight += … (dweight may be null). x, dy, dx: [n].
  void (*rms_norm_backward)(const float* x, const float* weight, float epsilon, const float* dy,
                            std::size_t n, float* dx, float* dweight) = nullptr;

  // y = (x - mean) / sqrt(variance + epsilon) * weight + bias (Ba et al. 2016). x, y: [n].
  void (*layer_norm)(const float* x, const float* weight, const float* bias, float epsilon,
                     std::size_t n, float* y) = nullptr;
  // Given dy: dx += …, dweight += …, dbias += … (the last two may be null).
  void (*layer_norm_backward)(const float* x, const float* weight, float epsilon, const float* dy,
                              std::size_t n, float* dx, float* dweight, float* dbias) = nullptr;

  // y = act(gate) * up (Shazeer 2020); without up: y = act(gate). All [n]; y may be gate.
  void (*gated)(Activation act, const float* gate, const float* up, std::size_t n,
                float* y) = nullptr;
  // dgate = …, dup = … (null where up is).
  void (*gated_backward)(Activation act, const float* gate, const float* up, const float* dy,
                         std::size_t n, float* dgate, float* dup) = nullptr;

  // x = cap * tanh(scale * x / cap) in place over n values.
  void (*soft_cap)(float* x, float scale, float cap, std::size_t n) = nullptr;

  // x = softmax(scale * x) in place over n values.
  void (*softmax)(float* x, float scale, std::size_t n) = nullptr;
  // dx = scale * p * (dp - sum(p * dp)) in place of dp; p = softmax(scale * x).
  void (*softmax_backward)(const float* p, float scale, std::size_t n, float* dp) = nullptr;

  // -log softmax(logits)[target]; when dlogits is not null (it may be logits): dlogits =
  // weight * (softmax - onehot).
  float (*cross_entropy)(const float* logits, std::size_t n, std::size_t target, float weight,
                         float* dlogits) = nullptr;

  // Rotates pairs (x[i], x[i + n/2]) by the angle whose cosine and sine stand at [i] (Su et al.
  // 2021, in Hugging Face's half-split layout); sign -1 rotates back. x: [n], cosines, sines: [n /
  // 2].
  void (*rotate)(float* x, const float* cosines, const float* sines, float sign,
                 std::size_t n) = nullptr;

  // Positions of keys or of values into a tile; the tile's other positions stay.
  void (*write_keys)(const KvRows& rows, std::byte* tile) = nullptr;
  void (*write_values)(const KvRows& rows, std::byte* tile) = nullptr;
  // A whole tile as f32: out[i * stride + lane] of keys, out[lane * stride + i] of values.
  void (*read_keys)(const KvTile& tile, std::size_t stride, float* out) = nullptr;
  void (*read_values)(const KvTile& tile, std::size_t stride, float* out) = nullptr;
  void (*attend)(const AttendPart& part) = nullptr;
  // A block of a prompt in bf16 on tiles; null where the processor has none. What a position gets
  // does not depend on the block that it is in, but its bits are not those of attend().
  // memory: AttendScratch(block, nullptr).floats(), aligned to 64 bytes.
  void (*attend_tiles)(const AttendBlock& block, float* memory) = nullptr;

  // y += a * x.
  void (*add_scaled)(const float* x, float a, std::size_t n, float* y) = nullptr;
  // Sum of squares, accumulated in f64.
  double (*sum_of_squares)(const float* x, std::size_t n) = nullptr;
  LimitLoops limits;

  void (*adamw)(const AdamWStep& step, const float* gradient, std::size_t n, float* parameter,
                float* m, float* v) = nullptr;
};

// The table in use: the one named by the environment variable LATHE_CPU, else the best that this
// processor executes. The choice is made once, at the first call. An unknown or unsupported name in
// LATHE_CPU is reported by check_selection(), which programs call at start; active() then is the
// best table.
const Table& active();
Status check_selection();

// Every table this processor can execute, `ref` first.
std::vector<std::string> available();
// The table by name. Errors: bad_input for a name that is unknown or not executable here.
Result<const Table*> find(std::string_view name);

}  // namespace lathe::kernels
