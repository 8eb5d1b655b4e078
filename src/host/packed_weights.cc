#include "host/packed_weights.h"

#include <fmt/format.h>

#include "base/log.h"
#include "formats/encoder_source.h"
#include "host/model_description.h"
#include "host/staged_folder.h"
#include "models/packed_model.h"
#include "text/model_text.h"
#include "text/packed_tokenizer.h"

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

// A file that is made of a model's files once: where it is, and the two things to do with it.
struct Derived {
  const char* what;  // "weights"
  os::Path path;
  FunctionRef<Result<formats::DerivedFile>()> file;
  FunctionRef<Status()> check;  // as a start finds it
  FunctionRef<Status()> make;
};

Status verify_again(const Derived& derived, Parallel& parallel) {
  LATHE_TRY(const formats::DerivedFile file, derived.file());
  return formats::verify_and_seal(file, parallel);
}

// Makes sure that it can be used.
Status refresh(const Derived& derived, Parallel& parallel) {
  Status found = derived.check();
  if (found.ok()) return {};
  LATHE_TRY(const FolderLock lock, FolderLock::take(derived.path.parent_path()));
  found = derived.check();  // somebody else may have been faster
  if (found.ok()) return {};
  if (found.error().kind == ErrorKind::unavailable) {
    found = verify_again(derived, parallel);
    if (found.ok()) {
      log::info("{}: verified by hash", derived.path.string());
      return {};
    }
  }
  clear_partial_files(derived.path);
  if (found.error().kind == ErrorKind::not_found) {
    log::info("{}: packing the model's {}, once", derived.path.string(), derived.what);
  } else {
    log::warning("{}; packing again", found.error().message());
  }
  return derived.make();
}

Status verify_file(const formats::DerivedFile& derived, Parallel& parallel) {
  LATHE_TRY(const formats::PackedFile file, formats::open_unsealed(derived));
  return file.verify(parallel).at(derived.path.string());
}

Status refresh_weights(const os::Path& model, Parallel& parallel) {
  const auto file = [&] { return models::packed_file_of(model); };
  const auto check = [&]() -> Status {
    LATHE_CHECK(models::open_packed(model));
    return {};
  };
  const auto make = [&] {
    return pack_weights(model, parallel, [](std::uint64_t, std::uint64_t) {});
  };
  return refresh({"weights", models::packed_path(model), file, check, make}, parallel);
}

Status refresh_tokenizer(const os::Path& model, Parallel& parallel) {
  const auto file = [&] { return text::packed_tokenizer_of(model); };
  const auto check = [&] { return text::check_packed_tokenizer(model); };
  const auto make = [&] { return pack_tokenizer(model); };
  return refresh({"tokenizer", text::packed_tokenizer_path(model), file, check, make}, parallel);
}

}  // namespace

Status pack_weights(const os::Path& model, Parallel& parallel,
                    FunctionRef<void(std::uint64_t, std::uint64_t)> progress) {
  LATHE_TRY(const os::Path file, tasks::model_path(model));
  if (formats::is_encoder(file)) return {};
  LATHE_TRY(const formats::ModelSource source, formats::ModelSource::open(file));
  return models::write_packed(source, parallel, progress);
}

Status pack_tokenizer(const os::Path& model) {
  LATHE_TRY(const os::Path file, tasks::model_path(model));
  if (formats::is_encoder(file)) return {};
  LATHE_TRY(const formats::ModelSource source, formats::ModelSource::open(file));
  LATHE_TRY(const text::Tokenizer tokenizer, text::read_tokenizer(source));
  return text::write_packed_tokenizer(source.path(), tokenizer);
}

Status verify_packed(const os::Path& model, Parallel& parallel) {
  LATHE_TRY(const formats::DerivedFile weights, models::packed_file_of(model));
  LATHE_CHECK(verify_file(weights, parallel));
  if (!os::exists(text::packed_tokenizer_path(model))) return {};
  LATHE_TRY(const formats::DerivedFile tokenizer, text::packed_tokenizer_of(model));
  return verify_file(tokenizer, parallel);
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
    const Status weights = refresh_weights(what.model_path, parallel);
    if (!weights.ok()) log::warning("{}: no packed weights", weights.error().message());
    const Status tokenizer = refresh_tokenizer(what.model_path, parallel);
    if (!tokenizer.ok()) log::warning("{}: no packed tokenizer", tokenizer.error().message());
  }
  return tasks::LoadedModel::load(what.model_path, parallel, options);
}

}  // namespace lathe::host
