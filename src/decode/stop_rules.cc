#include "decode/stop_rules.h"

#include <algorithm>
#include <utility>

namespace lathe::decode {

StopRules::StopRules(const text::Tokenizer& tokenizer, StopOptions options)
    : options_(std::move(options)), stream_(tokenizer), stops_(options_.stop) {}

StopRules::Step StopRules::push(std::int32_t token) {
  ++tokens_;
  Step step;
  const auto& eos = options_.eos_ids;
  if (std::find(eos.begin(), eos.end(), token) != eos.end()) {
    step.text = finish();
    step.reason = stops_.found() ? StopReason::stop_string : StopReason::end_of_sequence;
    return step;
  }
  step.text = stops_.push(stream_.push(token));
  if (stops_.found()) {
    step.reason = StopReason::stop_string;
  } else if (tokens_ >= options_.max_tokens) {
    step.text += finish();
    step.reason = stops_.found() ? StopReason::stop_string : StopReason::max_tokens;
  }
  return step;
}

std::string StopRules::finish() {
  if (stops_.found()) return {};
  std::string text = stops_.push(stream_.flush());
  return text + stops_.flush();
}

}  // namespace lathe::decode
