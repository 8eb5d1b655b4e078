// What a conversion of weights did, as people read it.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "evaluation/certificate.h"

namespace lathe::cli {

// Lines such as "  q4_k  168 tensors from f32, 45.1 MB (asked for)". report: host::to_json's.
std::string conversion_text(const nlohmann::json& report);

// Some lines, each after `indent`.
std::string certificate_text(const evaluation::Certificate& certificate, const std::string& indent);

}  // namespace lathe::cli
