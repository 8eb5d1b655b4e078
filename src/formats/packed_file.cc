#include "formats/packed_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/fnv.h"
#include "formats/packed_layout.h"

namespace lathe::formats {
namespace {

Error damaged(std::string what) {
  return Error::bad_input("the packed weights are damaged: " + std::move(what));
}

// Reads the directory's fields; past its end all are refused.
class Cursor {
 public:
  explicit Cursor(std::span<const std::byte> bytes) : rest_(bytes) {}

  template <class T>
  bool read(T& value) {
    if (rest_.size() < sizeof value) return false;
    std::memcpy(&value, rest_.data(), sizeof value);
    rest_ = rest_.subspan(sizeof value);
    return true;
  }
  bool read(std::string& text, std::size_t size) {
    if (rest_.size() < size) return false;
    text.assign(reinterpret_cast<const char*>(rest_.data()), size);
    rest_ = rest_.subspan(size);
    return true;
  }
  bool at_end() const { return rest_.empty(); }

 private:
  std::span<const std::byte> rest_;
};

bool read_entry(Cursor& cursor, packed::Entry& entry, std::string& name) {
  return cursor.read(entry) && cursor.read(name, entry.name_bytes);
}

// The end of what may be matrices: where the directory begins.
Result<std::uint64_t> check_frame(std::span<const std::byte> bytes, packed::Tail& tail) {
  packed::Head head;
  if (bytes.size() < sizeof head || std::memcmp(bytes.data(), packed::kMagic, 8) != 0)
    return Error::bad_input("this is no file of packed weights");
  std::memcpy(&head, bytes.data(), sizeof head);
  if (head.version != kPackedVersion) {
    return Error::unsupported(fmt::format("the packed weights have version {}; this program has {}",
                                          head.version, kPackedVersion));
  }
  if (bytes.size() < kPackedAlignment + sizeof tail) return damaged("the file is torn");
  std::memcpy(&tail, bytes.data() + bytes.size() - sizeof tail, sizeof tail);
  const bool whole = std::memcmp(tail.magic, packed::kMagic, 8) == 0 &&
                     tail.file_bytes == bytes.size() &&
                     tail.directory_bytes <= bytes.size() - kPackedAlignment - sizeof tail;
  if (!whole) return damaged("the file is torn");
  return bytes.size() - sizeof tail - tail.directory_bytes;
}

// Matrices follow one another, each on a page, between the head and the directory.
Status check_place(const packed::Entry& entry, std::uint64_t begin, std::uint64_t end) {
  if (entry.offset % kPackedAlignment != 0) return damaged("it is not on a page");
  if (entry.offset < begin || entry.offset > end || entry.bytes > end - entry.offset)
    return damaged("it lies outside of its place");
  if (entry.reserved != 0) return damaged("a reserved field is used");
  return {};
}

}  // namespace

std::uint64_t packed_hash(std::span<const std::byte> bytes) { return fnv64_of_words(bytes); }

Result<PackedFile> PackedFile::open(const os::Path& path) {
  LATHE_TRY(os::MappedFile mapped, os::MappedFile::open(path));
  LATHE_TRY(PackedFile file, parse(mapped.bytes()).at(path.string()));
  file.file_ = std::move(mapped);
  return file;
}

Result<PackedFile> PackedFile::parse(std::span<const std::byte> bytes) {
  packed::Tail tail;
  LATHE_TRY(const std::uint64_t end, check_frame(bytes, tail));
  const auto directory = bytes.subspan(end, tail.directory_bytes);
  if (packed::hash_of(directory, tail) != tail.directory_hash)
    return damaged("the directory's hash is another");
  if (tail.reserved != 0) return damaged("a reserved field is used");
  PackedFile file;
  file.source_ = tail.source;
  file.sealed_ = tail.sealed;
  Cursor cursor(directory);
  for (std::uint64_t free = kPackedAlignment; !cursor.at_end();) {
    packed::Entry entry;
    PackedMatrix matrix;
    if (!read_entry(cursor, entry, matrix.name)) return damaged("the directory ends too soon");
    LATHE_CHECK(check_place(entry, free, end).at(matrix.name));
    free = entry.offset + entry.bytes;
    if (file.find(matrix.name) != nullptr) return damaged("it stands there twice").at(matrix.name);
    matrix.layout = {entry.form, entry.bits, entry.zero};
    matrix.rows = entry.rows;
    matrix.columns = entry.columns;
    matrix.bytes = bytes.subspan(entry.offset, entry.bytes);
    matrix.hash = entry.hash;
    file.matrices_.push_back(std::move(matrix));
    file.by_name_.emplace(file.matrices_.back().name, file.matrices_.size() - 1);
  }
  if (file.matrices_.size() != tail.count) return damaged("the count of matrices is another");
  return file;
}

const PackedMatrix* PackedFile::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &matrices_[found->second];
}

Status PackedFile::verify(Parallel& parallel) const {
  std::vector<std::uint8_t> is_whole(matrices_.size());
  parallel.run(matrices_.size(), [&](std::size_t i) {
    is_whole[i] = packed_hash(matrices_[i].bytes) == matrices_[i].hash;
  });
  const auto broken = std::find(is_whole.begin(), is_whole.end(), 0);
  if (broken == is_whole.end()) return {};
  const auto index = static_cast<std::size_t>(broken - is_whole.begin());
  return damaged("its bytes do not have the hash that they were written with")
      .at(matrices_[index].name);
}

void PackedFile::populate() const { file_.populate(); }

}  // namespace lathe::formats
