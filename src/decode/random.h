// Random numbers that are a pure function of (seed, step): Philox4x32-10. A request's draws repeat
// by its seed, whatever else is in the batch, and survive being interrupted and recomputed, because
// there is no state to lose.
// Source: Salmon, Moraes, Dror, Shaw: Parallel Random Numbers: As Easy as 1, 2, 3 (2011).
#pragma once

#include <array>
#include <cstdint>

namespace lathe::decode {

// One block: four 32-bit words from a 128-bit counter under a 64-bit key.
std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter,
                                        std::array<std::uint32_t, 2> key);

// The draw of a step, uniform in [0, 1) with 53 bits.
double uniform(std::uint64_t seed, std::uint64_t step);

}  // namespace lathe::decode
