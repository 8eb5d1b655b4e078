// The fields that /v1/chat/completions and /v1/completions share.
#pragma once

#include "api/generation.h"
#include "api/object_reader.h"
#include "api/request_limits.h"

namespace lathe::api {

struct SharedFields {
  std::string model;
  SamplingOptions sampling;
  bool stream = false;
  bool include_usage = false;
};

// Reads model, max_tokens, temperature, top_p, top_k, seed, stop, stream and stream_options, and
// judges the shared fields that are not supported. Errors are noted in the reader.
SharedFields read_shared_fields(ObjectReader& reader, const RequestLimits& limits);

}  // namespace lathe::api
