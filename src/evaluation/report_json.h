// Evaluations and comparisons as JSON, for --json and for whoever reads reports by program. Shares
// are 0 to 1, times seconds, sizes bytes. Pure functions.
#pragma once

#include <string>

#include "evaluation/ways.h"

namespace lathe::evaluation {

// {"rows", "right", "accuracy", "interval", "f1", "errors", "by_tag", …, "results": [a row each]}
std::string to_json(const Evaluation& evaluation);

// {"model", …, "ways": [{"way", "accuracy", …}], "recommendation": {"way", "reason"} or null}; rows
// are left out.
std::string to_json(const Comparison& comparison);

}  // namespace lathe::evaluation
