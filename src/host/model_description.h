// What the files of a model say of it, as the store records it.
#pragma once

#include "base/parallel.h"
#include "formats/encoder_source.h"
#include "formats/model_source.h"
#include "store/records.h"

namespace lathe::host {

// All of a record but name, path, size, types and fingerprint. Errors: a tokenizer or a chat
// template that cannot be read (a model without a template takes completions).
Result<store::ModelRecord> describe(const formats::ModelSource& source);
Result<store::ModelRecord> describe(const formats::EncoderSource& source);

// Parameters, and the type of most of them: what a model is called after.
Status describe_types(const formats::ModelSource& source, store::ModelRecord& record);
Status describe_types(const formats::EncoderSource& source, store::ModelRecord& record);

// Types and fingerprint of the copy: what stands in the store is what is recorded.
Status describe_weights(const os::Path& folder, Parallel& parallel, store::ModelRecord& record);

}  // namespace lathe::host
