#include "host/packed_weights.h"

#include <fmt/format.h>

#include "base/log.h"
#include "formats/encoder_source.h"
#include "host/model_description.h"
#include "host/staged_folder.h"
#include "models/packed_model.h"

namespace lathe::host {
namespace {

namespace fs = std::filesystem;

// What a process that was killed while it packed left behind. REQUIRES: the lock of the folder.
void clear_partial_files(const os::Path& packed) {
  std::error_code code;
  const std::string prefix = packed.filename().string() + ".";
  for (const auto& entry : fs::directory_iterator(packed.parent_path(), code)) {
    if (entry.path().filename().string().starts_with(prefix)) fs::remove(entry.path(), code);
  }
}

// Bytes that were copied or touched are verified once and then trusted as those just written.
Status verify_and_seal(const os::Path& model, Parallel& parallel) {
  LATHE_TRY(const formats::PackedFile file, models::open_unsealed(model));
  LATHE_CHECK(file.verify(parallel).at(models::packed_path(model).string()));
  return formats::seal_packed_file(models::packed_path(model), file.sealed());
}

// Makes sure that open_packed() succeeds.
Status refresh(const os::Path& model, Parallel& parallel) {
  auto found = models::open_packed(model);
  if (found.ok()) return {};
  LATHE_TRY(const FolderLock lock, FolderLock::take(models::packed_path(model).parent_path()));
  found = models::open_packed(model);  // somebody else may have been faster
  if (found.ok()) return {};
  if (found.error().kind == ErrorKind::unavailable) {
    const Status verified = verify_and_seal(model, parallel);
    if (verified.ok()) {
      log::info("{}: verified by hash", models::packed_path(model).string());
      return {};
    }
    found = verified.error();
  }
  clear_partial_files(models::packed_path(model));
  if (found.error().kind == ErrorKind::not_found) {
    log::info("{}: packing its weights, once", model.string());
  } else {
    log::warning("{}; packing again", found.error().message());
  }
  return pack_weights(model, parallel, [](std::uint64_t, std::uint64_t) {});
}

}  // namespace

Status pack_weights(const os::Path& model, Parallel& parallel,
                    FunctionRef<void(std::uint64_t, std::uint64_t)> progress) {
  LATHE_TRY(const os::Path file, tasks::model_path(model));
  if (formats::is_encoder(file)) return {};
  LATHE_TRY(const formats::ModelSource source, formats::ModelSource::open(file));
  return models::write_packed(source, parallel, progress);
}

Status verify_packed(const os::Path& model, Parallel& parallel) {
  LATHE_TRY(const formats::PackedFile file, models::open_unsealed(model));
  return file.verify(parallel).at(models::packed_path(model).string());
}

Result<bool> verify_model(LocalStore& store, const std::string& name, Parallel& parallel) {
  LATHE_TRY(const store::ModelRecord record, store.catalogue.model(name));
  LATHE_TRY(const os::Path folder, store.home.absolute(record.path));
  store::ModelRecord now;
  LATHE_CHECK(describe_weights(folder, parallel, now));
  if (now.fingerprint != record.fingerprint) {
    return Error::bad_input(fmt::format("the weights are not those that were imported ({}, now {})",
                                        record.fingerprint, now.fingerprint))
        .at(folder.string())
        .fix_with("remove the model and import it again");
  }
  LATHE_TRY(const os::Path model, tasks::model_path(folder));
  const Status packed = verify_packed(model, parallel);
  if (packed.ok()) return true;
  if (packed.error().kind == ErrorKind::not_found) return false;
  return Error(packed.error()).fix_with("remove that file: the next start packs it again");
}

Result<std::shared_ptr<tasks::LoadedModel>> load_model(const Resolved& what, Parallel& parallel,
                                                       const engine::EngineOptions& options) {
  if (what.in_store) {
    const Status packed = refresh(what.model_path, parallel);
    if (!packed.ok()) log::warning("{}: no packed weights", packed.error().message());
  }
  return tasks::LoadedModel::load(what.model_path, parallel, options);
}

}  // namespace lathe::host
