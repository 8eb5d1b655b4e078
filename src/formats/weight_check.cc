#include "formats/weight_check.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>

#include "formats/decoder_tensors.h"
#include "formats/foreign_text.h"

namespace lathe::formats {
namespace {

constexpr std::size_t kNamesShown = 3;

bool is_weight_type(tensor::DType dtype, std::size_t rank) {
  switch (dtype) {
    case tensor::DType::f32:
    case tensor::DType::f16:
    case tensor::DType::bf16:
    case tensor::DType::f64:
      return true;
    default:
      return rank == 2 && tensor::is_block_type(dtype);
  }
}

// "2 tensors are missing: a, b"; the first few by name.
std::string list_of(const std::vector<std::string>& names, const char* fault) {
  std::vector<std::string> first;
  for (std::size_t i = 0; i < names.size() && i < kNamesShown; ++i)
    first.push_back(in_quotes(names[i]));
  return fmt::format("{} {} {}: {}{}", names.size(),
                     names.size() == 1 ? "tensor is" : "tensors are", fault, fmt::join(first, ", "),
                     names.size() > kNamesShown ? ", …" : "");
}

Status check_one(const WantedWeight& expected, const WeightInfo& found) {
  if (found.shape != expected.shape)
    return Error::bad_input(fmt::format("its shape is {}, the config calls for {}",
                                        tensor::to_string(found.shape),
                                        tensor::to_string(expected.shape)))
        .fix_with("use the config and the weights of one model");
  if (!found.dtype || !is_weight_type(*found.dtype, found.shape.size()))
    return Error::unsupported(fmt::format("weights of type {} cannot be read", found.type_name))
        .fix_with("convert the model to F16, BF16, F32, Q8_0 or Q4_K");
  return {};
}

}  // namespace

Status check_weights(std::span<const WantedWeight> wanted, const WeightTable& weights,
                     const ShownName& shown) {
  const auto show = [&](const std::string& name) { return shown ? shown(name) : name; };
  std::vector<std::string> missing;
  std::set<std::string_view> known;
  for (const WantedWeight& expected : wanted) {
    known.insert(expected.name);
    const auto found = weights.find(expected.name);
    if (found == weights.end()) {
      missing.push_back(show(expected.name));
    } else {
      LATHE_CHECK(
          check_one(expected, found->second).at("tensor " + in_quotes(show(expected.name))));
    }
  }
  if (!missing.empty())
    return Error::bad_input(list_of(missing, "missing")).fix_with("download the model again");
  std::vector<std::string> unexpected;
  for (const auto& [name, info] : weights) {
    if (!known.contains(name)) unexpected.push_back(show(name));
  }
  if (!unexpected.empty())
    return Error::unsupported(list_of(unexpected, "not part of a model of this config"))
        .fix_with("use a model of the family without added parts");
  return {};
}

Status check_weights(const DecoderConfig& config, const WeightTable& weights,
                     const ShownName& shown) {
  std::vector<WantedWeight> wanted;
  for (ExpectedTensor& expected : expected_tensors(config))
    wanted.push_back({std::move(expected.name), std::move(expected.shape)});
  return check_weights(wanted, weights, shown);
}

}  // namespace lathe::formats
