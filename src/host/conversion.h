// A model in other types with the certificate of what that changes: what imports and exports share.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "evaluation/certificate.h"
#include "formats/converted_model.h"

namespace lathe::host {

struct ConversionOptions {
  std::optional<tensor::DType> type;  // of matrices; nothing: as they are
  bool certify = true;                // measure what the conversion changes
  // What is being done, for people; may be empty.
  std::function<void(const std::string& what)> progress;
  // Bytes of matrices that were packed (host/packed_weights.h) by then; may be empty.
  std::function<void(std::uint64_t done, std::uint64_t all)> packing = {};
};

struct Conversion {
  formats::ConvertedModel model;
  // Those of the source, and one for this conversion if any type changed and it was to be
  // certified.
  std::vector<evaluation::Certificate> certificates;
};

// The source must outlive the result. scratch: a folder with room for the converted weights and
// for the logits of the certificate. Errors: those of converting, loading and running.
Result<Conversion> convert(const formats::ModelSource& source,
                           formats::ConversionPlan::Target target, const os::Path& scratch,
                           const ConversionOptions& options, Parallel& parallel);

// "q8_0", …; bad_input names those that there are.
Result<tensor::DType> parse_weight_type(std::string_view name);
// The names that it takes.
std::vector<std::string> weight_type_names();

// [{"from", "to", "reason", "tensors", "bytes_before", "bytes_after"}].
nlohmann::json to_json(const std::vector<formats::TypeChange>& report,
                       std::optional<tensor::DType> wanted);

}  // namespace lathe::host
