#include "formats/converted_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "formats/decoder_tensors.h"
#include "formats/model_source_impl.h"
#include "os/scratch_file.h"
#include "tensor/convert.h"

namespace lathe::formats {
namespace {

using tensor::DType;
using tensor::TensorView;

// The source with some of its weights replaced.
class ConvertedImpl final : public ModelSource::Impl {
 public:
  ConvertedImpl(const ModelSource& source, os::ScratchFile scratch)
      : Impl(source.path()), source_(source), scratch_(std::move(scratch)) {
    set_config(source.config());
  }

  // Appends a weight to the scratch file.
  Status add(const std::string& name, const TensorView& view, DType to, Parallel& parallel) {
    const std::uint64_t first = scratch_.offset();
    LATHE_CHECK(tensor::convert(view, to, parallel, scratch_));
    places_[name] = {to, view.shape, first, scratch_.offset() - first};
    return {};
  }
  Status finish() {
    LATHE_TRY(bytes_, scratch_.map());
    return {};
  }

  ModelSource::Kind kind() const override { return source_.kind(); }
  const GgufFile* gguf() const override { return source_.gguf(); }
  Result<TensorView> tensor(std::string_view name) const override {
    const auto found = places_.find(name);
    if (found == places_.end()) return source_.tensor(name);
    const Place& place = found->second;
    return TensorView{place.dtype, place.shape, bytes_.subspan(place.first, place.size)};
  }
  Result<std::optional<std::string>> tokenizer_json() const override {
    auto text = source_.tokenizer_json();
    if (text.ok()) return std::optional(std::move(text).value());
    if (text.error().kind == ErrorKind::not_found) return std::optional<std::string>();
    return std::move(text).error();
  }
  Result<std::optional<std::string>> chat_template() const override {
    return source_.chat_template();
  }
  Result<std::optional<std::string>> tokenizer_config_json() const override {
    return source_.tokenizer_config_json();
  }
  Result<std::optional<std::string>> generation_config_json() const override {
    return source_.generation_config_json();
  }

 private:
  struct Place {
    DType dtype = DType::f32;
    tensor::Shape shape;
    std::uint64_t first = 0;
    std::uint64_t size = 0;
  };

  const ModelSource& source_;
  os::ScratchFile scratch_;
  std::map<std::string, Place, std::less<>> places_;
  std::span<const std::byte> bytes_;
};

struct Choice {
  DType to = DType::f32;
  TypeReason reason = TypeReason::as_it_was;
};

class Chooser {
 public:
  Chooser(const ModelSource& source, const ConversionPlan& plan) : source_(source), plan_(plan) {
    for (const ExpectedTensor& t : expected_tensors(source.config())) {
      if (t.part == Part::router || t.part == Part::position_embedding) precise_.insert(t.name);
    }
  }

  // The type that most bytes of the matrices will have: vectors of a folder follow it.
  Status count_matrices() {
    std::map<DType, std::uint64_t> bytes;
    for (const std::string& name : source_.tensor_names()) {
      LATHE_TRY(const TensorView view, source_.tensor(name));
      if (view.shape.size() != 2) continue;
      bytes[of_matrix(name, view).to] += view.bytes.size();
    }
    std::uint64_t most = 0;
    for (const auto& [dtype, size] : bytes) {
      if (size > most) matrices_ = dtype;
      most = std::max(most, size);
    }
    return {};
  }

  Choice choose(const std::string& name, const TensorView& view) const {
    return view.shape.size() == 2 ? of_matrix(name, view) : of_vector(view);
  }

 private:
  Choice of_matrix(const std::string& name, const TensorView& view) const {
    if (!plan_.wanted || *plan_.wanted == view.dtype) return {view.dtype, TypeReason::as_it_was};
    const DType wanted = *plan_.wanted;
    if (!tensor::is_block_type(wanted)) return {wanted, TypeReason::asked};
    if (precise_.contains(name)) return {view.dtype, TypeReason::precision};
    const auto row = static_cast<std::size_t>(view.shape[1]);
    if (row % tensor::block_elements(wanted) == 0) return {wanted, TypeReason::asked};
    const bool can_be_q8 = row % tensor::block_elements(DType::q8_0) == 0;
    return {can_be_q8 ? DType::q8_0 : view.dtype, TypeReason::rows};
  }

  Choice of_vector(const TensorView& view) const {
    if (plan_.target == ConversionPlan::Target::gguf) {
      if (view.dtype == DType::f32) return {DType::f32, TypeReason::as_it_was};
      return {DType::f32, TypeReason::vector};
    }
    const bool follows = matrices_ != view.dtype && !tensor::is_block_type(matrices_) &&
                         (plan_.wanted || source_.kind() == ModelSource::Kind::gguf) &&
                         tensor::says_exactly(view, matrices_);
    if (follows) return {matrices_, TypeReason::vector};
    return {view.dtype, TypeReason::as_it_was};
  }

  const ModelSource& source_;
  const ConversionPlan& plan_;
  std::set<std::string> precise_;
  DType matrices_ = DType::f32;
};

class Report {
 public:
  void add(const TensorView& before, const Choice& choice) {
    TypeChange& line = lines_[{before.dtype, choice.to, choice.reason}];
    line.from = before.dtype;
    line.to = choice.to;
    line.reason = choice.reason;
    ++line.tensors;
    const std::uint64_t elements = tensor::element_count(before.shape).value_or(0);
    line.bytes_before += before.bytes.size();
    line.bytes_after += tensor::byte_size(choice.to, elements).value_or(0);
  }
  std::vector<TypeChange> lines() const {
    std::vector<TypeChange> all;
    for (const auto& [key, line] : lines_) all.push_back(line);
    std::ranges::stable_sort(all, std::greater<>(), &TypeChange::bytes_before);
    return all;
  }

 private:
  std::map<std::tuple<DType, DType, TypeReason>, TypeChange> lines_;
};

}  // namespace

std::string to_string(TypeReason reason, std::optional<DType> wanted) {
  switch (reason) {
    case TypeReason::as_it_was:
      return {};
    case TypeReason::asked:
      return "asked for";
    case TypeReason::rows:
      return fmt::format("rows are no whole blocks of {}",
                         wanted ? tensor::to_string(*wanted) : "the type");
    case TypeReason::precision:
      return "kept: a router or a table of positions";
    case TypeReason::vector:
      return "vectors, exactly";
  }
  return {};
}

bool ConvertedModel::changed() const {
  return std::ranges::any_of(report_, [](const TypeChange& t) { return t.from != t.to; });
}

Result<ConvertedModel> ConvertedModel::make(
    const ModelSource& source, const ConversionPlan& plan, Parallel& parallel,
    FunctionRef<void(std::size_t done, std::size_t all)> progress) {
  if (plan.wanted && !tensor::can_convert_to(*plan.wanted))
    return Error::unsupported(
               fmt::format("weights are not converted to {}", tensor::to_string(*plan.wanted)))
        .fix_with("choose q8_0, q6_k, q4_k, q4_0, f32, f16 or bf16");
  Chooser chooser(source, plan);
  LATHE_CHECK(chooser.count_matrices());
  LATHE_TRY(os::ScratchFile scratch, os::ScratchFile::make(plan.scratch));
  auto impl = std::make_unique<ConvertedImpl>(source, std::move(scratch));
  Report report;
  std::size_t done = 0;
  for (const std::string& name : source.tensor_names()) {
    LATHE_TRY(const TensorView view, source.tensor(name));
    const Choice choice = chooser.choose(name, view);
    report.add(view, choice);
    if (choice.to != view.dtype)
      LATHE_CHECK(impl->add(name, view, choice.to, parallel).at("tensor " + name));
    progress(++done, source.tensor_names().size());
  }
  LATHE_CHECK(impl->finish());
  return ConvertedModel(ModelSource(std::move(impl)), report.lines());
}

}  // namespace lathe::formats
