#include "formats/hf_texts.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "formats/config_bounds.h"
#include "formats/json.h"

namespace lathe::formats {
namespace {

using nlohmann::json;

constexpr std::uint64_t kMaxTokenizerBytes = std::uint64_t{256} << 20;
constexpr std::size_t kMaxTemplates = 64;

Result<std::optional<std::string>> read_optional(const os::Path& path, std::uint64_t max_bytes) {
  auto text = os::read_file(path, max_bytes);
  if (text.ok()) return std::optional(std::move(text).value());
  if (text.error().kind == ErrorKind::not_found) return std::optional<std::string>();
  return std::move(text).error();
}

// A template of a name that is there already takes its place.
void put(std::vector<NamedTemplate>& templates, NamedTemplate added) {
  for (NamedTemplate& known : templates)
    if (known.name == added.name) {
      known = std::move(added);
      return;
    }
  templates.push_back(std::move(added));
}

bool is_inside(const os::Path& file, const os::Path& folder) {
  const auto parts = std::mismatch(folder.begin(), folder.end(), file.begin(), file.end());
  return parts.first == folder.end();
}

// The folder itself, or for …/snapshots/REVISION the …/blobs that its links lead to.
bool stays_at_home(const os::Path& file, const os::Path& folder) {
  std::error_code failed;
  const os::Path target = std::filesystem::canonical(file, failed);
  if (failed) return false;
  const os::Path home = std::filesystem::canonical(folder, failed);
  if (failed) return false;
  if (is_inside(target, home)) return true;
  const os::Path snapshots = home.parent_path();
  return snapshots.filename() == "snapshots" &&
         is_inside(target, snapshots.parent_path() / "blobs");
}

// "chat_template" of tokenizer_config.json: one text, or a list of named ones.
Result<std::vector<NamedTemplate>> templates_in(const json& config) {
  std::vector<NamedTemplate> templates;
  const JsonFields fields(config);
  const json* value = fields.find("chat_template");
  if (value == nullptr || !value->is_array()) {
    LATHE_TRY(auto only, fields.find_string("chat_template"));
    if (only) templates.push_back({"default", std::move(*only)});
    return templates;
  }
  for (const json& item : *value) {
    if (!item.is_object()) return Error::bad_input("chat_template holds no named template");
    const JsonFields named(item, "chat_template.");
    LATHE_TRY(std::string name, named.get_string("name"));
    LATHE_TRY(std::string source, named.get_string("template"));
    put(templates, {std::move(name), std::move(source)});
  }
  return templates;
}

// NAME.jinja of additional_chat_templates, in the order of their names.
Status read_additional(const os::Path& folder, std::vector<NamedTemplate>& templates) {
  std::error_code failed;
  std::vector<os::Path> paths;
  for (std::filesystem::directory_iterator at(folder, failed), end; !failed && at != end;
       at.increment(failed)) {
    if (at->path().extension() == ".jinja") paths.push_back(at->path());
    if (paths.size() > kMaxTemplates)
      return Error::limit(fmt::format("there are more than {} templates", kMaxTemplates))
          .at(folder.string());
  }
  std::sort(paths.begin(), paths.end());
  for (const os::Path& path : paths) {
    LATHE_TRY(std::string source, os::read_file(path, kMaxConfigBytes));
    put(templates, {path.stem().string(), std::move(source)});
  }
  return {};
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

Result<std::optional<std::string>> find_readme(const os::Path& folder) {
  const os::Path path = folder / "README.md";
  std::error_code failed;
  const auto status = std::filesystem::symlink_status(path, failed);
  if (status.type() == std::filesystem::file_type::not_found) return std::optional<std::string>();
  if (failed) return Error::io(failed.message()).at(path.string());
  if (!stays_at_home(path, folder))
    return Error::bad_input("this is a link that leads out of the folder")
        .at(path.string())
        .fix_with("put the text itself into the folder, or remove the link");
  return read_optional(path, kMaxConfigBytes);
}

Result<std::vector<NamedTemplate>> find_chat_templates(const os::Path& folder) {
  std::vector<NamedTemplate> templates;
  LATHE_TRY(auto file, read_optional(folder / "chat_template.jinja", kMaxConfigBytes));
  if (file) templates.push_back({"default", std::move(*file)});
  LATHE_CHECK(read_additional(folder / "additional_chat_templates", templates));
  if (!templates.empty()) return templates;
  LATHE_TRY(const auto text, find_tokenizer_config_json(folder));
  if (!text) return templates;
  const std::string place = (folder / "tokenizer_config.json").string();
  LATHE_TRY(const json config, parse_json_object(*text).at(place));
  return templates_in(config).at(place);
}

Result<std::optional<std::string>> find_chat_template(const os::Path& folder) {
  LATHE_TRY(std::vector<NamedTemplate> templates, find_chat_templates(folder));
  if (templates.empty()) return std::optional<std::string>();
  for (NamedTemplate& one : templates)
    if (one.name == "default") return std::optional(std::move(one.source));
  return Error::unsupported("chat_template has several templates and none is named \"default\"")
      .at(folder.string());
}

}  // namespace lathe::formats
