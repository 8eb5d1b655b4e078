#include "training/checkpoint.h"

#include <fmt/format.h>

#include <charconv>
#include <map>

#include "formats/safetensors.h"

namespace lathe::training {
namespace {

constexpr const char* kFormat = "lathe-checkpoint-1";

Result<std::int64_t> integer(const std::map<std::string, std::string>& metadata, const char* key) {
  const auto found = metadata.find(key);
  std::int64_t value = 0;
  if (found != metadata.end()) {
    const std::string& text = found->second;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (code == std::errc() && end == text.data() + text.size() && value >= 0) return value;
  }
  return Error::bad_input(fmt::format("the checkpoint's field '{}' is missing or damaged", key));
}

Result<std::vector<float>> values(const formats::SafetensorsFile& file, const std::string& name,
                                  const models::Parameter& parameter) {
  LATHE_TRY(const tensor::TensorView view, file.tensor(name));
  if (view.shape != parameter.shape || view.dtype != tensor::DType::f32) {
    return Error::bad_input("the checkpoint's tensor has another shape than the model's").at(name);
  }
  return tensor::to_f32(view);
}

}  // namespace

Status save_checkpoint(const os::Path& path, const CheckpointState& state, AdamW& optimizer) {
  std::vector<tensor::NamedTensor> tensors;
  for (std::size_t i = 0; i < optimizer.parameters().size(); ++i) {
    const models::Parameter& p = *optimizer.parameters()[i];
    tensors.push_back({"value." + p.name, tensor::view_of(p.values, p.shape)});
    tensors.push_back({"first." + p.name, tensor::view_of(optimizer.moments()[i].first, p.shape)});
    tensors.push_back(
        {"second." + p.name, tensor::view_of(optimizer.moments()[i].second, p.shape)});
  }
  return formats::write_safetensors(path, tensors,
                                    {{"format", kFormat},
                                     {"step", fmt::to_string(state.step)},
                                     {"tokens", fmt::to_string(state.tokens)},
                                     {"epoch", fmt::to_string(state.cursor.epoch)},
                                     {"index", fmt::to_string(state.cursor.index)},
                                     {"fingerprint", state.fingerprint}});
}

Result<CheckpointState> load_checkpoint(const os::Path& path, const std::string& fingerprint,
                                        AdamW& optimizer) {
  LATHE_TRY(const formats::SafetensorsFile file, formats::SafetensorsFile::open(path));
  const auto& metadata = file.metadata();
  if (const auto format = metadata.find("format");
      format == metadata.end() || format->second != kFormat) {
    return Error::bad_input("this is not a checkpoint of Lathe").at(path.string());
  }
  CheckpointState state;
  state.fingerprint = metadata.contains("fingerprint") ? metadata.at("fingerprint") : "";
  if (state.fingerprint != fingerprint) {
    return Error::bad_input(
               "the checkpoint belongs to a run with other settings, data, model or kernels")
        .at(path.string())
        .fix_with("run with the settings it was made with, or remove it to start anew");
  }
  LATHE_TRY(state.step, integer(metadata, "step").at(path.string()));
  LATHE_TRY(state.tokens, integer(metadata, "tokens").at(path.string()));
  LATHE_TRY(state.cursor.epoch, integer(metadata, "epoch").at(path.string()));
  LATHE_TRY(const std::int64_t index, integer(metadata, "index").at(path.string()));
  state.cursor.index = static_cast<std::size_t>(index);

  struct Loaded {
    std::vector<float> value, first, second;
  };
  std::vector<Loaded> loaded;
  for (const models::Parameter* p : optimizer.parameters()) {
    Loaded l;
    LATHE_TRY(l.value, values(file, "value." + p->name, *p).at(path.string()));
    LATHE_TRY(l.first, values(file, "first." + p->name, *p).at(path.string()));
    LATHE_TRY(l.second, values(file, "second." + p->name, *p).at(path.string()));
    loaded.push_back(std::move(l));
  }
  for (std::size_t i = 0; i < loaded.size(); ++i) {
    // Copied into place: weights point at the parameters' memory.
    std::copy(loaded[i].value.begin(), loaded[i].value.end(),
              optimizer.parameters()[i]->values.begin());
    optimizer.moments()[i] = {std::move(loaded[i].first), std::move(loaded[i].second)};
  }
  optimizer.set_steps(state.step);
  return state;
}

}  // namespace lathe::training
