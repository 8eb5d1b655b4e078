#include "formats/hf_texts.h"

#include "formats/json.h"

namespace lathe::formats {
namespace {

using nlohmann::json;

constexpr std::uint64_t kMaxConfigBytes = std::uint64_t{4} << 20;
constexpr std::uint64_t kMaxTokenizerBytes = std::uint64_t{256} << 20;

Result<std::optional<std::string>> read_optional(const os::Path& path, std::uint64_t max_bytes) {
  auto text = os::read_file(path, max_bytes);
  if (text.ok()) return std::optional(std::move(text).value());
  if (text.error().kind == ErrorKind::not_found) return std::optional<std::string>();
  return std::move(text).error();
}

// "chat_template" of tokenizer_config.json: one text, or a list of named ones.
Result<std::optional<std::string>> template_in(const json& config) {
  const JsonFields fields(config);
  const json* value = fields.find("chat_template");
  if (value == nullptr || !value->is_array()) return fields.find_string("chat_template");
  for (const json& item : *value) {
    if (!item.is_object()) return Error::bad_input("chat_template holds no named template");
    const JsonFields named(item, "chat_template.");
    LATHE_TRY(const std::string name, named.get_string("name"));
    if (name == "default") return named.find_string("template");
  }
  return Error::unsupported("chat_template has several templates and none is named \"default\"");
}

}  // namespace

Result<std::optional<std::string>> find_tokenizer_json(const os::Path& folder) {
  return read_optional(folder / "tokenizer.json", kMaxTokenizerBytes);
}

Result<std::optional<std::string>> find_tokenizer_config_json(const os::Path& folder) {
  return read_optional(folder / "tokenizer_config.json", kMaxTokenizerBytes);
}

Result<std::optional<std::string>> find_generation_config_json(const os::Path& folder) {
  return read_optional(folder / "generation_config.json", kMaxConfigBytes);
}

Result<std::optional<std::string>> find_chat_template(const os::Path& folder) {
  LATHE_TRY(auto file, read_optional(folder / "chat_template.jinja", kMaxConfigBytes));
  if (file) return file;
  LATHE_TRY(const auto text, find_tokenizer_config_json(folder));
  if (!text) return std::optional<std::string>();
  const std::string place = (folder / "tokenizer_config.json").string();
  LATHE_TRY(const json config, parse_json_object(*text).at(place));
  return template_in(config).at(place);
}

}  // namespace lathe::formats
