// The normalizer of tokenizer.json: rewrites text before it is cut into words.
//
// Knows NFC, NFD, NFKC, NFKD, Lowercase, StripAccents, Nmt, BertNormalizer, ByteLevel, Precompiled,
// Prepend, Replace, Strip and Sequence; another type is an error that names it. Immutable; apply()
// may run on many threads at once.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace lathe::text {

class Normalizer {
 public:
  // Changes nothing.
  Normalizer() = default;

  // `component` is the value of "normalizer"; null for none.
  static Result<Normalizer> from_json(const nlohmann::json& component);

  bool changes_nothing() const { return steps_.empty(); }

  // REQUIRES: valid UTF-8. The result is valid UTF-8. Errors: limit (a pattern that takes too many
  // steps).
  Result<std::string> apply(std::string_view text) const;

 private:
  using Step = std::function<Result<std::string>(std::string_view)>;
  Status add(const nlohmann::json& component, int depth);
  Status add_sequence(const nlohmann::json& component, int depth);
  static Result<Step> replace_step(const nlohmann::json& component);
  static Result<Step> precompiled_step(const nlohmann::json& component);
  static Result<Step> bert_step(const nlohmann::json& component);
  static Result<Step> strip_step(const nlohmann::json& component);
  std::vector<Step> steps_;
};

}  // namespace lathe::text
