#include "formats/gguf.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <numeric>

#include "formats/foreign_text.h"
#include "formats/ggml_types.h"
#include "formats/gguf_extent.h"

namespace lathe::formats {
namespace {

static_assert(std::endian::native == std::endian::little, "GGUF is read as it lies in memory");

constexpr std::uint64_t kMaxNameBytes = 1024;
constexpr std::uint32_t kMaxGgufRank = 4;
constexpr std::uint64_t kDefaultAlignment = 32;
// The least bytes that a metadata entry (key length, one byte of key, type, one byte of value) and
// a line of the tensor table (name length, rank, type, offset) take: bounds on the counts.
constexpr std::uint64_t kLeastEntryBytes = 8 + 1 + 4 + 1;
constexpr std::uint64_t kLeastTensorBytes = 8 + 4 + 4 + 8;

Error damaged_gguf(std::string what) {
  return Error::bad_input(std::move(what))
      .fix_with("the file is damaged_gguf or cut short: download or export it again");
}

// Reads forward through the file; every read is checked against the bytes that are left.
class Cursor {
 public:
  // owner: what keeps the bytes; null when nothing does that could be shared.
  Cursor(std::span<const std::byte> bytes, std::shared_ptr<const void> owner)
      : bytes_(bytes), owner_(std::move(owner)) {}

  std::uint64_t offset() const { return offset_; }
  std::uint64_t left() const { return bytes_.size() - offset_; }

  template <class T>
  Result<T> number() {
    if (sizeof(T) > left()) return too_short(sizeof(T));
    T value;
    std::memcpy(&value, bytes_.data() + offset_, sizeof value);
    offset_ += sizeof value;
    return value;
  }

  Result<std::string> string(std::uint64_t max_bytes) {
    LATHE_TRY(const std::string_view text, view(max_bytes));
    return std::string(text);
  }

  // So many strings, where they lie.
  Result<GgufStrings> strings(std::uint64_t count) {
    const std::uint64_t first = offset_;
    for (std::uint64_t i = 0; i < count; ++i) LATHE_CHECK(view(bytes_.size()));
    return GgufStrings(bytes_.subspan(first, offset_ - first), count, owner_);
  }

  // A count of things that take at least `least_bytes` each.
  Result<std::uint64_t> count(const char* what, std::uint64_t least_bytes) {
    LATHE_TRY(const auto value, number<std::uint64_t>());
    if (value > left() / least_bytes)
      return damaged_gguf(
          fmt::format("the file claims {} {}, more than its {} bytes hold", value, what, left()));
    return value;
  }

 private:
  Result<std::string_view> view(std::uint64_t max_bytes) {
    LATHE_TRY(const auto length, number<std::uint64_t>());
    if (length > max_bytes)
      return damaged_gguf(
          fmt::format("a string of {} bytes before byte {}; at most {} are allowed here", length,
                      offset_, max_bytes));
    if (length > left()) return too_short(length);
    const auto* start = reinterpret_cast<const char*>(bytes_.data() + offset_);
    offset_ += length;
    return std::string_view(start, length);
  }
  Error too_short(std::uint64_t size) const {
    return damaged_gguf(
        fmt::format("the file ends at byte {}, in the middle of its header; {} more "
                    "bytes were expected from byte {} on",
                    bytes_.size(), size, offset_));
  }

  std::span<const std::byte> bytes_;
  std::shared_ptr<const void> owner_;
  std::uint64_t offset_ = 0;
};

template <class T>
Result<T> read_plain(Cursor& in) {
  if constexpr (std::is_same_v<T, bool>) {
    LATHE_TRY(const auto byte, in.number<std::uint8_t>());
    if (byte > 1) return damaged_gguf(fmt::format("a bool holds {}", byte));
    return byte == 1;
  } else if constexpr (std::is_same_v<T, std::string>) {
    return in.string(std::numeric_limits<std::uint64_t>::max());
  } else {
    return in.number<T>();
  }
}

template <class T>
Result<GgufArray> read_items(Cursor& in) {
  LATHE_TRY(const std::uint64_t count, in.count("array elements", sizeof(T)));
  std::vector<T> items;
  items.reserve(count);
  for (std::uint64_t i = 0; i < count; ++i) {
    LATHE_TRY(T item, read_plain<T>(in));
    items.push_back(std::move(item));
  }
  return GgufArray(std::move(items));
}

Result<GgufArray> read_strings(Cursor& in) {
  LATHE_TRY(const std::uint64_t count, in.count("array elements", sizeof(std::uint64_t)));
  LATHE_TRY(GgufStrings strings, in.strings(count));
  return GgufArray(std::move(strings));
}

Result<GgufArray> read_array(Cursor& in) {
  LATHE_TRY(const auto type, in.number<std::uint32_t>());
  switch (type) {
    case 0:
      return read_items<std::uint8_t>(in);
    case 1:
      return read_items<std::int8_t>(in);
    case 2:
      return read_items<std::uint16_t>(in);
    case 3:
      return read_items<std::int16_t>(in);
    case 4:
      return read_items<std::uint32_t>(in);
    case 5:
      return read_items<std::int32_t>(in);
    case 6:
      return read_items<float>(in);
    case 7:
      return read_items<bool>(in);
    case 8:
      return read_strings(in);
    case 9:
      return Error::unsupported("an array of arrays cannot be read");
    case 10:
      return read_items<std::uint64_t>(in);
    case 11:
      return read_items<std::int64_t>(in);
    case 12:
      return read_items<double>(in);
    default:
      return damaged_gguf(fmt::format("there is no value type {}", type));
  }
}

template <class T>
Result<GgufValue> read_one(Cursor& in) {
  LATHE_TRY(T value, read_plain<T>(in));
  return GgufValue(std::in_place_type<T>, std::move(value));
}

Result<GgufValue> read_value(Cursor& in) {
  LATHE_TRY(const auto type, in.number<std::uint32_t>());
  switch (type) {
    case 0:
      return read_one<std::uint8_t>(in);
    case 1:
      return read_one<std::int8_t>(in);
    case 2:
      return read_one<std::uint16_t>(in);
    case 3:
      return read_one<std::int16_t>(in);
    case 4:
      return read_one<std::uint32_t>(in);
    case 5:
      return read_one<std::int32_t>(in);
    case 6:
      return read_one<float>(in);
    case 7:
      return read_one<bool>(in);
    case 8:
      return read_one<std::string>(in);
    case 9: {
      LATHE_TRY(GgufArray array, read_array(in));
      return GgufValue(std::move(array));
    }
    case 10:
      return read_one<std::uint64_t>(in);
    case 11:
      return read_one<std::int64_t>(in);
    case 12:
      return read_one<double>(in);
    default:
      return damaged_gguf(fmt::format("there is no value type {}", type));
  }
}

Result<std::uint32_t> read_version(Cursor& in) {
  LATHE_TRY(const auto magic, in.number<std::uint32_t>());
  if (magic != 0x46554747)  // "GGUF"
    return Error::bad_input("this is no GGUF file: it does not begin with \"GGUF\"")
        .fix_with("give a .gguf file, or the folder of a Hugging Face model");
  LATHE_TRY(const auto version, in.number<std::uint32_t>());
  if (version == 2 || version == 3) return version;
  if (version != 0 && (version & 0xffffu) == 0)
    return Error::unsupported("this GGUF file is big-endian")
        .fix_with("get the little-endian file of the model");
  return Error::unsupported(fmt::format("GGUF version {} cannot be read (2 and 3 can)", version))
      .fix_with("convert the model with a current llama.cpp");
}

Result<GgufMetadata> read_metadata(Cursor& in, std::uint64_t count) {
  GgufMetadata metadata;
  for (std::uint64_t i = 0; i < count; ++i) {
    LATHE_TRY(std::string key, in.string(kMaxGgufKeyBytes).at(fmt::format("metadata entry {}", i)));
    if (key.empty()) return damaged_gguf(fmt::format("metadata entry {} has an empty key", i));
    if (metadata.has(key))
      return damaged_gguf(fmt::format("metadata {} stands twice", in_quotes(key)));
    LATHE_TRY(GgufValue value, read_value(in).at("metadata " + in_quotes(key)));
    metadata.set(std::move(key), std::move(value));
  }
  return metadata;
}

Result<std::uint64_t> read_alignment(const GgufMetadata& metadata) {
  LATHE_TRY(const auto value, metadata.find_int("general.alignment"));
  if (!value) return kDefaultAlignment;
  const auto alignment = static_cast<std::uint64_t>(*value);
  if (*value <= 0 || alignment > kMaxGgufAlignment || !std::has_single_bit(alignment))
    return damaged_gguf(fmt::format("general.alignment is {}, no power of two up to {}", *value,
                                    kMaxGgufAlignment));
  return alignment;
}

Result<tensor::Shape> read_shape(Cursor& in) {
  LATHE_TRY(const auto rank, in.number<std::uint32_t>());
  if (rank > kMaxGgufRank)
    return damaged_gguf(fmt::format("it has {} dimensions; GGUF has at most 4", rank));
  tensor::Shape shape(rank);
  for (std::uint32_t i = 0; i < rank; ++i) {
    LATHE_TRY(const auto extent, in.number<std::uint64_t>());
    if (extent > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
      return damaged_gguf(fmt::format("dimension {} is {}", i, extent));
    shape[rank - 1 - i] = static_cast<std::int64_t>(extent);
  }
  if (!tensor::element_count(shape))
    return damaged_gguf(fmt::format("shape {} overflows", tensor::to_string(shape)));
  return shape;
}

Result<GgufTensorInfo> read_info(Cursor& in, std::uint64_t alignment) {
  GgufTensorInfo info;
  LATHE_TRY(info.name, in.string(kMaxNameBytes));
  const auto read = [&]() -> Status {
    LATHE_TRY(info.shape, read_shape(in));
    LATHE_TRY(info.type, in.number<std::uint32_t>());
    LATHE_TRY(info.offset, in.number<std::uint64_t>());
    if (info.offset % alignment != 0)
      return damaged_gguf(
          fmt::format("its offset {} is no multiple of the alignment {}", info.offset, alignment));
    return {};
  };
  LATHE_CHECK(read().at("tensor " + in_quotes(info.name)));
  return info;
}

struct Header {
  std::uint32_t version = 0;
  GgufMetadata metadata;
  std::vector<GgufTensorInfo> tensors;
  std::uint64_t bytes = 0;  // up to the data section, which may lie beyond the file
};

Result<Header> read_header(std::span<const std::byte> bytes, std::shared_ptr<const void> owner) {
  Header header;
  Cursor in(bytes, std::move(owner));
  LATHE_TRY(header.version, read_version(in));
  LATHE_TRY(const auto tensor_count, in.count("tensors", kLeastTensorBytes));
  LATHE_TRY(const auto entry_count, in.count("metadata entries", kLeastEntryBytes));
  LATHE_TRY(header.metadata, read_metadata(in, entry_count));
  LATHE_TRY(const std::uint64_t alignment, read_alignment(header.metadata));
  for (std::uint64_t i = 0; i < tensor_count; ++i) {
    LATHE_TRY(GgufTensorInfo info, read_info(in, alignment));
    header.tensors.push_back(std::move(info));
  }
  header.bytes = (in.offset() + alignment - 1) / alignment * alignment;
  return header;
}

// Bytes of a tensor whose type is known. Rows are whole blocks.
Result<std::uint64_t> bytes_of(const GgufTensorInfo& info, const GgmlType& type) {
  const std::uint64_t count = *tensor::element_count(info.shape);
  const auto row = info.shape.empty() ? 1 : static_cast<std::uint64_t>(info.shape.back());
  if (row % type.block_elements != 0)
    return damaged_gguf(fmt::format("rows of {} are no whole blocks of {} elements ({})", row,
                                    type.block_elements, type.name));
  std::uint64_t bytes = 0;
  if (__builtin_mul_overflow(count / type.block_elements, std::uint64_t{type.block_bytes}, &bytes))
    return damaged_gguf(fmt::format("shape {} overflows", tensor::to_string(info.shape)));
  return bytes;
}

struct Range {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  const std::string* name = nullptr;
};

// A tensor of unknown type counts as empty: only where it begins can be checked.
Result<Range> range_of(const GgufTensorInfo& info, std::uint64_t data_size) {
  std::uint64_t bytes = 0;
  if (const GgmlType* type = find_ggml_type(info.type)) {
    LATHE_TRY(bytes, bytes_of(info, *type));
  }
  if (info.offset > data_size || bytes > data_size - info.offset)
    return damaged_gguf(fmt::format("its {} bytes at offset {} end outside the {} bytes of data",
                                    bytes, info.offset, data_size));
  return Range{info.offset, info.offset + bytes, &info.name};
}

Status check_ranges(std::span<const GgufTensorInfo> tensors, std::uint64_t data_size) {
  std::vector<Range> ranges;
  for (const GgufTensorInfo& info : tensors) {
    LATHE_TRY(const Range range, range_of(info, data_size).at("tensor " + in_quotes(info.name)));
    if (range.begin != range.end) ranges.push_back(range);
  }
  std::sort(ranges.begin(), ranges.end(),
            [](const Range& a, const Range& b) { return a.begin < b.begin; });
  for (std::size_t i = 1; i < ranges.size(); ++i) {
    if (ranges[i].begin < ranges[i - 1].end)
      return damaged_gguf(fmt::format("it overlaps tensor {}", in_quotes(*ranges[i - 1].name)))
          .at("tensor " + in_quotes(*ranges[i].name));
  }
  return {};
}

}  // namespace

Result<GgufFile> GgufFile::parse(std::span<const std::byte> bytes) { return read(bytes, nullptr); }

Result<GgufFile> GgufFile::read(std::span<const std::byte> bytes,
                                std::shared_ptr<const void> owner) {
  LATHE_TRY(Header header, read_header(bytes, std::move(owner)));
  GgufFile file;
  file.version_ = header.version;
  file.metadata_ = std::move(header.metadata);
  file.tensors_ = std::move(header.tensors);
  file.data_ = bytes.subspan(std::min<std::uint64_t>(header.bytes, bytes.size()));
  LATHE_CHECK(check_ranges(file.tensors_, file.data_.size()));

  file.by_name_.resize(file.tensors_.size());
  std::iota(file.by_name_.begin(), file.by_name_.end(), std::size_t{0});
  const auto name = [&](std::size_t i) -> const std::string& { return file.tensors_[i].name; };
  std::sort(file.by_name_.begin(), file.by_name_.end(),
            [&](std::size_t a, std::size_t b) { return name(a) < name(b); });
  for (std::size_t i = 1; i < file.by_name_.size(); ++i) {
    if (name(file.by_name_[i - 1]) == name(file.by_name_[i]))
      return damaged_gguf(fmt::format("tensor {} stands twice", in_quotes(name(file.by_name_[i]))));
  }
  return file;
}

Result<std::uint64_t> gguf_header_bytes(std::span<const std::byte> beginning) {
  LATHE_TRY(const Header header, read_header(beginning, nullptr));
  return header.bytes;
}

Result<GgufFile> GgufFile::open(const os::Path& path) {
  LATHE_TRY(os::MappedFile mapped, os::MappedFile::open(path));
  const auto shared = std::make_shared<const os::MappedFile>(std::move(mapped));
  LATHE_TRY(GgufFile file, read(shared->bytes(), shared).at(path.string()));
  file.file_ = shared;
  return file;
}

const GgufTensorInfo* GgufFile::find(std::string_view name) const {
  const auto at = std::lower_bound(
      by_name_.begin(), by_name_.end(), name,
      [this](std::size_t i, std::string_view wanted) { return tensors_[i].name < wanted; });
  return at != by_name_.end() && tensors_[*at].name == name ? &tensors_[*at] : nullptr;
}

Result<tensor::TensorView> GgufFile::tensor(std::string_view name) const {
  const auto placed = [&](Error error) {
    return file_ == nullptr ? std::move(error) : std::move(error).at(file_->path().string());
  };
  const GgufTensorInfo* info = find(name);
  if (info == nullptr)
    return placed(Error::not_found(fmt::format("there is no tensor {}", in_quotes(name))));
  const GgmlType* type = find_ggml_type(info->type);
  if (type == nullptr || !type->dtype)
    return placed(Error::unsupported(fmt::format("tensor {} has type {}, which cannot be read",
                                                 in_quotes(name), ggml_type_name(info->type)))
                      .fix_with("convert the model to F16 or Q8_0"));
  const auto size = tensor::byte_size(*type->dtype, *tensor::element_count(info->shape));
  return tensor::TensorView{*type->dtype, info->shape, data_.subspan(info->offset, *size)};
}

}  // namespace lathe::formats
