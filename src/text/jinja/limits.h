// What bounds a template: how large and deep its source may be, and how much work, depth and output
// one render may take. Reaching a bound is an error of kind `limit`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace lathe::text::jinja {

// Bounds of the source, checked when it is parsed.
inline constexpr std::size_t kMaxSourceBytes = std::size_t{1} << 20;
inline constexpr int kMaxSyntaxDepth = 160;  // nested blocks, brackets and operators
// How deep lists and mappings may nest, in the template's values and in JSON that is given to it.
inline constexpr int kMaxValueDepth = 100;

// Bounds of one render.
struct Limits {
  // One step is one evaluated node, 16 bytes of a new string or half an element of a new list, so
  // the default also bounds the memory of a render (some 200 MB) and its time (seconds).
  std::uint64_t steps = 10'000'000;
  // Nested evaluations: expressions in statements in macros that call each other.
  int depth = 480;
  std::size_t output_bytes = std::size_t{64} << 20;
};

// Counts down what a render may still do. Not thread-safe: one render, one budget.
class Budget {
 public:
  explicit Budget(const Limits& limits) : steps_(limits.steps), depth_(limits.depth) {}

  Status spend(std::uint64_t steps) {
    if (steps > steps_) return too_much();
    steps_ -= steps;
    return {};
  }
  Status spend_bytes(std::uint64_t bytes) { return spend(bytes / 16); }
  Status spend_elements(std::uint64_t elements) { return spend(elements * 2); }

  // Whether a string of so many bytes could still be made: asked before an operation whose result
  // can be far larger than its operands.
  Status can_make_bytes(std::uint64_t bytes) const {
    if (bytes / 16 > steps_) return too_much();
    return {};
  }
  // The same for a product, which may overflow.
  Status can_make_bytes(std::uint64_t bytes, std::uint64_t times) const;

  Status enter();
  void leave() { ++depth_; }

 private:
  static Error too_much();

  std::uint64_t steps_;
  int depth_;
};

}  // namespace lathe::text::jinja
