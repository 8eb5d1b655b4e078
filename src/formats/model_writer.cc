#include "formats/model_writer.h"

#include <fmt/format.h>

#include <deque>
#include <map>
#include <set>

#include "formats/decoder_tensors.h"
#include "formats/foreign_text.h"
#include "formats/gguf_names.h"
#include "formats/gguf_rope.h"
#include "formats/gguf_writer.h"
#include "formats/safetensors.h"
#include "formats/weight_check.h"

namespace lathe::formats {
namespace {

using tensor::DType;
using tensor::NamedTensor;
using tensor::TensorView;
using ByName = std::map<std::string_view, const TensorView*>;

// The weights by name, once they are known to be exactly what the config calls for.
Result<ByName> checked(const DecoderConfig& config, std::span<const NamedTensor> tensors) {
  LATHE_CHECK(check(config));
  WeightTable table;
  ByName by_name;
  for (const NamedTensor& t : tensors) {
    if (!by_name.emplace(t.name, &t.view).second)
      return Error::bad_input("two tensors are named " + in_quotes(t.name));
    table[t.name] = {t.view.dtype, t.view.shape, std::string(tensor::to_string(t.view.dtype))};
  }
  LATHE_CHECK(check_weights(config, table));
  return by_name;
}

Result<std::string> hf_dtype(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return std::string("float32");
    case DType::f16:
      return std::string("float16");
    case DType::bf16:
      return std::string("bfloat16");
    default:
      return Error::unsupported(fmt::format("a Hugging Face folder is not written in {}",
                                            tensor::to_string(dtype)))
          .fix_with("export with --quantize f32, or write GGUF");
  }
}

Status write_text(const os::Path& path, const std::optional<std::string>& text) {
  return text ? os::write_file_atomically(path, *text) : Status();
}

// llama.cpp's general.file_type: the type that most bytes of the matrices have.
std::uint32_t file_type(std::span<const NamedTensor> tensors) {
  std::map<DType, std::size_t> bytes;
  for (const NamedTensor& t : tensors) {
    if (t.view.shape.size() == 2) bytes[t.view.dtype] += t.view.bytes.size();
  }
  DType most = DType::f32;
  for (const auto& [dtype, size] : bytes) {
    if (size > bytes[most]) most = dtype;
  }
  // llama.h, enum llama_ftype; the K types by their plain or "medium" mixes.
  static const std::map<DType, std::uint32_t> kNumbers = {
      {DType::f16, 1},     {DType::q4_0, 2},  {DType::q4_1, 3},  {DType::q8_0, 7},
      {DType::q5_0, 8},    {DType::q5_1, 9},  {DType::q2_k, 10}, {DType::q3_k, 12},
      {DType::q4_k, 15},   {DType::q5_k, 17}, {DType::q6_k, 18}, {DType::iq4_nl, 25},
      {DType::iq4_xs, 30}, {DType::bf16, 32}};
  const auto number = kNumbers.find(most);
  return number == kNumbers.end() ? 0 : number->second;
}

// What config says, then what extra adds; where both name a key they must agree.
Result<GgufMetadata> gguf_metadata(const DecoderConfig& config,
                                   std::span<const NamedTensor> tensors,
                                   const GgufMetadata& extra) {
  GgufMetadata metadata;
  LATHE_CHECK(to_gguf(config, metadata));
  metadata.set("general.file_type", file_type(tensors));
  metadata.set("general.quantization_version", std::uint32_t{2});
  for (const auto& [key, value] : extra.entries()) {
    const GgufValue* own = metadata.find(key);
    if (own != nullptr && *own != value)
      return Error::bad_input(
          fmt::format("metadata {} contradicts the config or the weights", in_quotes(key)));
    if (own == nullptr) metadata.set(key, value);
  }
  return metadata;
}

Status check_gguf_types(std::span<const NamedTensor> tensors) {
  for (const NamedTensor& t : tensors) {
    if (t.view.dtype == DType::f64 && t.view.shape.size() == 2)
      return Error::unsupported("a GGUF model is not written in f64")
          .at("tensor " + in_quotes(t.name))
          .fix_with("convert the weights to f32, f16, bf16 or q8_0 first");
  }
  return {};
}

Status check_one_type(std::span<const TensorView* const> views, const std::string& name) {
  for (const TensorView* view : views) {
    if (view->dtype != views[0]->dtype)
      return Error::unsupported("the experts' weights are of several types")
          .at("tensor " + in_quotes(name))
          .fix_with("export with --quantize");
  }
  return {};
}

// One tensor that holds an expert's matrix for each of them.
GgufTensorSource experts_source(const std::string& name, std::span<const TensorView* const> views) {
  tensor::Shape shape = views[0]->shape;
  shape.insert(shape.begin(), static_cast<std::int64_t>(views.size()));
  return {name, views[0]->dtype, std::move(shape),
          [all = std::vector(views.begin(), views.end())](os::FileWriter& out) -> Status {
            for (const TensorView* view : all) LATHE_CHECK(out.write(view->bytes));
            return {};
          }};
}

GgufTensorSource source_of(const DecoderConfig& config, const GgufPlace& place,
                           const TensorView& view) {
  GgufTensorSource source{place.name, view.dtype, view.shape, {}};
  if (view.shape.size() == 1) {  // llama.cpp keeps vectors in f32
    source.dtype = DType::f32;
    source.write = [&config, &place, &view](os::FileWriter& out) -> Status {
      LATHE_TRY(std::vector<float> values, tensor::to_f32(view));
      for (float& value : values) value += place.offset;
      return write_rows(tensor::view_of(values, view.shape), place.order, config, out);
    };
  } else if (place.order != RowOrder::as_in_folder) {
    source.write = [&config, &place, &view](os::FileWriter& out) {
      return write_rows(view, place.order, config, out);
    };
  } else {
    source.write = [&view](os::FileWriter& out) { return out.write(view.bytes); };
  }
  return source;
}

using Turned = std::deque<std::vector<std::byte>>;  // a deque: views into it stay

// The tensors as a folder of the family has them; those stored as [in, out] are copies in `turned`.
Result<std::vector<NamedTensor>> as_stored(const std::vector<ExpectedTensor>& expected,
                                           std::span<const NamedTensor> tensors, Turned& turned) {
  std::set<std::string_view> transposed;
  for (const ExpectedTensor& t : expected) {
    if (t.stored_transposed) transposed.insert(t.name);
  }
  std::vector<NamedTensor> stored(tensors.begin(), tensors.end());
  for (NamedTensor& t : stored) {
    if (!transposed.contains(t.name)) continue;
    LATHE_TRY(turned.emplace_back(), tensor::transposed(t.view));
    t.view = {t.view.dtype, {t.view.shape[1], t.view.shape[0]}, turned.back()};
  }
  return stored;
}

}  // namespace

Status write_model_folder(const os::Path& folder, const DecoderConfig& config,
                          std::span<const NamedTensor> tensors, const ModelTexts& texts) {
  LATHE_TRY(const ByName weights, checked(config, tensors).at(folder.string()));
  for (const NamedTensor& t : tensors)
    LATHE_CHECK(hf_dtype(t.view.dtype).at(folder.string() + ": tensor " + in_quotes(t.name)));
  const std::vector<ExpectedTensor> expected = expected_tensors(config);
  LATHE_TRY(const std::string dtype, hf_dtype(weights.at(expected.front().name)->dtype));
  LATHE_TRY(const std::string config_json, to_config_json(config, dtype).at(folder.string()));
  std::error_code ignored;
  if (std::filesystem::exists(folder / "config.json", ignored))
    return Error::already_exists("the folder holds a model already")
        .at(folder.string())
        .fix_with("choose another folder, or remove this one");
  LATHE_CHECK(os::make_directories(folder));
  Turned turned;
  LATHE_TRY(const auto stored, as_stored(expected, tensors, turned));
  LATHE_CHECK(write_safetensors(folder / "model.safetensors", stored, {{"format", "pt"}}));
  LATHE_CHECK(write_text(folder / "tokenizer.json", texts.tokenizer_json));
  LATHE_CHECK(write_text(folder / "tokenizer_config.json", texts.tokenizer_config_json));
  LATHE_CHECK(write_text(folder / "chat_template.jinja", texts.chat_template));
  LATHE_CHECK(write_text(folder / "generation_config.json", to_generation_config_json(config)));
  return os::write_file_atomically(folder / "config.json", config_json);
}

Status write_model_gguf(const os::Path& path, const DecoderConfig& config,
                        std::span<const NamedTensor> tensors, const GgufMetadata& extra) {
  LATHE_TRY(const ByName weights, checked(config, tensors).at(path.string()));
  LATHE_CHECK(check_gguf_types(tensors).at(path.string()));
  LATHE_TRY(const GgufMetadata metadata, gguf_metadata(config, tensors, extra).at(path.string()));
  std::vector<GgufTensorSource> sources;
  const std::vector<RopeTensor> rope = gguf_rope_tensors(config);
  for (const RopeTensor& t : rope) {
    sources.push_back(
        {t.name,
         DType::f32,
         {static_cast<std::int64_t>(t.values.size())},
         [&t](os::FileWriter& out) { return out.write(std::as_bytes(std::span(t.values))); }});
  }
  const GgufNames names(config);
  for (const ExpectedTensor& expected : expected_tensors(config)) {
    const GgufPlace& place = names.place_of(expected.name);
    if (place.expert > 0) continue;  // written with the first
    if (place.expert < 0) {
      sources.push_back(source_of(config, place, *weights.at(expected.name)));
      continue;
    }
    std::vector<const TensorView*> all;
    for (const std::string& name : names.canonical_names(place.name))
      all.push_back(weights.at(name));
    LATHE_CHECK(check_one_type(all, place.name).at(path.string()));
    sources.push_back(experts_source(place.name, all));
  }
  return write_gguf_from(path, metadata, sources);
}

}  // namespace lathe::formats
