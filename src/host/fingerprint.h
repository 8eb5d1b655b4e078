// The fingerprint of a model's weights: what adaptations are bound to, so that a LoRA made for one
// model is never put on another. It guards against mistakes, not against attackers.
//
// FNV-1a (64 bits, 16 lower-case hex digits) over, for each weight in the order of the forward
// pass: its canonical name, dtype, shape, and the FNV-1a of its bytes as formats/model_source.h
// gives them. So the same weights have one fingerprint as a Hugging Face folder and as GGUF, and
// another one in another precision.
#pragma once

#include <string>

#include "base/parallel.h"
#include "base/result.h"
#include "formats/encoder_source.h"
#include "formats/model_source.h"
#include "os/file.h"

namespace lathe::host {

// Reads every byte of the weights, one weight a task.
Result<std::string> weights_fingerprint(const formats::ModelSource& source, Parallel& parallel);
Result<std::string> weights_fingerprint(const formats::EncoderSource& source, Parallel& parallel);

// Opens the model (a folder or .gguf file) first; single-threaded.
Result<std::string> weights_fingerprint(const os::Path& model);

}  // namespace lathe::host
