// The ladder: scores several ways of adapting a model on the same held-out rows, with what each
// costs, and recommends one.
//
// A way that fails while it is tried (training that runs out of memory, say) is reported with its
// error, and the others go on; what cannot be compared at all is an error before any work.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "evaluation/ways.h"

namespace lathe::evaluation {

struct CompareInputs {
  std::shared_ptr<tasks::LoadedModel> model;
  os::Path model_path;     // where it was loaded from: training loads it once more, in f32
  std::string model_name;  // what adapters say they belong to
  std::vector<training::Row> train;
  std::vector<training::Row> test;
  os::Path documents;  // a folder or a file; empty: none
  os::Path folder;     // where artefacts go (artefacts.h); made, and must hold nothing
};

struct CompareCallbacks {
  std::function<void(const std::string& what)> on_stage;
  std::function<bool(Way way, std::size_t done, std::size_t total)> on_row;  // false stops
  training::TrainerCallbacks training;
};

// The ways that are compared when none are named: every one that the data allow.
std::vector<Way> usual_ways(bool has_documents);

// Errors: bad_input (rows that ask nothing, no documents for retrieval, options), already_exists
// (the folder), those of reading; cancelled.
Result<Comparison> compare(const CompareInputs& inputs, const CompareOptions& options,
                           Parallel& parallel, const os::Clock& clock,
                           const CompareCallbacks& callbacks = {});

}  // namespace lathe::evaluation
