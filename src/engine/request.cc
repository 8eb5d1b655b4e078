#include "engine/request.h"

namespace lathe::engine {

const char* to_string(FinishReason reason) {
  switch (reason) {
    case FinishReason::stop:
      return "stop";
    case FinishReason::length:
      return "length";
    case FinishReason::cancelled:
      return "cancelled";
    case FinishReason::error:
      return "error";
  }
  return "error";
}

double Scores::total() const {
  double sum = 0;
  for (const float logprob : logprobs) sum += static_cast<double>(logprob);
  return sum;
}

}  // namespace lathe::engine
