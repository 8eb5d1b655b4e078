// From tokens to the syntax tree, with Jinja's precedence and statements. Tags that load other
// templates (include, import, extends, block) are errors: a chat template is one file.
#pragma once

#include <string_view>

#include "base/result.h"
#include "text/jinja/ast.h"

namespace lathe::text::jinja {

// The tree does not refer to `source`. Errors: bad_input, unsupported, limit, with the line.
Result<ast::Block> parse_template(std::string_view source);

}  // namespace lathe::text::jinja
