#include "formats/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <tuple>

#include "formats/foreign_text.h"
#include "formats/json.h"

namespace lathe::formats {
namespace {

using nlohmann::json;
using tensor::DType;
using tensor::NamedTensor;

constexpr std::uint64_t kLengthBytes = 8;
constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;  // the reference reader's bound
constexpr std::size_t kMaxSafetensorsRank = 16;
constexpr const char* kMetadataKey = "__metadata__";
constexpr const char* kRemedy = "the file is damaged_safetensors: download or export it again";

struct DTypeName {
  DType dtype;
  std::string_view name;
};
constexpr std::array<DTypeName, 10> kDTypes{{{DType::f64, "F64"},
                                             {DType::i64, "I64"},
                                             {DType::f32, "F32"},
                                             {DType::i32, "I32"},
                                             {DType::bf16, "BF16"},
                                             {DType::f16, "F16"},
                                             {DType::i16, "I16"},
                                             {DType::u8, "U8"},
                                             {DType::i8, "I8"},
                                             {DType::boolean, "BOOL"}}};

Error damaged_safetensors(std::string what) {
  return Error::bad_input(std::move(what)).fix_with(kRemedy);
}

// Where a tensor's bytes lie in the data that follows the header.
struct DataRange {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  const std::string* name = nullptr;
};

Result<DType> read_dtype(const json& entry) {
  const auto found = entry.find("dtype");
  if (found == entry.end() || !found->is_string()) return damaged_safetensors("dtype is no string");
  const auto& name = found->get_ref<const std::string&>();
  for (const DTypeName& known : kDTypes) {
    if (known.name == name) return known.dtype;
  }
  return Error::unsupported(fmt::format("dtype {} cannot be read", in_quotes(name)))
      .fix_with("convert the tensor to F32, F16 or BF16");
}

Result<std::uint64_t> read_unsigned(const json& value, const char* field) {
  constexpr auto kLargest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() > kLargest)
    return damaged_safetensors(fmt::format("{} holds {}", field, JsonFields::show(value)));
  return value.get<std::uint64_t>();
}

Result<tensor::Shape> read_shape(const json& entry) {
  const auto found = entry.find("shape");
  if (found == entry.end() || !found->is_array() || found->size() > kMaxSafetensorsRank)
    return damaged_safetensors(
        fmt::format("shape is no list of at most {} extents", kMaxSafetensorsRank));
  tensor::Shape shape;
  for (const json& extent : *found) {
    LATHE_TRY(const std::uint64_t value, read_unsigned(extent, "shape"));
    shape.push_back(static_cast<std::int64_t>(value));
  }
  return shape;
}

Result<DataRange> read_range(const json& entry, std::uint64_t data_size) {
  const auto found = entry.find("data_offsets");
  if (found == entry.end() || !found->is_array() || found->size() != 2)
    return damaged_safetensors("data_offsets is no pair");
  DataRange range;
  LATHE_TRY(range.begin, read_unsigned((*found)[0], "data_offsets"));
  LATHE_TRY(range.end, read_unsigned((*found)[1], "data_offsets"));
  if (range.begin > range.end || range.end > data_size)
    return damaged_safetensors(fmt::format("data_offsets [{}, {}] lie outside the {} bytes of data",
                                           range.begin, range.end, data_size));
  return range;
}

struct Entry {
  NamedTensor tensor;
  DataRange range;
};

Result<Entry> read_entry(const std::string& name, const json& value,
                         std::span<const std::byte> data) {
  if (!value.is_object() || value.size() != 3)
    return damaged_safetensors("the entry is not dtype, shape and data_offsets");
  LATHE_TRY(const DType dtype, read_dtype(value));
  LATHE_TRY(tensor::Shape shape, read_shape(value));
  LATHE_TRY(const DataRange range, read_range(value, data.size()));
  const auto count = tensor::element_count(shape);
  const auto size = count ? tensor::byte_size(dtype, *count) : std::nullopt;
  if (!size)
    return damaged_safetensors(fmt::format("shape {} overflows", tensor::to_string(shape)));
  if (*size != range.end - range.begin)
    return damaged_safetensors(fmt::format("{} {} takes {} bytes, data_offsets hold {}",
                                           tensor::to_string(dtype), tensor::to_string(shape),
                                           *size, range.end - range.begin));
  const auto bytes = data.subspan(range.begin, *size);
  return Entry{{name, {dtype, std::move(shape), bytes}}, range};
}

// The tensors must lie end to end and fill the data.
Status check_tiling(std::vector<DataRange> ranges, std::uint64_t data_size) {
  std::sort(ranges.begin(), ranges.end(), [](const DataRange& a, const DataRange& b) {
    return std::tie(a.begin, a.end) < std::tie(b.begin, b.end);
  });
  std::uint64_t end = 0;
  for (const DataRange& range : ranges) {
    if (range.begin != end) {
      const char* fault = range.begin < end ? "overlaps the one before it" : "leaves a gap";
      return damaged_safetensors(fmt::format("it begins at {}, which {} (that ends at {})",
                                             range.begin, fault, end))
          .at("tensor " + in_quotes(*range.name));
    }
    end = range.end;
  }
  if (end != data_size)
    return damaged_safetensors(
        fmt::format("the tensors end at {} of {} bytes of data", end, data_size));
  return {};
}

Result<std::map<std::string, std::string>> read_metadata(const json& value) {
  std::map<std::string, std::string> metadata;
  if (!value.is_object()) return damaged_safetensors("it is no object").at(kMetadataKey);
  for (const auto& [key, text] : value.items()) {
    if (!text.is_string())
      return damaged_safetensors(in_quotes(key) + " is no string").at(kMetadataKey);
    metadata.emplace(key, text.get<std::string>());
  }
  return metadata;
}

// The bytes of the JSON header, once its length is known to be true.
Result<std::string_view> header_of(std::span<const std::byte> bytes) {
  if (bytes.size() < kLengthBytes)
    return damaged_safetensors(
        fmt::format("the file has {} bytes, too few for its header", bytes.size()));
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < kLengthBytes; ++i)
    length |= std::to_integer<std::uint64_t>(bytes[i]) << (8 * i);
  if (length > kMaxHeaderBytes)
    return damaged_safetensors(
        fmt::format("the header claims {} bytes; at most {} are allowed", length, kMaxHeaderBytes));
  if (length > bytes.size() - kLengthBytes)
    return damaged_safetensors(
        fmt::format("the header claims {} bytes, the file has {} after the length", length,
                    bytes.size() - kLengthBytes));
  const auto header = bytes.subspan(kLengthBytes, length);
  return std::string_view(reinterpret_cast<const char*>(header.data()), header.size());
}

}  // namespace

Result<SafetensorsFile> SafetensorsFile::parse(std::span<const std::byte> bytes) {
  LATHE_TRY(const std::string_view text, header_of(bytes));
  auto parsed = parse_json_object(text, {.max_bytes = kMaxHeaderBytes, .max_depth = 4});
  if (!parsed.ok()) return std::move(parsed).error().at("header").fix_with(kRemedy);
  const json& header = *parsed;
  const auto data = bytes.subspan(kLengthBytes + text.size());

  SafetensorsFile file;
  std::vector<DataRange> ranges;
  file.tensors_.reserve(header.size());
  for (const auto& [name, value] : header.items()) {
    if (name == kMetadataKey) {
      LATHE_TRY(file.metadata_, read_metadata(value));
      continue;
    }
    LATHE_TRY(Entry entry, read_entry(name, value, data).at("tensor " + in_quotes(name)));
    file.tensors_.push_back(std::move(entry.tensor));
    entry.range.name = &file.tensors_.back().name;
    ranges.push_back(entry.range);
  }
  LATHE_CHECK(check_tiling(std::move(ranges), data.size()));
  return file;
}

Result<SafetensorsFile> SafetensorsFile::open(const os::Path& path) {
  LATHE_TRY(os::MappedFile mapped, os::MappedFile::open(path));
  LATHE_TRY(SafetensorsFile file, parse(mapped.bytes()).at(path.string()));
  file.file_ = std::move(mapped);
  return file;
}

const tensor::TensorView* SafetensorsFile::find(std::string_view name) const {
  const auto at =
      std::lower_bound(tensors_.begin(), tensors_.end(), name,
                       [](const NamedTensor& t, std::string_view n) { return t.name < n; });
  return at != tensors_.end() && at->name == name ? &at->view : nullptr;
}

Result<tensor::TensorView> SafetensorsFile::tensor(std::string_view name) const {
  if (const tensor::TensorView* view = find(name)) return *view;
  Error error = Error::not_found(fmt::format("there is no tensor {}", in_quotes(name)));
  return file_.path().empty() ? error : std::move(error).at(file_.path().string());
}

namespace {

std::string_view name_of(DType dtype) {
  for (const DTypeName& known : kDTypes) {
    if (known.dtype == dtype) return known.name;
  }
  return {};
}

Status check_writable(std::span<const NamedTensor> tensors) {
  std::vector<std::string_view> names;
  for (const NamedTensor& t : tensors) {
    const auto count = tensor::element_count(t.view.shape);
    LATHE_ASSERT(count && tensor::byte_size(t.view.dtype, *count) == t.view.bytes.size());
    if (t.name == kMetadataKey || !is_utf8(t.name))
      return Error::bad_input("a tensor cannot be named " + in_quotes(t.name));
    if (name_of(t.view.dtype).empty())
      return Error::unsupported(
                 fmt::format("safetensors has no dtype {}", tensor::to_string(t.view.dtype)))
          .at("tensor " + in_quotes(t.name))
          .fix_with("write f32, f16 or bf16, or write GGUF");
    names.push_back(t.name);
  }
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice != names.end()) return Error::bad_input("two tensors are named " + in_quotes(*twice));
  return {};
}

// Wider elements first, then by name: each tensor then begins at a multiple of its element size.
std::vector<const NamedTensor*> in_file_order(std::span<const NamedTensor> tensors) {
  std::vector<const NamedTensor*> order;
  for (const NamedTensor& t : tensors) order.push_back(&t);
  std::sort(order.begin(), order.end(), [](const NamedTensor* a, const NamedTensor* b) {
    const auto width = [](const NamedTensor* t) { return tensor::block_bytes(t->view.dtype); };
    return width(a) != width(b) ? width(a) > width(b) : a->name < b->name;
  });
  return order;
}

std::string header_for(std::span<const NamedTensor* const> order,
                       const std::map<std::string, std::string>& metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header[kMetadataKey] = metadata;
  std::uint64_t offset = 0;
  for (const NamedTensor* t : order) {
    const std::uint64_t end = offset + t->view.bytes.size();
    header[t->name] = {{"dtype", std::string(name_of(t->view.dtype))},
                       {"shape", t->view.shape},
                       {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  return text;
}

}  // namespace

Status write_safetensors(const os::Path& path, std::span<const NamedTensor> tensors,
                         const std::map<std::string, std::string>& metadata) {
  LATHE_CHECK(check_writable(tensors).at(path.string()));
  for (const auto& [key, value] : metadata) {
    if (!is_utf8(key) || !is_utf8(value))
      return Error::bad_input("metadata " + in_quotes(key) + " is no UTF-8").at(path.string());
  }
  const auto order = in_file_order(tensors);
  const std::string header = header_for(order, metadata);
  if (header.size() > kMaxHeaderBytes)
    return Error::limit("the header would be larger than readers accept").at(path.string());
  return os::write_file_atomically(path, [&](os::FileWriter& out) -> Status {
    std::array<std::byte, kLengthBytes> length{};
    for (std::size_t i = 0; i < kLengthBytes; ++i)
      length[i] = static_cast<std::byte>(header.size() >> (8 * i));
    LATHE_CHECK(out.write(length));
    LATHE_CHECK(out.write(header));
    for (const NamedTensor* t : order) LATHE_CHECK(out.write(t->view.bytes));
    return {};
  });
}

}  // namespace lathe::formats
