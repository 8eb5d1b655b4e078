// The post-processor that puts one token before and one after a text. Internal to src/text.
#pragma once

#include <optional>
#include <string>

#include "text/tokenizer_parts.h"

namespace lathe::text {

// A TemplateProcessing as JSON; "null" when there is nothing to put. REQUIRES: ids of spec.tokens.
std::string around_template(const TokenizerSpec& spec, std::optional<std::int32_t> before,
                            std::optional<std::int32_t> after);

}  // namespace lathe::text
