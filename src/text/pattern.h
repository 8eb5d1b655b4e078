// The "pattern" field that several components of tokenizer.json have: {"String": …} or
// {"Regex": …}.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "text/regex.h"

namespace lathe::text {

Result<Regex> pattern_field(const nlohmann::json& component);

}  // namespace lathe::text
