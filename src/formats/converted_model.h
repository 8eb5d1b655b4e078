// A model with its weights in other types: what an import or an export that quantises writes, and
// what its certificate is measured on.
//
// Matrices get the type that was asked for. These stay as they are: vectors (norms, biases), which
// are small; in block types also routers and tables of positions, which are small and exact where a
// choice or a place hangs on them; and matrices whose rows are no whole blocks, which become q8_0
// where that is possible. A GGUF file has vectors in f32, a folder has them in the type of its
// matrices where that says them exactly. The report counts every tensor; nothing changes silently.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/function_ref.h"
#include "base/parallel.h"
#include "formats/model_source.h"

namespace lathe::formats {

enum class TypeReason {
  as_it_was,
  asked,      // the type that was asked for
  rows,       // another one, because rows are no whole blocks of the one asked for
  precision,  // kept: a router or a table of positions
  vector,     // a vector, in the type that the target has vectors in
};

// "asked for", "rows are no whole blocks of q4_k", …; empty for as_it_was. wanted may be nothing.
std::string to_string(TypeReason reason, std::optional<tensor::DType> wanted);

// Tensors that went the same way.
struct TypeChange {
  tensor::DType from = tensor::DType::f32;
  tensor::DType to = tensor::DType::f32;
  TypeReason reason = TypeReason::as_it_was;
  std::size_t tensors = 0;
  std::uint64_t bytes_before = 0;
  std::uint64_t bytes_after = 0;
};

struct ConversionPlan {
  enum class Target { gguf, folder };
  Target target = Target::gguf;
  std::optional<tensor::DType> wanted;  // of matrices; nothing: as they are
  os::Path scratch;  // a folder with room for the converted weights, which are kept on disk
};

class ConvertedModel {
 public:
  // Converts now; progress gets the tensors done and all of them. The source must outlive the
  // object. Errors: unsupported (a type that no weight can be converted to); those of
  // tensor/convert.h, naming the tensor; io.
  static Result<ConvertedModel> make(const ModelSource& source, const ConversionPlan& plan,
                                     Parallel& parallel,
                                     FunctionRef<void(std::size_t done, std::size_t all)> progress);

  // Config and texts of the source, the converted weights.
  const ModelSource& model() const { return model_; }
  // Whether any tensor changed its type.
  bool changed() const;
  // By bytes, largest first.
  const std::vector<TypeChange>& report() const { return report_; }

 private:
  ConvertedModel(ModelSource model, std::vector<TypeChange> report)
      : model_(std::move(model)), report_(std::move(report)) {}

  ModelSource model_;
  std::vector<TypeChange> report_;
};

}  // namespace lathe::formats
