#include "text/jinja/template.h"

#include "text/jinja/parser.h"

namespace lathe::text::jinja {

Result<Template> Template::parse(std::string source) {
  LATHE_TRY(ast::Block block, parse_template(source));
  return Template(std::move(source), std::move(block));
}

Result<Rendered> Template::render(const RenderInput& input) const {
  return Interpreter(input).render(block_);
}

}  // namespace lathe::text::jinja
