// Numbers as reports write them, for the terminal and for HTML. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "evaluation/ways.h"

namespace lathe::evaluation {

std::string count_text(std::size_t count, std::string_view noun);  // "1 row", "99 rows"
std::string percent_text(double share);                            // "84.8 %"
std::string interval_text(const Interval& share);                  // "76 to 91 %"
std::string seconds_text(double seconds);     // "420 µs", "12.3 ms", "4.56 s", "3 min 05 s"
std::string bytes_text(std::uint64_t bytes);  // "812 B", "42.1 KB", "3.2 MB", "1.5 GB"; 1000s

// The tags and values that any way has scores for: {"task", "classify"}, … in order.
struct TagValue {
  std::string tag;
  std::string value;
};
std::vector<TagValue> tag_values(const Comparison& comparison);
// The score of a way on rows with that tag; null when it has none.
const Score* score_of(const WayResult& way, const TagValue& tag);

// What a reader must know before believing the numbers, one sentence each: errors, answers cut off,
// prompts that something did not fit into, test rows that stand among the training rows.
std::vector<std::string> warnings(const Comparison& comparison);
std::vector<std::string> warnings(const Evaluation& evaluation, std::size_t max_tokens);

}  // namespace lathe::evaluation
