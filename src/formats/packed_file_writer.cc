// Writing a packed file: in pieces of 2 MiB, so that the system's cache can hold it in huge pages.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstring>

#include "formats/packed_file.h"
#include "formats/packed_layout.h"

namespace lathe::formats {
namespace {

std::int64_t now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// Hands on whole pieces, and what is left at the end.
class PieceWriter {
 public:
  PieceWriter(os::FileWriter& out, std::size_t piece_bytes) : out_(out), most_(piece_bytes) {
    piece_.reserve(most_);
  }

  std::uint64_t offset() const { return out_.offset() + piece_.size(); }

  Status write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const std::size_t size = std::min(bytes.size(), most_ - piece_.size());
      piece_.insert(piece_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
      bytes = bytes.subspan(size);
      if (piece_.size() == most_) LATHE_CHECK(flush());
    }
    return {};
  }
  template <class T>
  Status write_value(const T& value) {
    return write(std::as_bytes(std::span(&value, 1)));
  }
  Status pad() {
    const std::vector<std::byte> zeros((kPackedAlignment - offset() % kPackedAlignment) %
                                       kPackedAlignment);
    return write(zeros);
  }
  Status flush() {
    LATHE_CHECK(out_.write(std::span<const std::byte>(piece_)));
    piece_.clear();
    return {};
  }

 private:
  os::FileWriter& out_;
  std::size_t most_;
  std::vector<std::byte> piece_;
};

Result<packed::Entry> entry_of(const PackedMatrix& matrix, std::uint64_t offset) {
  if (matrix.name.size() > 0xFFFF) return Error::bad_input("a matrix's name is too long");
  packed::Entry entry;
  entry.offset = offset;
  entry.bytes = matrix.bytes.size();
  entry.rows = matrix.rows;
  entry.columns = matrix.columns;
  entry.hash = packed_hash(matrix.bytes);
  entry.form = matrix.layout.form;
  entry.bits = matrix.layout.bits;
  entry.zero = matrix.layout.zero;
  entry.name_bytes = static_cast<std::uint32_t>(matrix.name.size());
  return entry;
}

void append(std::vector<std::byte>& directory, const packed::Entry& entry, std::string_view name) {
  const auto fields = std::as_bytes(std::span(&entry, 1));
  const auto text = std::as_bytes(std::span(name.data(), name.size()));
  directory.insert(directory.end(), fields.begin(), fields.end());
  directory.insert(directory.end(), text.begin(), text.end());
}

Status write_head(PieceWriter& out) {
  packed::Head head;
  std::memcpy(head.magic, packed::kMagic, sizeof head.magic);
  head.version = kPackedVersion;
  return out.write_value(head);
}

Status write_end(PieceWriter& out, const std::vector<std::byte>& directory, packed::Tail tail) {
  tail.directory_bytes = directory.size();
  tail.file_bytes = out.offset() + directory.size() + sizeof tail;
  tail.directory_hash = packed::hash_of(directory, tail);
  std::memcpy(tail.magic, packed::kMagic, sizeof tail.magic);
  LATHE_CHECK(out.write(directory));
  LATHE_CHECK(out.write_value(tail));
  return out.flush();
}

Status write_all(os::FileWriter& file, const PackedContents& contents, const packed::Tail& tail) {
  PieceWriter out(file, contents.piece_bytes);
  LATHE_CHECK(write_head(out));
  std::vector<std::byte> directory;
  for (std::size_t i = 0; i < contents.count; ++i) {
    LATHE_TRY(const PackedMatrix matrix, contents.matrix(i));
    LATHE_CHECK(out.pad());
    LATHE_TRY(const packed::Entry entry, entry_of(matrix, out.offset()));
    append(directory, entry, matrix.name);
    LATHE_CHECK(out.write(matrix.bytes));
  }
  LATHE_CHECK(out.pad());
  return write_end(out, directory, tail);
}

}  // namespace

Status write_packed_file(const os::Path& path, const PackedContents& contents) {
  packed::Tail tail;
  tail.source = contents.source;
  tail.count = contents.count;
  tail.sealed = now();
  LATHE_CHECK(os::write_file_atomically(
      path, [&](os::FileWriter& file) { return write_all(file, contents, tail); }));
  return seal_packed_file(path, tail.sealed);
}

Status seal_packed_file(const os::Path& path, std::int64_t sealed) {
  return os::set_modification_time(path, sealed);
}

}  // namespace lathe::formats
