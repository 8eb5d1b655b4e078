// Loading for inference: each matrix is mapped where it was packed before, or packed for the
// kernels that this processor runs.
#include <fmt/format.h>

#include "base/log.h"
#include "models/decoder.h"
#include "models/packed_model.h"
#include "models/registry.h"
#include "ops/pack.h"

namespace lathe::models {

class InferenceLoader {
 public:
  InferenceLoader(Decoder& decoder, const formats::ModelSource& source, Parallel& parallel)
      : decoder_(decoder), source_(source), parallel_(parallel) {}

  Status load() {
    use_packed_file();
    for (const WeightSlot& slot : decoder_.layout_.slots)
      LATHE_CHECK(load_slot(slot).at(slot.name));
    if (!decoder_.config_.tied_embeddings) return {};
    // A tied head multiplies by the embedding's values. Rows that are kept in f32 are packed once
    // more for it.
    const ops::MatrixWeight& embedding = decoder_.weights_.embedding;
    ops::MatrixWeight& head = decoder_.weights_.head.weight;
    head.rows = embedding.rows;
    head.columns = embedding.columns;
    head.packed = embedding.packed;
    if (head.is_packed()) return {};
    LATHE_TRY(const tensor::TensorView view, source_.tensor(decoder_.layout_.slots.front().name));
    return decoder_.store_.keep_matrix(view, parallel_, head);
  }

 private:
  // Without one that can be used as it is, the model is what it would be with one: its matrices are
  // packed here.
  void use_packed_file() {
    auto file = open_packed(source_.path());
    if (file.ok()) {
      decoder_.store_.use(std::move(*file));
    } else if (file.error().kind != ErrorKind::not_found) {
      log::warning("{}; the weights are packed in memory", file.error().message());
    }
  }

  Status load_slot(const WeightSlot& slot) {
    const auto* matrix = std::get_if<ops::MatrixWeight*>(&slot.target);
    if (matrix != nullptr) {
      LATHE_TRY(const bool mapped, decoder_.store_.map_matrix(slot.name, **matrix));
      if (mapped) return {};
    }
    LATHE_TRY(const tensor::TensorView view, source_.tensor(slot.name));
    if (matrix != nullptr) {
      const DecoderWeights& w = decoder_.weights_;
      const bool is_table = *matrix == &w.embedding || *matrix == &w.positions;
      if (is_table && !ops::is_packable(view)) {
        LATHE_TRY((*matrix)->f32, decoder_.store_.keep_f32(view));
        return {};
      }
      return decoder_.store_.keep_matrix(view, parallel_, **matrix);
    }
    LATHE_TRY(std::get<ops::VectorWeight*>(slot.target)->data, decoder_.store_.keep_f32(view));
    return {};
  }

  Decoder& decoder_;
  const formats::ModelSource& source_;
  Parallel& parallel_;
};

Result<std::unique_ptr<Decoder>> Decoder::load(const formats::ModelSource& source,
                                               Parallel& parallel, std::size_t context) {
  const formats::DecoderConfig& config = source.config();
  LATHE_CHECK(find_family(config.family));
  if (context > static_cast<std::size_t>(formats::context_limit(config))) {
    return Error::limit(fmt::format("a context of {} positions was asked for; the model has {}",
                                    context, formats::context_limit(config)))
        .fix_with("ask for a shorter context");
  }
  std::unique_ptr<Decoder> decoder(new Decoder(config, context));
  LATHE_CHECK(InferenceLoader(*decoder, source, parallel).load().at(source.path().string()));
  return decoder;
}

}  // namespace lathe::models
