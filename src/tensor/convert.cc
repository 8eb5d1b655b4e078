#include "tensor/convert.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "base/half.h"
#include "tensor/quantize.h"

namespace lathe::tensor {
namespace {

constexpr std::uint64_t kPieceElements = std::uint64_t{1} << 18;  // whole blocks of every type

using Bytes = std::vector<std::byte>;

bool is_16_bits(DType dtype) { return dtype == DType::f16 || dtype == DType::bf16; }

std::uint16_t to_16_bits(DType dtype, float value) {
  return dtype == DType::f16 ? f32_to_f16(value) : f32_to_bf16(value);
}
float from_16_bits(DType dtype, std::uint16_t bits) {
  return dtype == DType::f16 ? f16_to_f32(bits) : bf16_to_f32(bits);
}

// The values [first, first + count) of a tensor, as one row.
TensorView part_of(const TensorView& view, std::uint64_t first, std::uint64_t count) {
  return {view.dtype,
          {static_cast<std::int64_t>(count)},
          view.bytes.subspan(*byte_size(view.dtype, first), *byte_size(view.dtype, count))};
}

Result<Bytes> narrowed(DType to, std::span<const float> values) {
  Bytes out(values.size() * 2);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::uint16_t bits = to_16_bits(to, values[i]);
    if (std::isfinite(values[i]) && !std::isfinite(from_16_bits(to, bits)))
      return Error::bad_input(
                 fmt::format("the value {} is too large for {}", values[i], to_string(to)))
          .fix_with("choose bf16 or f32");
    std::memcpy(out.data() + 2 * i, &bits, sizeof bits);
  }
  return out;
}

Result<Bytes> piece(const TensorView& view, DType to) {
  LATHE_TRY(const std::vector<float> values, to_f32(view));
  if (to == DType::f32) {
    const auto bytes = std::as_bytes(std::span(values));
    return Bytes(bytes.begin(), bytes.end());
  }
  if (is_16_bits(to)) return narrowed(to, values);
  for (const float value : values) {
    if (!std::isfinite(value))
      return Error::bad_input(fmt::format("it holds {}, which {} cannot say", value, to_string(to)))
          .fix_with("the weights are damaged: download or export them again");
  }
  return quantize(to, values);
}

}  // namespace

bool can_convert_to(DType dtype) {
  return dtype == DType::f32 || is_16_bits(dtype) || can_quantize(dtype);
}

Status convert(const TensorView& view, DType to, Parallel& parallel, os::FileWriter& out) {
  const std::uint64_t elements = element_count(view.shape).value_or(0);
  LATHE_ASSERT(can_convert_to(to) && byte_size(to, elements).has_value());
  const std::uint64_t pieces = (elements + kPieceElements - 1) / kPieceElements;
  const std::uint64_t at_once = 4 * parallel.width();
  for (std::uint64_t done = 0; done < pieces; done += at_once) {
    const std::uint64_t now = std::min(at_once, pieces - done);
    std::vector<Result<Bytes>> made(now, Bytes());
    parallel.run(now, [&](std::size_t i) {
      const std::uint64_t first = (done + i) * kPieceElements;
      made[i] = piece(part_of(view, first, std::min(kPieceElements, elements - first)), to);
    });
    for (const Result<Bytes>& bytes : made) {
      if (!bytes.ok()) return bytes.error();
      LATHE_CHECK(out.write(*bytes));
    }
  }
  return {};
}

bool says_exactly(const TensorView& view, DType plain) {
  LATHE_ASSERT(!is_block_type(plain));
  const auto values = to_f32(view);
  if (!values.ok()) return false;
  if (plain == DType::f32) return view.dtype != DType::f64;
  if (!is_16_bits(plain)) return false;
  return std::ranges::all_of(*values, [plain](float value) {
    const float back = from_16_bits(plain, to_16_bits(plain, value));
    return std::bit_cast<std::uint32_t>(back) == std::bit_cast<std::uint32_t>(value);
  });
}

}  // namespace lathe::tensor
