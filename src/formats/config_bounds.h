// Bounds on what a foreign configuration may say: far past any real model, so that no product of
// two of them overflows, and so that a damaged file is refused before memory is asked for.
#pragma once

#include <fmt/format.h>

#include <cstdint>

#include "base/result.h"

namespace lathe::formats {

constexpr std::uint64_t kMaxConfigBytes = std::uint64_t{4} << 20;  // config.json and its like

constexpr std::int64_t kMaxVocab = std::int64_t{1} << 24;
constexpr std::int64_t kMaxWidth = std::int64_t{1} << 20;
constexpr std::int64_t kMaxLayers = 1024;
constexpr std::int64_t kMaxHeads = 4096;
constexpr double kLeastEps = 1e-30;  // models compute in f32: what is smaller would not reach them

// Errors: bad_input that names the field, its value and the bounds.
inline Status check_range(const char* field, std::int64_t value, std::int64_t least,
                          std::int64_t most) {
  if (value >= least && value <= most) return {};
  return Error::bad_input(fmt::format("{} is {}, outside {} to {}", field, value, least, most));
}

}  // namespace lathe::formats
