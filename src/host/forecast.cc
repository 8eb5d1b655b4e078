#include "host/forecast.h"

#include <fmt/format.h>

#include <charconv>
#include <fstream>

#include "ops/pack.h"

namespace lathe::host {
namespace {

std::int64_t embedding_weights(const ModelSizes& sizes) {
  return sizes.vocab_size * sizes.hidden_size;
}

// What a token touches: a row of the embedding alone, but all of the head.
std::int64_t touched(const ModelSizes& sizes) {
  const std::int64_t used = sizes.used_parameters > 0 ? sizes.used_parameters : sizes.parameters;
  return sizes.tied_embeddings ? used : used - embedding_weights(sizes);
}

}  // namespace

double loaded_bytes_per_weight(tensor::DType type) {
  if (!ops::is_packed_type(type)) return sizeof(float);
  constexpr std::size_t kValues = kernels::kPackedSuperBlock;
  const std::size_t panel = kernels::packed_panel_bytes(ops::packed_format(type), kValues);
  return static_cast<double>(panel) / (kernels::kPackedLanes * kValues);
}

std::uint64_t weight_bytes(const ModelSizes& sizes, tensor::DType type) {
  const bool twice = sizes.tied_embeddings && !ops::is_packed_type(type);
  const std::int64_t held = sizes.parameters + (twice ? embedding_weights(sizes) : 0);
  return static_cast<std::uint64_t>(static_cast<double>(held) * loaded_bytes_per_weight(type));
}

std::uint64_t cache_bytes(const ModelSizes& sizes, std::int64_t tokens) {
  const std::int64_t values = 2 * sizes.layers * sizes.kv_heads * sizes.head_dim * tokens;
  return static_cast<std::uint64_t>(values) * sizeof(float);
}

double decode_tokens_per_second(const ModelSizes& sizes, tensor::DType type,
                                const MachineSpeed& machine) {
  const double bytes = static_cast<double>(touched(sizes)) * loaded_bytes_per_weight(type);
  return bytes <= 0 ? 0 : machine.bytes_per_second / bytes;
}

double prompt_tokens_per_second(const ModelSizes& sizes, const MachineSpeed& machine) {
  const double operations = 2 * static_cast<double>(touched(sizes));
  return operations <= 0 ? 0 : machine.operations_per_second / operations;
}

Result<std::uint64_t> available_memory() {
  // A file of the kernel has no size, so it is read as a stream of lines.
  std::ifstream in("/proc/meminfo");
  std::string line;
  constexpr std::string_view kName = "MemAvailable:";
  while (std::getline(in, line)) {
    if (!line.starts_with(kName)) continue;
    const std::size_t begin = line.find_first_not_of(' ', kName.size());
    std::uint64_t kilobytes = 0;
    if (begin != std::string::npos &&
        std::from_chars(line.data() + begin, line.data() + line.size(), kilobytes).ec ==
            std::errc())
      return kilobytes * 1024;
  }
  return Error::io("the system does not say how much memory is left").at("/proc/meminfo");
}

Result<std::uint64_t> available_disk(const os::Path& path) {
  std::error_code code;
  const auto space = std::filesystem::space(path, code);
  if (code)
    return Error::io("cannot find the free disk space: " + code.message()).at(path.string());
  return static_cast<std::uint64_t>(space.available);
}

}  // namespace lathe::host
