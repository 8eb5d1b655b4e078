// How far two versions of one model's weights agree: both read the fixed text of parity_text.h,
// tokenized by the model's own tokenizer and cut into pieces of its context, each piece on its own
// with the tokens in front that the tokenizer puts in front of a text.
//
// Both compute as the engine does when it answers: quantised weights meet activations in 8 bits.
// One model is in memory at a time; the source's logits wait in a scratch file.
#pragma once

#include <functional>

#include "base/parallel.h"
#include "evaluation/certificate.h"
#include "formats/model_source.h"
#include "text/tokenizer.h"

namespace lathe::evaluation {

struct ParityOptions {
  os::Path
      scratch;  // a folder with room for the logits: 4 bytes for each token of text and vocabulary
  // What is being done, for people; may be empty.
  std::function<void(const std::string& what)> progress;
};

// All fields of a certificate but tensors, fingerprints and the time. Errors: those of loading the
// models and of running them; io.
Result<Certificate> measure_parity(const formats::ModelSource& source,
                                   const formats::ModelSource& result,
                                   const text::Tokenizer& tokenizer, Parallel& parallel,
                                   const ParityOptions& options);

}  // namespace lathe::evaluation
