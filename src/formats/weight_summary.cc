#include "formats/weight_summary.h"

#include <algorithm>
#include <map>

namespace lathe::formats {
namespace {

template <class Source>
Result<std::vector<WeightsOfType>> summary_of(const Source& source) {
  std::map<tensor::DType, WeightsOfType> types;
  for (const std::string& name : source.tensor_names()) {
    LATHE_TRY(const tensor::TensorView view, source.tensor(name));
    WeightsOfType& of = types[view.dtype];
    of.dtype = view.dtype;
    ++of.tensors;
    of.parameters += static_cast<std::int64_t>(tensor::element_count(view.shape).value_or(0));
    of.bytes += static_cast<std::int64_t>(view.bytes.size());
  }
  std::vector<WeightsOfType> all;
  for (const auto& [dtype, of] : types) all.push_back(of);
  std::ranges::stable_sort(all, std::greater<>(), &WeightsOfType::bytes);
  return all;
}

}  // namespace

Result<std::vector<WeightsOfType>> weights_by_type(const ModelSource& source) {
  return summary_of(source);
}
Result<std::vector<WeightsOfType>> weights_by_type(const EncoderSource& source) {
  return summary_of(source);
}

}  // namespace lathe::formats
