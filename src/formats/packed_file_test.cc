#include "formats/packed_file.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>

#include "formats/packed_layout.h"
#include "formats/test_support.h"

namespace lathe::formats {
namespace {

class PackedFileTest : public testing::Test {
 protected:
  void SetUp() override {
    const Status written = write("first", "some bytes");
    ASSERT_TRUE(written.ok()) << written.error().message();
    bytes_ = os::read_file(path_).value();
  }

  // Two matrices: of those bytes, and of three pages.
  Status write(const std::string& name, std::string_view bytes) {
    const std::string large(3 * kPackedAlignment + 5, 'x');
    const auto matrix = [&](std::size_t index) -> Result<PackedMatrix> {
      if (index == 0) return PackedMatrix{name, {1, 4, 8}, 2, 5, bytes_of(bytes)};
      return PackedMatrix{"second", {0, 8, 128}, 7, 9, bytes_of(large)};
    };
    return write_packed_file(path_, {0x1234, 2, matrix});
  }

  // What remains readable after the file's bytes were changed in memory.
  Result<PackedFile> parse() const { return PackedFile::parse(bytes_of(bytes_)); }

  packed::Tail tail() const {
    packed::Tail out;
    std::memcpy(&out, bytes_.data() + bytes_.size() - sizeof out, sizeof out);
    return out;
  }
  // Changes a field of the first entry and makes the directory's hash anew, as an attacker would.
  void change_entry(const std::function<void(packed::Entry&)>& change) {
    packed::Tail end = tail();
    const std::size_t at = bytes_.size() - sizeof end - end.directory_bytes;
    packed::Entry entry;
    std::memcpy(&entry, &bytes_[at], sizeof entry);
    change(entry);
    std::memcpy(&bytes_[at], &entry, sizeof entry);
    end.directory_hash = packed::hash_of(bytes_of(bytes_).subspan(at, end.directory_bytes), end);
    std::memcpy(&bytes_[bytes_.size() - sizeof end], &end, sizeof end);
  }

  os::TemporaryDirectory scratch_ = os::TemporaryDirectory::make().value();
  os::Path path_ = scratch_.path() / "weights.packed";
  std::string bytes_;
  SerialParallel serial_;
};

TEST_F(PackedFileTest, ReadsBackWhatWasWritten) {
  const PackedFile file = PackedFile::open(path_).value();
  EXPECT_EQ(file.source(), 0x1234u);
  EXPECT_EQ(os::file_stamp(path_).value().modified, file.sealed());
  ASSERT_EQ(file.matrices().size(), 2u);
  const PackedMatrix* first = file.find("first");
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(first->layout, (PackedLayout{1, 4, 8}));
  EXPECT_EQ(first->rows, 2u);
  EXPECT_EQ(first->columns, 5u);
  EXPECT_EQ(std::memcmp(first->bytes.data(), "some bytes", 10), 0);
  EXPECT_EQ(file.find("second")->bytes.size(), 3 * kPackedAlignment + 5);
  EXPECT_EQ(file.find("third"), nullptr);
  EXPECT_TRUE(file.verify(serial_).ok());
  file.populate();
}

TEST_F(PackedFileTest, MatricesStandOnPages) {
  const PackedFile file = PackedFile::open(path_).value();
  for (const PackedMatrix& matrix : file.matrices())
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(matrix.bytes.data()) % kPackedAlignment, 0u);
}

TEST_F(PackedFileTest, AFileWithoutMatricesIsWhole) {
  const auto none = [](std::size_t) -> Result<PackedMatrix> { return Error::internal("asked"); };
  ASSERT_TRUE(write_packed_file(path_, {1, 0, none}).ok());
  EXPECT_TRUE(PackedFile::open(path_).value().matrices().empty());
}

TEST_F(PackedFileTest, ForeignBytesAreRefused) {
  expect_error(PackedFile::parse({}), ErrorKind::bad_input, "no file of packed weights");
  expect_error(PackedFile::parse(bytes_of("GGUF, sixteen bytes or more")), ErrorKind::bad_input,
               "no file of packed weights");
}

TEST_F(PackedFileTest, AnotherVersionIsNamed) {
  bytes_[8] = static_cast<char>(kPackedVersion + 1);
  const std::string both = "version " + std::to_string(kPackedVersion + 1) + "; this program has " +
                           std::to_string(kPackedVersion);
  expect_error(parse(), ErrorKind::unsupported, both.c_str());
}

TEST_F(PackedFileTest, ATornFileIsRefusedWhereverItEnds) {
  const std::string whole = bytes_;
  for (std::size_t size = 16; size < whole.size(); size += size < 5000 ? 1000 : 1) {
    bytes_ = whole.substr(0, size);
    expect_error(parse(), ErrorKind::bad_input, "torn");
  }
}

TEST_F(PackedFileTest, EveryFlippedBitBehindTheMatricesIsSeen) {
  const std::size_t from = bytes_.size() - sizeof(packed::Tail) - tail().directory_bytes;
  for (std::size_t at = from; at < bytes_.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      bytes_[at] = static_cast<char>(bytes_[at] ^ (1 << bit));
      EXPECT_FALSE(parse().ok()) << "byte " << at << ", bit " << bit;
      bytes_[at] = static_cast<char>(bytes_[at] ^ (1 << bit));
    }
  }
}

TEST_F(PackedFileTest, AFlippedBitOfAMatrixIsFoundByItsHashAndNamed) {
  bytes_[3 * kPackedAlignment] ^= 1;
  const PackedFile file = parse().value();
  expect_error(file.verify(serial_), ErrorKind::bad_input,
               "second: the packed weights are damaged");
}

TEST_F(PackedFileTest, PlacesThatDoNotFitAreRefused) {
  using Change = std::function<void(packed::Entry&)>;
  const std::vector<std::pair<Change, std::string>> cases = {
      {[](packed::Entry& e) { e.offset += 32; }, "not on a page"},
      {[](packed::Entry& e) { e.offset = 0; }, "outside"},
      {[](packed::Entry& e) { e.offset = 1u << 20; }, "outside"},
      {[](packed::Entry& e) { e.bytes = ~std::uint64_t{0}; }, "outside"},
      {[](packed::Entry& e) { e.bytes = 2 * kPackedAlignment; }, "outside"},  // the second's
      {[](packed::Entry& e) { e.name_bytes = 1u << 30; }, "ends too soon"},
      {[](packed::Entry& e) { e.reserved = 1; }, "reserved"},
  };
  const std::string whole = bytes_;
  for (const auto& [change, message] : cases) {
    bytes_ = whole;
    change_entry(change);
    expect_error(parse(), ErrorKind::bad_input, message);
  }
}

TEST_F(PackedFileTest, ANameThatStandsTwiceIsRefused) {
  ASSERT_TRUE(write("second", "some bytes").ok());
  expect_error(PackedFile::open(path_), ErrorKind::bad_input, "second: ");
}

TEST_F(PackedFileTest, AKilledWriterLeavesTheOldFile) {
  const pid_t child = ::fork();
  if (child == 0) {
    const auto dies = [](std::size_t index) -> Result<PackedMatrix> {
      if (index > 0) ::raise(SIGKILL);
      return PackedMatrix{"half", {}, 1, 1, bytes_of("half")};
    };
    (void)write_packed_file(path_, {1, 2, dies});
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(os::read_file(path_).value(), bytes_);
  EXPECT_NE(PackedFile::open(path_).value().find("first"), nullptr);
}

}  // namespace
}  // namespace lathe::formats
