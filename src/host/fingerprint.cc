#include "host/fingerprint.h"

#include <fmt/format.h>

#include <optional>
#include <vector>

#include "base/fnv.h"

namespace lathe::host {
namespace {

std::uint64_t hash_of(const tensor::TensorView& tensor) {
  const auto bytes = tensor.bytes;
  Fnv64 hash;
  hash.add(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  return hash.value();
}

// source: a ModelSource or an EncoderSource.
template <class Source>
Result<std::string> fingerprint_of(const Source& source, Parallel& parallel) {
  const auto names = source.tensor_names();
  std::vector<Result<std::uint64_t>> hashes(names.size(), std::uint64_t{0});
  parallel.run(names.size(), [&](std::size_t i) {
    if (const auto tensor = source.tensor(names[i]); tensor.ok()) {
      hashes[i] = hash_of(*tensor);
    } else {
      hashes[i] = tensor.error();
    }
  });
  Fnv64 whole;
  for (std::size_t i = 0; i < names.size(); ++i) {
    LATHE_TRY(const std::uint64_t hash, hashes[i]);
    LATHE_TRY(const tensor::TensorView tensor, source.tensor(names[i]));
    whole.add_field(names[i]);
    whole.add_field(tensor::to_string(tensor.dtype));
    whole.add(std::uint64_t{tensor.shape.size()});
    for (const std::int64_t extent : tensor.shape) whole.add(static_cast<std::uint64_t>(extent));
    whole.add(hash);
  }
  return fmt::format("{:016x}", whole.value());
}

}  // namespace

Result<std::string> weights_fingerprint(const formats::ModelSource& source, Parallel& parallel) {
  return fingerprint_of(source, parallel);
}

Result<std::string> weights_fingerprint(const formats::EncoderSource& source, Parallel& parallel) {
  return fingerprint_of(source, parallel);
}

Result<std::string> weights_fingerprint(const os::Path& model) {
  LATHE_TRY(const formats::ModelSource source, formats::ModelSource::open(model));
  SerialParallel serial;
  return weights_fingerprint(source, serial);
}

}  // namespace lathe::host
