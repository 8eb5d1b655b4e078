// Models into the store and out of it.
//
// An import opens the model with everything that serving would open (config, every weight's name
// and shape, tokenizer, chat template), so that what is in the store can be served; copies the
// files that this takes into the home, or writes them in other types; and records it. Killed at any
// moment the store has the model or it has not; copying under way is cleared by the next import.
#pragma once

#include <cstdint>
#include <string>

#include "base/function_ref.h"
#include "base/parallel.h"
#include "base/result.h"
#include "host/conversion.h"
#include "host/local_store.h"

namespace lathe::host {

// "starter" of "starter.gguf" or "models/starter/"; may not be a name that the store takes.
std::string default_model_name(const os::Path& path);

// progress gets the bytes copied so far and all of them. Files are copied as they are unless
// conversion.type asks for another type: then a GGUF file is written (for block types, and from
// GGUF), or a folder like the source. The record's details hold what became of the types
// ("conversion") and the certificates. Errors: those of opening the model and of converting it; bad
// input (the name); already_exists.
Result<store::ModelRecord> import_model(
    LocalStore& store, const os::Path& path, const std::string& name, Parallel& parallel,
    FunctionRef<void(std::uint64_t done, std::uint64_t all)> progress,
    const ConversionOptions& conversion = {});

// What the files say of a model, without name, path, size and fingerprint: all of a record that
// needs no weight to be read, so that a header alone is enough. path: as for import_model().
Result<store::ModelRecord> describe_model(const os::Path& path);

// A model in a folder that nobody else uses and that may be emptied: what was pulled.
struct ModelToTakeIn {
  os::Path path;  // a folder or a .gguf file in it, on the file system of the home
  std::string name;
  std::vector<std::string> cards;     // further files of the folder that are kept: "README.md"
  std::string details = "{}";         // of its record, beside what an import adds; a JSON object
  ConversionOptions conversion = {};  // as for import_model()
  store::IfExists if_exists = store::IfExists::refuse;
};

// As import_model(), but the files are linked to their new place instead of copied (copied where
// the file system has no links). The folder is left as it was.
Result<store::ModelRecord> take_in_model(LocalStore& store, const ModelToTakeIn& model,
                                         Parallel& parallel);

// The record and the files. A server that has the model loaded keeps answering until it lets go of
// it. Errors: not_found; bad_input (in use, with the names of its users).
Status remove_model(LocalStore& store, const std::string& name);

}  // namespace lathe::host
