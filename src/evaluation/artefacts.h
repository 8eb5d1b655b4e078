// Makes the artefacts that the ways of a comparison put onto a model, each once, in one folder:
//
//   few-shot.json        a prompt adaptation with the training rows as examples
//   passages.json        a prompt adaptation that asks for another number of passages than usual
//   knowledge.db         the documents
//   prompt-tuning/       PEFT folders
//   lora/
//   lora-on-retrieval/
//
// What is there can be named in a reference, or deployed, as it is. Not thread-safe.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "evaluation/ways.h"

namespace lathe::evaluation {

class Artefacts {
 public:
  struct Inputs {
    std::shared_ptr<tasks::LoadedModel> model;
    os::Path model_path;
    std::string model_name;  // what adapters say they belong to
    std::span<const training::Row> rows;
    os::Path documents;  // a folder or file; empty: none
    os::Path folder;     // exists, and holds nothing
  };

  // inputs, options, parallel and clock outlive the object.
  Artefacts(const Inputs& inputs, const CompareOptions& options, Parallel& parallel,
            const os::Clock& clock, const training::TrainerCallbacks& callbacks)
      : inputs_(inputs),
        options_(options),
        parallel_(parallel),
        clock_(clock),
        callbacks_(callbacks) {}

  // Sets adaptations, artefact_bytes and training of a way; makes what is missing. Errors: of
  // reading, training and writing; cancelled when training was stopped.
  Status make(WayResult& way);

  std::size_t documents() const { return documents_; }
  std::size_t chunks() const { return chunks_; }

 private:
  Result<tasks::AdaptationSource> few_shot();
  Result<std::vector<tasks::AdaptationSource>> retrieval();
  Status make_knowledge(const os::Path& file);
  Result<tasks::AdaptationSource> tuned(Way way, TrainingCost& cost);
  Result<TrainingCost> tune(Way way, const os::Path& folder);
  Result<std::vector<training::Row>> rows_with_passages();

  const Inputs& inputs_;
  const CompareOptions& options_;
  Parallel& parallel_;
  const os::Clock& clock_;
  const training::TrainerCallbacks& callbacks_;
  std::map<Way, TrainingCost> tuned_;
  std::size_t documents_ = 0;
  std::size_t chunks_ = 0;
};

}  // namespace lathe::evaluation
