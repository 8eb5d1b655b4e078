#include "tensor/dtype.h"

#include <array>

namespace lathe::tensor {
namespace {

struct Facts {
  std::string_view name;
  std::size_t block_elements;
  std::size_t block_bytes;
};

// In the order of DType.
constexpr std::array<Facts, 22> kFacts{{
    {"f32", 1, 4},      {"f16", 1, 2},        {"bf16", 1, 2},     {"f64", 1, 8},
    {"i8", 1, 1},       {"i16", 1, 2},        {"i32", 1, 4},      {"i64", 1, 8},
    {"u8", 1, 1},       {"bool", 1, 1},       {"q8_0", 32, 34},   {"q4_0", 32, 18},
    {"q4_1", 32, 20},   {"q5_0", 32, 22},     {"q5_1", 32, 24},   {"iq4_nl", 32, 18},
    {"q2_k", 256, 84},  {"q3_k", 256, 110},   {"q4_k", 256, 144}, {"q5_k", 256, 176},
    {"q6_k", 256, 210}, {"iq4_xs", 256, 136},
}};
static_assert(kFacts.size() == static_cast<std::size_t>(DType::iq4_xs) + 1);

const Facts& facts(DType dtype) { return kFacts[static_cast<std::size_t>(dtype)]; }

}  // namespace

std::string_view to_string(DType dtype) { return facts(dtype).name; }
bool is_block_type(DType dtype) { return facts(dtype).block_elements > 1; }
std::size_t block_elements(DType dtype) { return facts(dtype).block_elements; }
std::size_t block_bytes(DType dtype) { return facts(dtype).block_bytes; }

std::optional<std::uint64_t> byte_size(DType dtype, std::uint64_t elements) {
  const std::uint64_t per_block = block_elements(dtype);
  if (elements % per_block != 0) return std::nullopt;
  std::uint64_t bytes = 0;
  if (__builtin_mul_overflow(elements / per_block, std::uint64_t{block_bytes(dtype)}, &bytes)) {
    return std::nullopt;
  }
  return bytes;
}

}  // namespace lathe::tensor
