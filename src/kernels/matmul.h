// Matrix products over threads: packs B into panels where it is not packed yet, cuts C into blocks,
// and calls the table's kernel for each.
#pragma once

#include <span>

#include "base/parallel.h"
#include "kernels/scratch.h"
#include "kernels/table.h"

namespace lathe::kernels {

// Floats of B[k, n] as panels of `table`.
std::size_t panel_floats(const Table& table, std::size_t k, std::size_t n);

// Packs all of B[k, n]; out has panel_floats(). Threads share the panels.
void pack(const Table& table, const Matrix& b, std::size_t k, std::size_t n, float* out,
          Parallel& parallel);

struct Product {
  Matrix a;  // [rows, k]
  std::size_t rows = 0;
  std::size_t k = 0;
  std::size_t columns = 0;
  float* c = nullptr;  // [rows, columns], c_stride between rows
  std::size_t c_stride = 0;
  bool accumulate = false;  // C += instead of C =
};

// C = A B with B packed by the same table.
void multiply(const Table& table, const Product& product, const float* panels, Parallel& parallel);
// C = A W^T with packed weights W[columns, k]: with the bits of their f32 values, or with A in 8
// bits (product.a is not read then).
void multiply(const Table& table, const Product& product, const PackedPanels& weights,
              Parallel& parallel);
void multiply(const Table& table, const Product& product, const QuantisedRows& a,
              const PackedPanels& weights, Parallel& parallel);

// Several products of the same A in 8 bits, as one job for the threads: the bits of one after the
// other. REQUIRES: all have a's rows and k.
struct PackedProduct {
  Product product;  // product.a is not read
  PackedPanels weights;
};
void multiply(const Table& table, std::span<const PackedProduct> products, const QuantisedRows& a,
              Parallel& parallel);

// C = A W^T in bf16 on tiles, A's rows made by the table's tile_row() (product.a is not read). Only
// where has_tiles().
void multiply(const Table& table, const Product& product, const TiledBuffer& a,
              const PackedPanels& weights, Parallel& parallel);
bool has_tiles(const Table& table);

// The two products of a gated MLP, [columns, k] each, and its activation.
struct GatedWeights {
  PackedPanels gate, up;
  std::size_t columns = 0;  // a multiple of 32
  Activation activation = Activation::silu;
};
// out = act(A Wg^T) * (A Wu^T) for `rows` rows, in bf16: the bits of two products, Table::gated and
// Table::tile_row. REQUIRES: has_tiles(), gate and up have one format and k.
void multiply_gated(const Table& table, const TiledBuffer& a, std::size_t rows,
                    const GatedWeights& weights, TiledBuffer& out, Parallel& parallel);

// Memory for packing; one for each caller of multiply_unpacked.
using PackBuffer = Scratch<float>;

// C = A B with B as it stands.
void multiply_unpacked(const Table& table, const Product& product, const Matrix& b,
                       PackBuffer& buffer, Parallel& parallel);

}  // namespace lathe::kernels
