#include "models/packed_model.h"

#include <fmt/format.h>

#include <array>
#include <optional>
#include <set>
#include <vector>

#include "base/fnv.h"
#include "formats/decoder_tensors.h"
#include "ops/pack.h"

namespace lathe::models {
namespace {

using formats::PackedFile;
using formats::PackedLayout;
using formats::PackedMatrix;

constexpr const char* kFileName = "weights.packed";

// What weights and their meaning are read from.
bool holds_weights(const os::Path& file) {
  const os::Path type = file.extension();
  return type == ".gguf" || type == ".safetensors" || file.filename() == "config.json";
}

PackedLayout layout_of(kernels::PackedFormat format) {
  return {static_cast<std::uint8_t>(format.form), format.bits, format.zero};
}

// The format that a layout's numbers stand for; nothing when no type is packed so.
std::optional<kernels::PackedFormat> format_of(const PackedLayout& layout) {
  for (const tensor::DType dtype : ops::kPackedTypes) {
    const kernels::PackedFormat format = ops::packed_format(dtype);
    if (layout_of(format) == layout) return format;
  }
  return std::nullopt;
}

// A matrix of the source that is packed.
struct Candidate {
  std::string name;
  tensor::TensorView view;
};

// Those that a decoder asks for: some files have a tied head as well, or a part for images.
Result<std::vector<Candidate>> candidates(const formats::ModelSource& source) {
  std::set<std::string> wanted;
  for (const formats::ExpectedTensor& t : formats::expected_tensors(source.config()))
    wanted.insert(t.name);
  std::vector<Candidate> found;
  for (const std::string& name : source.tensor_names()) {
    if (!wanted.contains(name)) continue;
    LATHE_TRY(const tensor::TensorView view, source.tensor(name));
    if (ops::is_packable(view)) found.push_back({name, view});
  }
  return found;
}

PackedMatrix matrix_of(const Candidate& candidate, const kernels::PackedWeights& weights) {
  const kernels::PackedPanels panels = weights.panels();
  PackedMatrix matrix;
  matrix.name = candidate.name;
  matrix.layout = layout_of(panels.format);
  matrix.rows = static_cast<std::uint64_t>(candidate.view.shape[0]);
  matrix.columns = panels.k;
  matrix.bytes = {panels.data, weights.bytes()};
  return matrix;
}

}  // namespace

os::Path packed_path(const os::Path& model) { return formats::folder_of(model) / kFileName; }

Result<formats::DerivedFile> packed_file_of(const os::Path& model) {
  LATHE_TRY(const std::uint64_t source, formats::stamp_of(model, holds_weights));
  return formats::DerivedFile{packed_path(model), source};
}

Result<PackedFile> open_packed(const os::Path& model) {
  const os::Path path = packed_path(model);
  if (!os::exists(path)) return Error::not_found("there are no packed weights").at(path.string());
  LATHE_TRY(const formats::DerivedFile file, packed_file_of(model));
  return formats::open_sealed(file);
}

Status write_packed(const formats::ModelSource& source, Parallel& parallel,
                    FunctionRef<void(std::uint64_t, std::uint64_t)> progress) {
  LATHE_TRY(const formats::DerivedFile file, packed_file_of(source.path()));
  LATHE_TRY(const std::vector<Candidate> all, candidates(source));
  std::uint64_t bytes = 0, done = 0;
  for (const Candidate& candidate : all) bytes += candidate.view.bytes.size();
  std::optional<kernels::PackedWeights> packed;  // the one that is being written
  const auto next = [&](std::size_t index) -> Result<PackedMatrix> {
    if (index > 0) progress(done += all[index - 1].view.bytes.size(), bytes);
    packed.emplace(ops::pack(all[index].view, parallel));
    return matrix_of(all[index], *packed);
  };
  LATHE_CHECK(formats::write_packed_file(file.path, {file.source, all.size(), next}));
  progress(bytes, bytes);
  return {};
}

Result<kernels::PackedPanels> panels_of(const PackedMatrix& matrix) {
  const auto format = format_of(matrix.layout);
  if (!format) return Error::bad_input("there is no such layout of packed weights").at(matrix.name);
  const std::uint64_t unit =
      kernels::has_super_blocks(format->form) ? kernels::kPackedSuperBlock : kernels::kPackedBlock;
  // Every value takes four bits or more, so that none of the products below overflows.
  bool fits = matrix.columns % unit == 0 && matrix.columns > 0 && matrix.rows > 0 &&
              matrix.columns <= 2 * matrix.bytes.size() && matrix.rows <= 2 * matrix.bytes.size();
  if (fits) {
    const std::uint64_t panel = kernels::packed_panel_bytes(*format, matrix.columns);
    const std::uint64_t panels = (matrix.rows + kernels::kPackedLanes - 1) / kernels::kPackedLanes;
    fits = matrix.bytes.size() % panel == 0 && matrix.bytes.size() / panel == panels;
  }
  if (!fits)
    return Error::bad_input("the packed bytes are not those of its rows and columns")
        .at(matrix.name);
  return kernels::PackedPanels{*format, matrix.bytes.data(), matrix.columns};
}

}  // namespace lathe::models
