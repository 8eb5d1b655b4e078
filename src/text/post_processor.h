// The post-processor of tokenizer.json for one text: the control tokens that go around it.
//
// Knows TemplateProcessing, BertProcessing, RobertaProcessing, ByteLevel (adds nothing) and
// Sequence; another type is an error that names it. Plain data.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "base/result.h"

namespace lathe::text {

struct PostProcessor {
  std::vector<std::int32_t> before, after;

  // `component` is the value of "post_processor"; null for none. Errors: an id that is not below
  // vocab_size, a template that uses the text twice or never.
  static Result<PostProcessor> from_json(const nlohmann::json& component, std::int32_t vocab_size);
};

}  // namespace lathe::text
