// Evaluations and comparisons as aligned text for the terminal. Pure functions.
#pragma once

#include <string>

#include "evaluation/ways.h"

namespace lathe::cli {

// Lines with the scores, overall and by tag.
std::string evaluation_text(const evaluation::Evaluation& evaluation, std::size_t max_tokens);

// The table of ways, warnings and the recommendation.
std::string comparison_text(const evaluation::Comparison& comparison);

}  // namespace lathe::cli
