// Which way to take, from what a comparison measured. Pure functions.
//
// The way with the most right answers; but where the paired test cannot tell a cheaper way from it
// (p > 0.05 on the same rows), the cheapest such way. Cheap means few prompt tokens, which every
// request pays; between equals, no training; then small artefacts.
#pragma once

#include <optional>
#include <span>

#include "evaluation/ways.h"

namespace lathe::evaluation {

// Above this, a difference may be chance.
inline constexpr double kSignificance = 0.05;

// Both on the same rows. REQUIRES: both could be tried.
PairedComparison compare_ways(const WayResult& a, const WayResult& b);

// Nothing when no way could be tried.
std::optional<Recommendation> recommend(std::span<const WayResult> ways);

}  // namespace lathe::evaluation
