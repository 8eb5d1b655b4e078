#include "adapters/soft_prompt.h"

#include <fmt/format.h>

#include <algorithm>

namespace lathe::adapters {
namespace {

models::Parameter rows_of(std::size_t rows, std::size_t width) {
  models::Parameter p;
  p.name = "prompt_embeddings";
  p.shape = {static_cast<std::int64_t>(rows), static_cast<std::int64_t>(width)};
  p.values.resize(rows * width);
  return p;
}

}  // namespace

Result<std::unique_ptr<SoftPrompt>> SoftPrompt::make(const models::Decoder& decoder,
                                                     std::size_t virtual_tokens,
                                                     std::span<const std::int32_t> init_tokens) {
  const ops::MatrixWeight& table = decoder.weights().embedding;
  if (virtual_tokens == 0 || virtual_tokens >= decoder.context()) {
    return Error::bad_input(
        fmt::format("a soft prompt of {} virtual tokens does not fit a context of {}",
                    virtual_tokens, decoder.context()));
  }
  LATHE_ASSERT(!init_tokens.empty() && table.f32 != nullptr);
  models::Parameter p = rows_of(virtual_tokens, table.columns);
  for (std::size_t i = 0; i < virtual_tokens; ++i) {
    const auto token = static_cast<std::size_t>(init_tokens[i % init_tokens.size()]);
    LATHE_ASSERT(token < table.rows);
    std::copy_n(table.f32 + token * table.columns, table.columns,
                p.values.data() + i * table.columns);
  }
  return std::unique_ptr<SoftPrompt>(new SoftPrompt(std::move(p)));
}

Result<std::unique_ptr<SoftPrompt>> SoftPrompt::load(const models::Decoder& decoder,
                                                     const formats::PeftAdapter& peft) {
  const tensor::TensorView& view = peft.prompt_embeddings();
  const std::size_t width = decoder.weights().embedding.columns;
  if (view.shape.size() != 2 || view.shape[1] != static_cast<std::int64_t>(width)) {
    return Error::bad_input(fmt::format("the soft prompt has shape {}; this model is {} wide",
                                        tensor::to_string(view.shape), width))
        .fix_with("use the adapter with the model it was trained on");
  }
  models::Parameter p = rows_of(static_cast<std::size_t>(view.shape[0]), width);
  LATHE_TRY(p.values, tensor::to_f32(view).at(p.name));
  return std::unique_ptr<SoftPrompt>(new SoftPrompt(std::move(p)));
}

Status SoftPrompt::save(const os::Path& folder, const std::string& base_model) const {
  const models::Parameter& p = parameters_.front();
  formats::PeftConfig config;
  config.kind = formats::PeftConfig::Kind::prompt_tuning;
  config.base_model = base_model;
  config.prompt = {p.shape[0], p.shape[1]};
  return formats::write_prompt_adapter(folder, config, tensor::view_of(p.values, p.shape));
}

}  // namespace lathe::adapters
