#include "models/packed_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <vector>

#include "base/fnv.h"
#include "formats/decoder_tensors.h"
#include "ops/pack.h"

namespace lathe::models {
namespace {

namespace fs = std::filesystem;

using formats::PackedFile;
using formats::PackedLayout;
using formats::PackedMatrix;

constexpr const char* kFileName = "weights.packed";

// The folder of a model's files.
os::Path folder_of(const os::Path& model) {
  std::error_code code;
  return fs::is_directory(model, code) ? model : model.parent_path();
}

// What weights and their meaning are read from.
bool holds_weights(const os::Path& file) {
  const os::Path type = file.extension();
  return type == ".gguf" || type == ".safetensors" || file.filename() == "config.json";
}

// Sorted by name.
Result<std::vector<os::Path>> weight_files(const os::Path& folder) {
  std::error_code code;
  std::vector<os::Path> files;
  for (const auto& entry : fs::directory_iterator(folder, code)) {
    if (holds_weights(entry.path())) files.push_back(entry.path());
  }
  if (code) return Error::io("cannot list the folder: " + code.message()).at(folder.string());
  std::sort(files.begin(), files.end());
  return files;
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

os::Path packed_path(const os::Path& model) { return folder_of(model) / kFileName; }

Result<std::uint64_t> packed_source(const os::Path& model) {
  const os::Path folder = folder_of(model);
  LATHE_TRY(const std::vector<os::Path> files, weight_files(folder));
  Fnv64 hash;
  hash.add_field(folder == model ? "" : model.filename().string());
  for (const os::Path& file : files) {
    LATHE_TRY(const os::FileStamp stamp, os::file_stamp(file));
    hash.add_field(file.filename().string());
    hash.add(stamp.size);
    hash.add(static_cast<std::uint64_t>(stamp.modified));
  }
  return hash.value();
}

Result<PackedFile> open_unsealed(const os::Path& model) {
  const os::Path path = packed_path(model);
  LATHE_TRY(PackedFile file, PackedFile::open(path));
  LATHE_TRY(const std::uint64_t source, packed_source(model));
  if (file.source() == source) return file;
  return Error::bad_input("the packed weights are of other files than the model has now")
      .at(path.string());
}

Result<PackedFile> open_packed(const os::Path& model) {
  LATHE_TRY(PackedFile file, open_unsealed(model));
  const os::Path path = packed_path(model);
  LATHE_TRY(const os::FileStamp stamp, os::file_stamp(path));
  if (stamp.modified == file.sealed()) return file;
  return Error::unavailable("the packed weights were copied or written to and are not verified yet")
      .at(path.string());
}

Status write_packed(const formats::ModelSource& source, Parallel& parallel,
                    FunctionRef<void(std::uint64_t, std::uint64_t)> progress) {
  LATHE_TRY(const std::uint64_t stamp, packed_source(source.path()));
  LATHE_TRY(const std::vector<Candidate> all, candidates(source));
  std::uint64_t bytes = 0, done = 0;
  for (const Candidate& candidate : all) bytes += candidate.view.bytes.size();
  std::optional<kernels::PackedWeights> packed;  // the one that is being written
  const auto next = [&](std::size_t index) -> Result<PackedMatrix> {
    if (index > 0) progress(done += all[index - 1].view.bytes.size(), bytes);
    packed.emplace(ops::pack(all[index].view, parallel));
    return matrix_of(all[index], *packed);
  };
  LATHE_CHECK(formats::write_packed_file(packed_path(source.path()), {stamp, all.size(), next}));
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
