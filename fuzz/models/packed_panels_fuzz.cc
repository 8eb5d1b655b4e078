// Any layout, shape and bytes as a packed matrix: refused, or all of its values can be read and
// multiplied by, by the plain reading and by this processor's kernels alike, inside its bytes.
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "kernels/matmul.h"
#include "kernels/packed_row.h"
#include "models/packed_model.h"

namespace {

using namespace lathe;

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kMostActivations = 1 << 16;

// What stands in front of a matrix's bytes.
struct Head {
  std::uint8_t form, bits, zero, reserved;
  std::uint32_t rows_high, columns_high;
  std::uint16_t rows, columns;
};
static_assert(sizeof(Head) == 16);

struct Free {
  void operator()(std::byte* p) const { std::free(p); }
};

// On a cache line, as a file's matrices are, with their end where the memory's is.
std::unique_ptr<std::byte, Free> aligned(std::span<const std::byte> bytes) {
  void* memory = nullptr;
  if (::posix_memalign(&memory, kAlignment, std::max<std::size_t>(1, bytes.size())) != 0)
    std::abort();
  std::memcpy(memory, bytes.data(), bytes.size());
  return std::unique_ptr<std::byte, Free>(static_cast<std::byte*>(memory));
}

// Ones times the matrix: for one row and for more than are read from memory.
void multiply(const kernels::PackedPanels& panels, std::size_t rows) {
  SerialParallel serial;
  for (const std::size_t count : {std::size_t{1}, std::size_t{50}}) {
    if (count * (panels.k + rows) > kMostActivations) return;
    const std::vector<float> ones(count * panels.k, 1.0f);
    std::vector<float> out(count * rows);
    kernels::multiply(kernels::active(),
                      {{ones.data(), panels.k, 1}, count, panels.k, rows, out.data(), rows, false},
                      panels, serial);
    for (std::size_t i = 0; i < rows; ++i) {
      const float a = out[i], b = out[(count - 1) * rows + i];
      if (a != b && !(std::isnan(a) && std::isnan(b))) std::abort();
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Head head;
  if (size < sizeof head) return 0;
  std::memcpy(&head, data, sizeof head);
  const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data) + sizeof head,
                                         size - sizeof head);
  const auto memory = aligned(bytes);
  formats::PackedMatrix matrix;
  matrix.name = "m";
  matrix.layout = {head.form, head.bits, head.zero};
  matrix.rows = std::uint64_t{head.rows_high} << 32 | head.rows;
  matrix.columns = std::uint64_t{head.columns_high} << 32 | head.columns;
  matrix.bytes = {memory.get(), bytes.size()};
  const auto panels = models::panels_of(matrix);
  if (!panels.ok()) {
    if (panels.error().message().empty()) std::abort();
    return 0;
  }
  std::vector<float> values(matrix.columns);
  for (std::size_t row = 0; row < matrix.rows; ++row)
    kernels::PackedRow(*panels, row).copy_to(values.data(), values.size());
  multiply(*panels, matrix.rows);
  return 0;
}
