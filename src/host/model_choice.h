// Which models of the catalogue fit a job, in order, and why: a filter by task, language, licence
// and memory, then the user's own comparisons, then published quality, then speed. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "host/forecast.h"
#include "host/model_catalogue.h"
#include "store/records.h"

namespace lathe::host {

struct ChoiceWishes {
  std::string task;                   // one of task_names()
  std::string language;               // "de"; empty: any
  std::vector<std::string> licences;  // "permissive" stands for those without terms of use of
                                      // their own; empty: any
  std::uint64_t memory = 0;           // bytes that model and cache may take
  std::int64_t context = 4096;        // tokens of a conversation
  tensor::DType quantization = tensor::DType::q8_0;  // of decoders; encoders are held in f32
};

struct Candidate {
  CatalogueModel model;
  tensor::DType quantization = tensor::DType::f32;  // it is reckoned with
  std::int64_t context = 0;             // the wished one, or what the model has, if less
  std::uint64_t weights = 0;            // bytes
  std::uint64_t cache = 0;              // bytes of one sequence of that context
  double decode_tokens_per_second = 0;  // 0 for encoders
  double prompt_tokens_per_second = 0;
  std::vector<store::ComparisonRecord> own;  // the user's comparisons of it, newest first
  std::optional<Benchmark> quality;          // what it is ranked by
};

struct Choice {
  std::vector<Candidate> candidates;  // best first
  std::vector<std::string> reasons;   // why the first is first
  std::vector<std::string> left_out;  // "12 models need more memory", …
};

// The tasks that the catalogue's models are for: "generate", "search", …
std::vector<std::string> task_names();

// How well a model does at a job, as far as is published: MTEB for encoders, MMLU for decoders.
std::optional<Benchmark> quality_of(const CatalogueModel& model);

// comparisons: newest first; a model is recognised by its repository or by the name it was pulled
// under. Errors: bad_input (a task, language or licence that no model has, with those there are).
Result<Choice> choose_models(const ModelCatalogue& catalogue, const ChoiceWishes& wishes,
                             const MachineSpeed& machine,
                             const std::vector<store::ComparisonRecord>& comparisons);

}  // namespace lathe::host
