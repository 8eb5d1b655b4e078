// Models of the store start from packed weights (models/packed_model.h) and a packed tokenizer
// (text/packed_tokenizer.h): imports and pulls leave them beside the model's files, and what is
// missing, of another version, torn or of other files is packed again before the model is loaded,
// which the log says.
//
// Several processes may do so at once: one packs, the others wait for it.
#pragma once

#include <memory>

#include "base/function_ref.h"
#include "base/parallel.h"
#include "host/local_store.h"
#include "tasks/loaded_model.h"

namespace lathe::host {

// Packs the matrices of a model of the store; an encoder has none that are packed. progress(bytes
// done, bytes in all). Errors: those of opening, reading and writing the model.
Status pack_weights(const os::Path& model, Parallel& parallel,
                    FunctionRef<void(std::uint64_t done, std::uint64_t all)> progress);

// Packs the tokenizer of a decoder of the store. Errors: not_found (it has none), those of reading
// and writing it.
Status pack_tokenizer(const os::Path& model);

// Compares the packed weights and the packed tokenizer of a model with their hashes. Errors:
// not_found (there are none); bad_input, unsupported (what is wrong with them).
Status verify_packed(const os::Path& model, Parallel& parallel);

// Reads all of a model of the store: its weights must have the fingerprint that was recorded, its
// packed weights their hashes. False: it has no packed weights. Errors: not_found (no such model);
// bad_input (what is damaged, and what to do).
Result<bool> verify_model(LocalStore& store, const std::string& name, Parallel& parallel);

// Loads what a reference stands for. A model of the store gets what is packed first where it is
// missing or cannot be used; where that fails (a full disk) it is loaded without, and the log
// says why. Adaptations are not loaded here. Errors: those of tasks::LoadedModel::load().
Result<std::shared_ptr<tasks::LoadedModel>> load_model(const Resolved& what, Parallel& parallel,
                                                       const engine::EngineOptions& options = {});

}  // namespace lathe::host
