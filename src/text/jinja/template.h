// A parsed template: what the rest of the program uses of this folder. Immutable and thread-safe.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "text/jinja/ast.h"
#include "text/jinja/interpreter.h"

namespace lathe::text::jinja {

class Template {
 public:
  // Errors: bad_input, unsupported, limit, with the line of the template.
  static Result<Template> parse(std::string source);

  Result<Rendered> render(const RenderInput& input) const;
  const std::string& source() const { return source_; }

 private:
  Template(std::string source, ast::Block block)
      : source_(std::move(source)), block_(std::move(block)) {}

  std::string source_;
  ast::Block block_;
};

}  // namespace lathe::text::jinja
