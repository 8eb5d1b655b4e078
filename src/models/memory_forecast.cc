#include "models/memory_forecast.h"

#include "formats/decoder_tensors.h"
#include "formats/encoder_tensors.h"
#include "ops/pack.h"
#include "ops/weights.h"

namespace lathe::models {
namespace {

using formats::ExpectedTensor;
using formats::Part;

// As WeightStore::keep_matrix packs it.
std::uint64_t packed_bytes(const tensor::TensorView& view) {
  const auto rows = static_cast<std::size_t>(view.shape[0]);
  const auto columns = static_cast<std::size_t>(view.shape[1]);
  if (!ops::is_packable(view))
    return kernels::panel_floats(kernels::active(), columns, rows) * sizeof(float);
  const std::size_t panels = (rows + kernels::kPackedLanes - 1) / kernels::kPackedLanes;
  return panels * kernels::packed_panel_bytes(ops::packed_format(view.dtype), columns);
}

std::uint64_t f32_bytes(const tensor::TensorView& view) {
  return tensor::element_count(view.shape).value_or(0) * sizeof(float);
}

// Tables that rows are looked up in are packed only where that keeps the file's bits.
std::uint64_t kept_bytes(const tensor::TensorView& view, bool is_table) {
  const bool packs = view.shape.size() == 2 && (!is_table || ops::is_packable(view));
  return packs ? packed_bytes(view) : f32_bytes(view);
}

}  // namespace

Result<MemoryForecast> memory_forecast(const formats::ModelSource& source, std::int64_t context,
                                       kernels::KvType kv_type) {
  const formats::DecoderConfig& config = source.config();
  MemoryForecast forecast;
  forecast.context = context > 0 ? context : formats::context_limit(config);
  for (const ExpectedTensor& t : formats::expected_tensors(config)) {
    LATHE_TRY(const tensor::TensorView view, source.tensor(t.name));
    forecast.weights +=
        kept_bytes(view, t.part == Part::embedding || t.part == Part::position_embedding);
    // A tied head is packed beside rows of f32; packed rows serve both.
    if (t.part == Part::embedding && config.tied_embeddings && !ops::is_packable(view))
      forecast.weights += packed_bytes(view);
  }
  const KvShape kv = {static_cast<std::size_t>(config.layers),
                      static_cast<std::size_t>(config.kv_heads),
                      static_cast<std::size_t>(config.head_dim)};
  forecast.cache_per_token = kv.page_bytes(kv_type) / KvPool::kPageRows;
  forecast.cache = forecast.cache_per_token * static_cast<std::uint64_t>(forecast.context);
  return forecast;
}

Result<MemoryForecast> memory_forecast(const formats::EncoderSource& source) {
  using Part = formats::EncoderPart;
  MemoryForecast forecast;
  forecast.context = source.embedding().max_tokens;
  for (const formats::EncoderTensor& t : formats::expected_tensors(source.config())) {
    LATHE_TRY(const tensor::TensorView view, source.tensor(t.name));
    const bool is_table = t.part == Part::token_embedding || t.part == Part::position_embedding ||
                          t.part == Part::type_embedding;
    forecast.weights += is_table ? f32_bytes(view) : kept_bytes(view, false);
  }
  return forecast;
}

}  // namespace lathe::models
