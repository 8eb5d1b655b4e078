#include "formats/gguf_writer.h"

#include <fmt/format.h>

#include <bit>
#include <cstring>
#include <set>

#include "formats/foreign_text.h"
#include "formats/ggml_types.h"
#include "formats/gguf.h"

namespace lathe::formats {
namespace {

constexpr std::uint32_t kVersion = 3;
constexpr std::size_t kMaxWrittenNameBytes = 63;  // GGML_MAX_NAME, less its final zero

std::uint64_t round_up(std::uint64_t offset, std::uint64_t alignment) {
  return (offset + alignment - 1) / alignment * alignment;
}

// Appends values as they lie in a little-endian file.
class HeaderBytes {
 public:
  template <class T>
  void number(T value) {
    char bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof value);
    bytes_.append(bytes, sizeof value);
  }
  void plain(const std::string& text) {
    number(std::uint64_t{text.size()});
    bytes_ += text;
  }
  void plain(bool flag) { number(std::uint8_t{flag}); }
  template <class T>
  void plain(T value) {
    number(value);
  }
  void plain(const GgufArray& array) {
    number(static_cast<std::uint32_t>(array.index()));
    std::visit([this](const auto& items) { elements(items); }, array);
  }
  const std::string& bytes() const { return bytes_; }

 private:
  void elements(const GgufStrings& strings) {
    number(std::uint64_t{strings.size()});
    const auto bytes = strings.bytes();
    bytes_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  void elements(const std::monostate&) { LATHE_ASSERT(!"GGUF arrays hold no arrays"); }
  template <class T>
  void elements(const std::vector<T>& items) {
    number(std::uint64_t{items.size()});
    for (std::size_t i = 0; i < items.size(); ++i) plain(static_cast<T>(items[i]));
  }

  std::string bytes_;
};

Status check_tensor(const GgufTensorSource& t) {
  if (t.name.empty() || t.name.size() > kMaxWrittenNameBytes)
    return Error::bad_input(
        fmt::format("a GGUF tensor's name has 1 to {} bytes", kMaxWrittenNameBytes));
  if (find_ggml_type(t.dtype) == nullptr)
    return Error::unsupported(fmt::format("GGUF has no type for {}", tensor::to_string(t.dtype)));
  if (t.shape.size() > 4)
    return Error::unsupported(
        fmt::format("GGUF tensors have at most 4 dimensions, not {}", t.shape.size()));
  const auto row = static_cast<std::uint64_t>(t.shape.empty() ? 1 : t.shape.back());
  if (row % tensor::block_elements(t.dtype) != 0)
    return Error::bad_input(
               fmt::format("rows of {} are no whole blocks of {}", row, tensor::to_string(t.dtype)))
        .fix_with("write this tensor as f16");
  return {};
}

Status check_all(const GgufMetadata& metadata, std::span<const GgufTensorSource> tensors) {
  for (const auto& [key, value] : metadata.entries()) {
    if (key.empty() || key.size() > kMaxGgufKeyBytes)
      return Error::bad_input("a metadata key cannot be " + in_quotes(key));
  }
  std::set<std::string_view> names;
  for (const GgufTensorSource& t : tensors) {
    LATHE_CHECK(check_tensor(t).at("tensor " + in_quotes(t.name)));
    if (!names.insert(t.name).second)
      return Error::bad_input("two tensors are named " + in_quotes(t.name));
  }
  return {};
}

std::uint64_t size_of(const GgufTensorSource& t) {
  const auto count = tensor::element_count(t.shape);
  LATHE_ASSERT(count.has_value());
  return *tensor::byte_size(t.dtype, *count);
}

std::string header_for(const GgufMetadata& metadata, std::span<const GgufTensorSource> tensors,
                       std::uint64_t alignment) {
  HeaderBytes out;
  out.number(std::uint32_t{0x46554747});  // "GGUF"
  out.number(kVersion);
  out.number(std::uint64_t{tensors.size()});
  out.number(std::uint64_t{metadata.entries().size()});
  for (const auto& [key, value] : metadata.entries()) {
    out.plain(key);
    out.number(static_cast<std::uint32_t>(value.index()));
    std::visit([&](const auto& v) { out.plain(v); }, value);
  }
  std::uint64_t offset = 0;
  for (const GgufTensorSource& t : tensors) {
    out.plain(t.name);
    out.number(static_cast<std::uint32_t>(t.shape.size()));
    for (auto extent = t.shape.rbegin(); extent != t.shape.rend(); ++extent)
      out.number(static_cast<std::uint64_t>(*extent));
    out.number(find_ggml_type(t.dtype)->number);
    out.number(offset);
    offset = round_up(offset + size_of(t), alignment);
  }
  return out.bytes();
}

Status pad(os::FileWriter& out, std::uint64_t alignment) {
  const std::string zeros(round_up(out.offset(), alignment) - out.offset(), '\0');
  return out.write(zeros);
}

}  // namespace

Status write_gguf_from(const os::Path& path, const GgufMetadata& metadata,
                       std::span<const GgufTensorSource> tensors) {
  LATHE_CHECK(check_all(metadata, tensors).at(path.string()));
  LATHE_TRY(const auto asked, metadata.find_int("general.alignment"));
  const auto alignment = static_cast<std::uint64_t>(asked.value_or(32));
  if (alignment > kMaxGgufAlignment || !std::has_single_bit(alignment))
    return Error::bad_input("general.alignment is no power of two").at(path.string());
  const std::string header = header_for(metadata, tensors, alignment);
  return os::write_file_atomically(path, [&](os::FileWriter& out) -> Status {
    LATHE_CHECK(out.write(header));
    LATHE_CHECK(pad(out, alignment));
    for (const GgufTensorSource& t : tensors) {
      const std::uint64_t start = out.offset();
      LATHE_CHECK(t.write(out));
      LATHE_ASSERT(out.offset() - start == size_of(t));
      LATHE_CHECK(pad(out, alignment));
    }
    return {};
  });
}

Status write_gguf(const os::Path& path, const GgufMetadata& metadata,
                  std::span<const tensor::NamedTensor> tensors) {
  std::vector<GgufTensorSource> sources;
  for (const tensor::NamedTensor& t : tensors) {
    const auto bytes = t.view.bytes;
    sources.push_back({t.name, t.view.dtype, t.view.shape,
                       [bytes](os::FileWriter& out) { return out.write(bytes); }});
  }
  return write_gguf_from(path, metadata, sources);
}

}  // namespace lathe::formats
