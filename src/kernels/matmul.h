// Matrix products over threads: packs B into panels where it is not packed yet, cuts C into blocks,
// and calls the table's kernel for each.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "base/parallel.h"
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
// REQUIRES: k is a multiple of 32.
void multiply(const Table& table, const Product& product, const Q8Panels& panels,
              Parallel& parallel);

// Memory for packing that grows and is kept. Not thread-safe: one for each caller of
// multiply_unpacked.
class PackBuffer {
 public:
  float* floats(std::size_t count);

 private:
  struct Free {
    void operator()(float* p) const { std::free(p); }
  };
  std::unique_ptr<float, Free> data_;
  std::size_t capacity_ = 0;
};

// C = A B with B as it stands.
void multiply_unpacked(const Table& table, const Product& product, const Matrix& b,
                       PackBuffer& buffer, Parallel& parallel);

// Weights W[n, k] in q8_0 blocks (34 bytes: f16 scale, 32 int8, along k), repacked as panels of
// W^T. The original values are recoverable: scales are widened exactly, int8 stay.
class Q8Weights {
 public:
  // REQUIRES: bytes.size() == n * k / 32 * 34, k % 32 == 0.
  Q8Weights(const Table& table, std::span<const std::byte> bytes, std::size_t n, std::size_t k);
  Q8Panels panels() const { return {scales_.data(), values_.data()}; }

 private:
  std::vector<float> scales_;
  std::vector<std::int8_t> values_;
};

}  // namespace lathe::kernels
