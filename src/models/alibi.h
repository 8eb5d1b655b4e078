// ALiBi (Press et al. 2022): scores get a bias that grows with the key's position, with a slope for
// each head. softmax does not see what a whole row has in common, so the key's position alone will
// do.
#pragma once

#include <cstddef>
#include <vector>

namespace lathe::models {

// [heads, positions]: slope of the head times position, rounded to bf16 as the first Falcon models
// were trained (transformers, build_alibi_tensor).
std::vector<float> alibi_biases(std::size_t heads, std::size_t positions);

}  // namespace lathe::models
