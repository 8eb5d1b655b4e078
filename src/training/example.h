// A row of training data as the learner sees it.
#pragma once

#include <cstdint>
#include <vector>

namespace lathe::training {

// weights[i] says how much predicting tokens[i] from what stands before it counts; weights[0] is
// not used unless something (a soft prompt) stands before the first token.
struct Example {
  std::vector<std::int32_t> tokens;
  std::vector<float> weights;
};

}  // namespace lathe::training
