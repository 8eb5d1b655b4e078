// lathe export: a model as one GGUF file or a Hugging Face folder.
#include <fmt/format.h>

#include <deque>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/resolve.h"
#include "formats/model_writer.h"
#include "tasks/loaded_model.h"
#include "tensor/quantize.h"
#include "text/model_text.h"
#include "text/tokenizer_gguf.h"

namespace lathe::cli {
namespace {

struct Options {
  std::string reference;
  std::string out;
  std::string format = "gguf";
  std::string quantize;
  std::string name;
};

// What --quantize names; nothing: as they are.
std::optional<tensor::DType> wanted_type(const std::string& name) {
  for (const tensor::DType type : {tensor::DType::f32, tensor::DType::q8_0, tensor::DType::q6_k,
                                   tensor::DType::q4_k, tensor::DType::q4_0}) {
    if (name == tensor::to_string(type)) return type;
  }
  return std::nullopt;
}

// Weights as they will be written; converted ones are kept here.
class Weights {
 public:
  Status collect(const formats::ModelSource& source, std::optional<tensor::DType> wanted) {
    for (const std::string& name : source.tensor_names()) {
      LATHE_TRY(tensor::TensorView view, source.tensor(name));
      if (wanted && view.shape.size() == 2) LATHE_CHECK(convert(view, *wanted).at(name));
      tensors_.push_back({name, view});
    }
    return {};
  }
  std::span<const tensor::NamedTensor> tensors() const { return tensors_; }
  // Matrices that became q8_0 because their rows are no whole blocks of the wanted type.
  std::size_t kept_wider() const { return kept_wider_; }

 private:
  Status convert(tensor::TensorView& view, tensor::DType wanted) {
    LATHE_TRY(std::vector<float> values, tensor::to_f32(view));
    if (wanted == tensor::DType::f32) {
      floats_.push_back(std::move(values));
      view = tensor::view_of(floats_.back(), view.shape);
      return {};
    }
    const auto row = static_cast<std::size_t>(view.shape[1]);
    if (row % tensor::block_elements(wanted) != 0) {
      wanted = tensor::DType::q8_0;  // its blocks are the smallest
      ++kept_wider_;
    }
    if (row % tensor::block_elements(wanted) != 0) {
      return Error::unsupported(
                 fmt::format("rows of {} values cannot be cut into blocks of 32", row))
          .fix_with("export without --quantize");
    }
    bytes_.push_back(tensor::quantize(wanted, values));
    view = {wanted, view.shape, bytes_.back()};
    return {};
  }

  std::size_t kept_wider_ = 0;
  std::vector<tensor::NamedTensor> tensors_;
  std::deque<std::vector<float>> floats_;
  std::deque<std::vector<std::byte>> bytes_;
};

Status write_gguf(const formats::ModelSource& source, const Weights& weights,
                  const Options& options) {
  LATHE_TRY(const text::Tokenizer tokenizer, text::load_tokenizer(source));
  // The config writes the ids of BOS and EOS itself.
  formats::GgufMetadata extra = text::gguf_metadata(tokenizer.with_control_tokens({}));
  LATHE_TRY(const auto chat_template, source.chat_template());
  if (chat_template) extra.set("tokenizer.chat_template", *chat_template);
  if (!options.name.empty()) extra.set("general.name", options.name);
  return formats::write_model_gguf(options.out, source.config(), weights.tensors(), extra);
}

Status write_folder(const formats::ModelSource& source, const Weights& weights,
                    const Options& options) {
  LATHE_TRY(const text::Tokenizer tokenizer, text::load_tokenizer(source));
  formats::ModelTexts texts;
  texts.tokenizer_json = tokenizer.to_tokenizer_json();
  texts.tokenizer_config_json = tokenizer.to_tokenizer_config_json();
  LATHE_TRY(texts.chat_template, source.chat_template());
  return formats::write_model_folder(options.out, source.config(), weights.tensors(), texts);
}

Status run(const Options& options, const Common& common) {
  LATHE_TRY(const Resolved model, resolve(common, options.reference));
  if (!model.adaptations.empty()) {
    return Error::unsupported("exporting a model with adaptations is not supported")
        .at(options.reference);
  }
  LATHE_TRY(const os::Path path, tasks::model_path(model.model_path));
  LATHE_TRY(const formats::ModelSource source, formats::ModelSource::open(path));
  Weights weights;
  LATHE_CHECK(weights.collect(source, wanted_type(options.quantize)));
  if (options.format == "gguf") {
    LATHE_CHECK(write_gguf(source, weights, options));
  } else {
    LATHE_CHECK(write_folder(source, weights, options));
  }
  const std::vector<std::string> differences = options.format == "gguf"
                                                   ? formats::llama_cpp_differences(source.config())
                                                   : std::vector<std::string>();
  if (common.json) {
    fmt::print("{}\n", nlohmann::json{{"out", options.out},
                                      {"format", options.format},
                                      {"kept_wider", weights.kept_wider()},
                                      {"llama_cpp_differences", differences}}
                           .dump(2));
  } else {
    fmt::print("wrote {}\n", options.out);
    for (const std::string& difference : differences)
      fmt::print("note: what llama.cpp does otherwise: {}\n", difference);
    if (weights.kept_wider() > 0) {
      fmt::print("{} matrices became q8_0: their rows are no whole blocks of {}\n",
                 weights.kept_wider(), options.quantize);
    }
  }
  return {};
}

}  // namespace

Action add_export(CLI::App& program, const Common& common) {
  auto options = make_options<Options>();
  CLI::App* command =
      program.add_subcommand("export", "write a model as GGUF or as a Hugging Face folder");
  command->add_option("REF", options->reference, "the model")->required();
  command->add_option("--out", options->out, "file or folder to write")->required();
  command->add_option("--format", options->format, "gguf or safetensors")
      ->check(CLI::IsMember({"gguf", "safetensors"}))
      ->capture_default_str();
  command
      ->add_option("--quantize", options->quantize,
                   "matrices as q8_0, q6_k, q4_k, q4_0 or f32 (default: as they are)")
      ->check(CLI::IsMember({"q8_0", "q6_k", "q4_k", "q4_0", "f32"}));
  command->add_option("--name", options->name, "general.name of a GGUF file");
  command->footer("example: lathe export ./starter-model --quantize q8_0 --out starter.gguf");
  return [options, &common] { return run(*options, common); };
}

}  // namespace lathe::cli
