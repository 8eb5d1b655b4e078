// A row of training data as the learner sees it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace lathe::training {

// weights[i] says how much predicting tokens[i] from what stands before it counts; weights[0] is
// not used unless something (a soft prompt) stands before the first token.
struct Example {
  std::vector<std::int32_t> tokens;
  std::vector<float> weights;
};

inline std::size_t count_tokens(std::span<const Example> examples) {
  std::size_t tokens = 0;
  for (const Example& example : examples) tokens += example.tokens.size();
  return tokens;
}

}  // namespace lathe::training
