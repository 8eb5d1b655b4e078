#include "host/pull_header.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "formats/gguf.h"
#include "formats/gguf_extent.h"

namespace lathe::host {
namespace {

using hub::RemoteFile;

constexpr std::uint64_t kFirstLook = std::uint64_t{64} << 10;
constexpr std::uint64_t kMaxSafetensorsHeader = 100'000'000;  // the reference reader's bound
constexpr std::uint64_t kMaxGgufHeader = std::uint64_t{256} << 20;

std::uint64_t first_look(const RemoteFile& file) { return std::min(kFirstLook, file.size); }

bool is_gguf(std::span<const std::byte> bytes) {
  return bytes.size() >= 4 && std::memcmp(bytes.data(), "GGUF", 4) == 0;
}

Result<std::uint64_t> number_at_start(const os::Path& path) {
  LATHE_TRY(const os::MappedFile file, os::MappedFile::open(path));
  std::uint64_t value = 0;
  if (file.bytes().size() < sizeof value)
    return Error::bad_input("the file is too small for what it should be").at(path.string());
  std::memcpy(&value, file.bytes().data(), sizeof value);
  return value;
}

// 8 bytes of length, then a JSON text of that length.
Status safetensors_header(hub::Downloader& downloader, const RemoteFile& file,
                          const os::Path& folder) {
  LATHE_CHECK(downloader.fetch_part(file, folder, {0, first_look(file)}));
  LATHE_TRY(const std::uint64_t length, number_at_start(folder / file.path));
  if (length > kMaxSafetensorsHeader)
    return Error::bad_input(fmt::format("the header claims {} bytes; at most {} are allowed",
                                        length, kMaxSafetensorsHeader))
        .at(file.path);
  if (8 + length <= first_look(file) || 8 + length > file.size) return {};  // opening says why
  return downloader.fetch_part(file, folder, {0, 8 + length});
}

// The rotary factors are values that belong to what the model is.
Status gguf_factors(hub::Downloader& downloader, const RemoteFile& file, const os::Path& folder,
                    std::uint64_t header_bytes) {
  LATHE_TRY(const formats::GgufFile gguf, formats::GgufFile::open(folder / file.path));
  for (const formats::GgufTensorInfo& info : gguf.tensors()) {
    if (!info.name.starts_with("rope_f")) continue;
    const std::uint64_t count = tensor::element_count(info.shape).value_or(0);
    const std::uint64_t first = header_bytes + info.offset;
    const std::uint64_t size = std::min({count * sizeof(float), file.size - first, kFirstLook});
    LATHE_CHECK(downloader.fetch_part(file, folder, {first, size}));
  }
  return {};
}

// The length of a GGUF header stands nowhere: it is read as far as it goes, four times as far each
// time, until the tensor table ends in what has come.
Status gguf_header(hub::Downloader& downloader, const RemoteFile& file, const os::Path& folder) {
  for (std::uint64_t bytes = first_look(file);; bytes = std::min(bytes * 4, file.size)) {
    LATHE_CHECK(downloader.fetch_part(file, folder, {0, bytes}));
    LATHE_TRY(const os::MappedFile mapped, os::MappedFile::open(folder / file.path));
    const auto header = formats::gguf_header_bytes(mapped.bytes().first(bytes));
    if (header.ok()) return gguf_factors(downloader, file, folder, *header);
    const bool is_short = header.error().kind == ErrorKind::bad_input && is_gguf(mapped.bytes());
    if (!is_short || bytes == file.size) return Error(header.error()).at(file.path);
    if (bytes >= kMaxGgufHeader)
      return Error::limit(fmt::format("the header has more than {} bytes", kMaxGgufHeader))
          .at(file.path);
  }
}

}  // namespace

Status fetch_headers(hub::Downloader& downloader, const hub::Selection& selection,
                     const os::Path& folder) {
  const bool gguf = selection.form == hub::Selection::Form::gguf;
  for (const RemoteFile& file : selection.weights)
    LATHE_CHECK(gguf ? gguf_header(downloader, file, folder)
                     : safetensors_header(downloader, file, folder));
  return {};
}

}  // namespace lathe::host
