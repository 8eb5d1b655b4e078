#include "store/home.h"

#include <algorithm>
#include <cstdlib>

#include "store/names.h"

namespace lathe::store {

Result<Home> Home::open(const os::Path& folder) {
  if (folder.empty()) {
    return Error::bad_input("the home has no path").fix_with("give one with --home DIR");
  }
  std::error_code code;
  const os::Path absolute = std::filesystem::absolute(folder, code).lexically_normal();
  if (code) return Error::io("cannot find the home: " + code.message()).at(folder.string());
  for (const char* part : {"models", "adaptations", "knowledge"}) {
    LATHE_CHECK(os::make_directories(absolute / part));
  }
  // "…/home/" and "…/home" are the same folder, and relative() compares its parts.
  return Home(absolute.has_filename() ? absolute : absolute.parent_path());
}

Result<os::Path> Home::default_folder() {
  const char* chosen = std::getenv("LATHE_HOME");
  if (chosen != nullptr && *chosen != '\0') return os::Path(chosen);
  const char* user = std::getenv("HOME");
  if (user != nullptr && *user != '\0') return os::Path(user) / ".lathe";
  return Error::not_found("there is no home: neither LATHE_HOME nor HOME is set")
      .fix_with("set LATHE_HOME or give --home DIR");
}

Result<os::Path> Home::model_folder(std::string_view name) const {
  LATHE_CHECK(check_model_name(name));
  // One level for each model, so that a model `org` and a model `org/name` do not share a folder.
  std::string segment(name);
  std::replace(segment.begin(), segment.end(), '/', '~');
  return folder_ / "models" / segment;
}

Result<os::Path> Home::adaptation_folder(std::string_view name) const {
  LATHE_CHECK(check_name(name, "adaptation"));
  return folder_ / "adaptations" / name;
}

Result<os::Path> Home::knowledge_file(std::string_view name) const {
  LATHE_CHECK(check_name(name, "knowledge base"));
  return folder_ / "knowledge" / (std::string(name) + ".db");
}

Result<os::Path> Home::absolute(std::string_view relative) const {
  LATHE_CHECK(check_relative_path(relative));
  return folder_ / relative;
}

Result<std::string> Home::relative(const os::Path& path) const {
  std::error_code code;
  const os::Path absolute = std::filesystem::absolute(path, code).lexically_normal();
  if (code) return Error::io("cannot find the path: " + code.message()).at(path.string());
  const std::string text = absolute.lexically_relative(folder_).generic_string();
  LATHE_CHECK(check_relative_path(text).at(path.string()));
  return text;
}

}  // namespace lathe::store
