// Checks requests before they are accepted, so that nothing later can fail on them. Pure functions.
#pragma once

#include "engine/generation_task.h"
#include "engine/request.h"
#include "models/decoder.h"

namespace lathe::engine {

struct RequestBounds {
  std::size_t context = 0;     // positions of the model
  std::size_t cache_rows = 0;  // positions that the pool of keys and values holds
  std::size_t capacity() const { return context < cache_rows ? context : cache_rows; }
};

// The request's rules for stopping and sampling with every default settled. Errors: bad_input that
// names the field; limit with the counts.
Result<GenerationPlan> plan_generation(const GenerationRequest& request,
                                       const models::Decoder& decoder, const RequestBounds& bounds,
                                       const std::vector<std::int32_t>& eos_ids);

Status check_score(const ScoreRequest& request, const models::Decoder& decoder,
                   const RequestBounds& bounds);

}  // namespace lathe::engine
