#include "text/around_template.h"

#include "text/json_fields.h"

namespace lathe::text {

std::string around_template(const TokenizerSpec& spec, std::optional<std::int32_t> before,
                            std::optional<std::int32_t> after) {
  if (!before && !after) return "null";
  Json single = Json::array(), pair = Json::array(), special = Json::object();
  const auto add_token = [&](Json& list, std::optional<std::int32_t> id, int type) {
    if (!id) return;
    const std::string& name = spec.tokens[static_cast<std::size_t>(*id)];
    list.push_back({{"SpecialToken", {{"id", name}, {"type_id", type}}}});
    special[name] = {{"id", name}, {"ids", {*id}}, {"tokens", {name}}};
  };
  const auto add_text = [&](Json& list, const char* name, int type) {
    add_token(list, before, type);
    list.push_back({{"Sequence", {{"id", name}, {"type_id", type}}}});
    add_token(list, after, type);
  };
  add_text(single, "A", 0);
  add_text(pair, "A", 0);
  add_text(pair, "B", 1);
  const Json component = {{"type", "TemplateProcessing"},
                          {"single", single},
                          {"pair", pair},
                          {"special_tokens", special}};
  return component.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace lathe::text
