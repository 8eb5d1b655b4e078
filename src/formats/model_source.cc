#include "formats/model_source.h"

#include <fmt/format.h>

#include <algorithm>

#include "formats/decoder_tensors.h"
#include "formats/foreign_text.h"
#include "formats/model_source_impl.h"
#include "formats/pickled.h"

namespace lathe::formats {
namespace {

Error not_a_model(const os::Path& path) {
  if (is_pickle(path))
    return Error::unsupported("this is a pickle file, which can run code when it is read")
        .at(path.string())
        .fix_with(kUnpickle);
  return Error::bad_input("this is neither a folder nor a .gguf file")
      .at(path.string())
      .fix_with("give the folder of a Hugging Face model, or a .gguf file");
}

}  // namespace

void ModelSource::Impl::set_config(DecoderConfig config) {
  config_ = std::move(config);
  for (ExpectedTensor& expected : expected_tensors(config_))
    names_.push_back(std::move(expected.name));
}

Result<ModelSource> ModelSource::open(const os::Path& path) {
  std::error_code failed;
  const auto status = std::filesystem::status(path, failed);
  if (status.type() == std::filesystem::file_type::not_found)
    return Error::not_found("there is no such file or folder").at(path.string());
  if (failed) return Error::io(failed.message()).at(path.string());
  if (std::filesystem::is_directory(status)) {
    LATHE_TRY(auto impl, open_hf_folder(path));
    return ModelSource(std::move(impl));
  }
  if (path.extension() != ".gguf") return not_a_model(path);
  LATHE_TRY(auto impl, open_gguf_model(path));
  return ModelSource(std::move(impl));
}

ModelSource::ModelSource(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ModelSource::ModelSource(ModelSource&&) noexcept = default;
ModelSource& ModelSource::operator=(ModelSource&&) noexcept = default;
ModelSource::~ModelSource() = default;

ModelSource::Kind ModelSource::kind() const { return impl_->kind(); }
const os::Path& ModelSource::path() const { return impl_->path(); }
const DecoderConfig& ModelSource::config() const { return impl_->config(); }
std::span<const std::string> ModelSource::tensor_names() const { return impl_->names(); }
const GgufFile* ModelSource::gguf() const { return impl_->gguf(); }

Result<tensor::TensorView> ModelSource::tensor(std::string_view canonical_name) const {
  const auto& names = impl_->names();
  if (std::find(names.begin(), names.end(), canonical_name) == names.end())
    return Error::not_found(fmt::format("there is no weight {}", in_quotes(canonical_name)))
        .at(path().string());
  return impl_->tensor(canonical_name);
}

Result<std::string> ModelSource::tokenizer_json() const {
  LATHE_TRY(auto text, impl_->tokenizer_json());
  if (text) return std::move(*text);
  return Error::not_found("there is no tokenizer.json")
      .at(path().string())
      .fix_with("add the model's tokenizer.json");
}

Result<std::optional<std::string>> ModelSource::chat_template() const {
  return impl_->chat_template();
}
Result<std::optional<std::string>> ModelSource::tokenizer_config_json() const {
  return impl_->tokenizer_config_json();
}
Result<std::optional<std::string>> ModelSource::generation_config_json() const {
  return impl_->generation_config_json();
}

}  // namespace lathe::formats
