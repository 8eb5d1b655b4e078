#include "adapters/kv_prefix.h"

#include <fmt/format.h>

#include <algorithm>

namespace lathe::adapters {

Result<std::unique_ptr<KvPrefixAdapter>> KvPrefixAdapter::load(const models::Decoder& decoder,
                                                               const formats::PeftAdapter& peft) {
  const models::KvShape shape = decoder.kv_shape();
  const formats::SoftPromptConfig& config = peft.config().prompt;
  if (config.layers != static_cast<std::int64_t>(shape.layers) ||
      config.width != static_cast<std::int64_t>(shape.width()))
    return Error::bad_input(
               fmt::format("the prefix is for {} layers with keys {} wide; this model has {}, {} "
                           "wide",
                           config.layers, config.width, shape.layers, shape.width()))
        .fix_with("use the adapter with the model it was trained on");
  const auto rows = static_cast<std::size_t>(config.virtual_tokens);
  if (rows >= decoder.context())
    return Error::limit(fmt::format("a prefix of {} positions does not fit a context of {}", rows,
                                    decoder.context()));
  LATHE_TRY(const std::vector<float> stored, tensor::to_f32(peft.prompt_embeddings()));
  std::unique_ptr<KvPrefixAdapter> adapter(new KvPrefixAdapter());
  const std::size_t parts = 2 * shape.layers;  // keys and values in turn
  adapter->values_.resize(stored.size());
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t part = 0; part < parts; ++part)
      std::copy_n(stored.data() + (i * parts + part) * shape.width(), shape.width(),
                  adapter->values_.data() + (part * rows + i) * shape.width());
  }
  const std::size_t hidden = decoder.weights().embedding.columns;
  adapter->zeros_.assign(rows * hidden, 0.0f);
  adapter->prefix_ = {rows, shape.width(), adapter->values_.data()};
  adapter->tokens_.rows = rows;
  adapter->tokens_.columns = hidden;
  adapter->tokens_.f32 = adapter->zeros_.data();
  return adapter;
}

models::SequenceAdapters KvPrefixAdapter::view() const {
  models::SequenceAdapters view;
  view.soft_prompt = &tokens_;
  view.prefix = &prefix_;
  return view;
}

Status KvPrefixAdapter::save(const os::Path& folder, const std::string&) const {
  return Error::unsupported("a prefix cannot be written")
      .at(folder.string())
      .fix_with("copy its folder");
}

}  // namespace lathe::adapters
