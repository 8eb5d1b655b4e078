// The extents of a tensor, outermost first (row-major, as PyTorch and NumPy write them).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lathe::tensor {

using Shape = std::vector<std::int64_t>;

// The product of the extents; 1 for a scalar; nothing when an extent is negative or it overflows.
std::optional<std::uint64_t> element_count(const Shape& shape);

// "[2, 3]".
std::string to_string(const Shape& shape);

}  // namespace lathe::tensor
