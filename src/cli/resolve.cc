#include "cli/resolve.h"

namespace lathe::cli {

Result<LocalStore> open_store(const Common& common) { return LocalStore::open(common.home); }

Result<Resolved> resolve(const Common& common, const std::string& reference) {
  LATHE_TRY(LocalStore store, open_store(common));
  return host::resolve(store, reference);
}

}  // namespace lathe::cli
