// How retrieval reads for one model: how many passages a prompt holds and how long they are. Large
// models gain from many long passages; small ones lose themselves in them. So the settings are
// tried on training rows, never on the rows that the ways are scored on, and the best is kept.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "evaluation/compare.h"

namespace lathe::evaluation {

// What is tried.
inline constexpr Reading kReadings[] = {{1, 20}, {1, 30}, {1, 60},  {2, 20}, {2, 30},
                                        {3, 30}, {3, 60}, {3, 120}, {5, 120}};
// Training rows that each is tried on, at most; spread evenly over the data.
inline constexpr std::size_t kReadingRows = 200;

// One trial for each of kReadings, in their order. REQUIRES: training rows and documents. Errors:
// those of reading the documents and of answering; cancelled.
Result<std::vector<ReadingTrial>> try_readings(const CompareInputs& inputs,
                                               const CompareOptions& options, Parallel& parallel,
                                               const os::Clock& clock,
                                               const CompareCallbacks& callbacks);

// The one with the most right answers; between equals, the shortest prompts. REQUIRES: not empty.
const ReadingTrial& best_reading(std::span<const ReadingTrial> trials);

}  // namespace lathe::evaluation
