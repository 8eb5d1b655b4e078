// Lathe's home: the folder that holds everything of a user, and where in it what lies.
//
//   lathe.db                 the catalogue (store/catalogue.h)
//   models/NAME/             one model; org/name lies in models/org~name/
//   adaptations/NAME/        one adaptation
//   knowledge/NAME.db        one knowledge base (retrieval/knowledge_base.h)
//
// Immutable: any number of threads may use one. Names are checked (store/names.h), so that no name
// leads out of the home.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "os/file.h"

namespace lathe::store {

class Home {
 public:
  // Opens the folder and makes what is missing of it. Errors: io (permissions, a file in the way).
  static Result<Home> open(const os::Path& folder);

  // $LATHE_HOME, or ~/.lathe. Error: not_found when neither it nor $HOME is set.
  static Result<os::Path> default_folder();

  const os::Path& folder() const { return folder_; }  // absolute
  os::Path catalogue_file() const { return folder_ / "lathe.db"; }

  // Where something of that name lies; nothing is created. Error: bad_input (the name).
  Result<os::Path> model_folder(std::string_view name) const;
  Result<os::Path> adaptation_folder(std::string_view name) const;
  Result<os::Path> knowledge_file(std::string_view name) const;

  // Between the catalogue's relative paths and real ones. Error: bad_input (a path that is or leads
  // outside of the home).
  Result<os::Path> absolute(std::string_view relative) const;
  Result<std::string> relative(const os::Path& path) const;

 private:
  explicit Home(os::Path folder) : folder_(std::move(folder)) {}
  os::Path folder_;
};

}  // namespace lathe::store
