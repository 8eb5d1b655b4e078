#include "host/conversion.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <nlohmann/json.hpp>

#include "evaluation/parity.h"
#include "host/fingerprint.h"
#include "os/clock.h"
#include "text/model_text.h"

namespace lathe::host {
namespace {

using formats::ConvertedModel;
using formats::ModelSource;
using tensor::DType;

constexpr std::array kTypes = {DType::q8_0, DType::q6_k, DType::q4_k, DType::q4_0,
                               DType::f32,  DType::f16,  DType::bf16};

std::map<std::string, std::int64_t> tensors_by_type(const ConvertedModel& model) {
  std::map<std::string, std::int64_t> counts;
  for (const formats::TypeChange& change : model.report())
    counts[std::string(tensor::to_string(change.to))] += static_cast<std::int64_t>(change.tensors);
  return counts;
}

Result<evaluation::Certificate> certify(const ModelSource& source, const ConvertedModel& converted,
                                        const os::Path& scratch, const ConversionOptions& options,
                                        Parallel& parallel) {
  LATHE_TRY(const text::Tokenizer tokenizer, text::load_tokenizer(source));
  LATHE_TRY(evaluation::Certificate certificate,
            evaluation::measure_parity(source, converted.model(), tokenizer, parallel,
                                       {scratch, options.progress}));
  certificate.tensors = tensors_by_type(converted);
  LATHE_TRY(certificate.source_fingerprint, weights_fingerprint(source, parallel));
  LATHE_TRY(certificate.result_fingerprint, weights_fingerprint(converted.model(), parallel));
  certificate.made = os::SystemClock().unix_seconds();
  return certificate;
}

}  // namespace

Result<Conversion> convert(const ModelSource& source, formats::ConversionPlan::Target target,
                           const os::Path& scratch, const ConversionOptions& options,
                           Parallel& parallel) {
  LATHE_TRY(std::vector<evaluation::Certificate> certificates,
            evaluation::find_certificates(source));
  LATHE_TRY(ConvertedModel model,
            ConvertedModel::make(source, {target, options.type, scratch}, parallel,
                                 [&](std::size_t done, std::size_t all) {
                                   if (options.progress)
                                     options.progress(
                                         fmt::format("converted {} of {} tensors", done, all));
                                 }));
  if (model.changed() && options.certify) {
    LATHE_TRY(evaluation::Certificate made, certify(source, model, scratch, options, parallel));
    certificates.push_back(std::move(made));
  }
  return Conversion{std::move(model), std::move(certificates)};
}

Result<DType> parse_weight_type(std::string_view name) {
  for (const DType type : kTypes) {
    if (name == tensor::to_string(type)) return type;
  }
  return Error::bad_input(fmt::format("weights are not converted to '{}'", name.substr(0, 32)))
      .fix_with(fmt::format("choose one of {}", fmt::join(weight_type_names(), ", ")));
}

std::vector<std::string> weight_type_names() {
  std::vector<std::string> names;
  for (const DType type : kTypes) names.emplace_back(tensor::to_string(type));
  return names;
}

nlohmann::json to_json(const std::vector<formats::TypeChange>& report,
                       std::optional<DType> wanted) {
  nlohmann::json lines = nlohmann::json::array();
  for (const formats::TypeChange& change : report) {
    lines.push_back({{"from", tensor::to_string(change.from)},
                     {"to", tensor::to_string(change.to)},
                     {"reason", to_string(change.reason, wanted)},
                     {"tensors", change.tensors},
                     {"bytes_before", change.bytes_before},
                     {"bytes_after", change.bytes_after}});
  }
  return lines;
}

}  // namespace lathe::host
