// Any bytes as a file of packed weights, and as the directory of one whose frame is right, which no
// fuzzer would find past its hash: refused, or every matrix lies inside the file, apart from the
// others, and all of its bytes can be read.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "formats/packed_file.h"
#include "formats/packed_layout.h"

namespace {

using lathe::formats::kPackedAlignment;
using lathe::formats::PackedFile;
using lathe::formats::PackedMatrix;

constexpr std::size_t kPages = 6;  // of matrices

struct Free {
  void operator()(std::byte* p) const { std::free(p); }
};

// The bytes between a head with pages of matrices and a tail that fits.
class Framed {
 public:
  explicit Framed(std::span<const std::byte> directory)
      : size_((1 + kPages) * kPackedAlignment + directory.size() + sizeof(Tail)),
        data_(static_cast<std::byte*>(std::aligned_alloc(
            kPackedAlignment, (size_ / kPackedAlignment + 1) * kPackedAlignment))) {
    std::memset(data_.get(), 0x35, size_);
    lathe::formats::packed::Head head;
    std::memcpy(head.magic, lathe::formats::packed::kMagic, sizeof head.magic);
    head.version = lathe::formats::kPackedVersion;
    std::memcpy(data_.get(), &head, sizeof head);
    std::memcpy(data_.get() + (1 + kPages) * kPackedAlignment, directory.data(), directory.size());
    Tail tail;
    tail.file_bytes = size_;
    tail.directory_bytes = directory.size();
    tail.count = count_entries(directory);
    tail.directory_hash = lathe::formats::packed::hash_of(directory, tail);
    std::memcpy(tail.magic, lathe::formats::packed::kMagic, sizeof tail.magic);
    std::memcpy(data_.get() + size_ - sizeof tail, &tail, sizeof tail);
  }
  std::span<const std::byte> bytes() const { return {data_.get(), size_}; }

 private:
  using Tail = lathe::formats::packed::Tail;
  using Entry = lathe::formats::packed::Entry;

  static std::uint64_t count_entries(std::span<const std::byte> rest) {
    std::uint64_t count = 0;
    for (Entry entry; rest.size() >= sizeof entry; ++count) {
      std::memcpy(&entry, rest.data(), sizeof entry);
      rest = rest.subspan(sizeof entry);
      if (entry.name_bytes > rest.size()) break;
      rest = rest.subspan(entry.name_bytes);
    }
    return count;
  }

  std::size_t size_;
  std::unique_ptr<std::byte, Free> data_;
};

void use(std::span<const std::byte> bytes) {
  const auto file = PackedFile::parse(bytes);
  if (!file.ok()) {
    (void)file.error().message();
    return;
  }
  lathe::SerialParallel serial;
  (void)file->verify(serial).ok();
  std::size_t total = 0;
  for (const PackedMatrix& matrix : file->matrices()) {
    total += matrix.bytes.size();
    if (file->find(matrix.name) != &matrix) std::abort();
  }
  if (total > bytes.size()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data), size);
  use(bytes);
  use(Framed(bytes).bytes());
  return 0;
}
