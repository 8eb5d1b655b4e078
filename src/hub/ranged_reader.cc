#include "hub/ranged_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "formats/foreign_text.h"

namespace lathe::hub {
namespace {

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

Error RangedReader::at_file(Error error) const { return std::move(error).at(transfer_.file.path); }

// "bytes 0-255/1000"
Status RangedReader::check_range(const ResponseHead& head) const {
  const ByteRange wanted = range();
  const std::string expected =
      fmt::format("bytes {}-{}/{}", wanted.first, wanted.last, transfer_.file.size);
  const std::string& got = head.field("content-range");
  if (got != expected)
    return at_file(
        Error::bad_input(fmt::format("the server sends {} where {} was asked for",
                                     formats::in_quotes(got), formats::in_quotes(expected)))
            .fix_with("the file may have changed, or a cache between is wrong: try "
                      "again later"));
  const std::string& length = head.field("content-length");
  if (!length.empty() && number(length) != wanted.last - wanted.first + 1)
    return at_file(Error::bad_input("Content-Length and Content-Range contradict each other"));
  return {};
}

Status RangedReader::check_identity(const ResponseHead& head) {
  const RemoteFile& file = transfer_.file;
  if (!file.sha256.empty() && head.linked_hash.size() == 64 && head.linked_hash != file.sha256)
    return at_file(
        Error::bad_input("the Hub names two hashes: " + head.linked_hash + " and " + file.sha256));
  const std::string etag = head.strong_etag();
  const std::string& known = transfer_.partial.etag();
  if (known.empty() && if_whole_ != IfWhole::refuse) return transfer_.partial.set_etag(etag);
  if (known.empty() || etag.empty() || known == etag) return {};
  transfer_.changed = true;
  return at_file(Error::unavailable("the file changed on the server while it came"));
}

Status RangedReader::begin_whole(const ResponseHead& head) {
  const std::string& length = head.field("content-length");
  if (!length.empty() && number(length) != transfer_.file.size)
    return at_file(
        Error::bad_input(fmt::format("the server's file has {} bytes, its listing says "
                                     "{}",
                                     formats::in_quotes(length), transfer_.file.size)));
  if (if_whole_ == IfWhole::refuse)
    return at_file(Error::bad_input("the server gave ranges before and gives none now")
                       .fix_with("try again later"));
  if (if_whole_ == IfWhole::cut) {
    skip_ = range().first;
    cut_ = true;
    return {};
  }
  const std::uint64_t again = got_ + (whole_ ? 0 : transfer_.partial.done_bytes());
  transfer_.received(-static_cast<std::int64_t>(again));
  whole_ = true;
  got_ = 0;
  part_ = {0, transfer_.file.size};
  return {};
}

Status RangedReader::head(const ResponseHead& head) {
  LATHE_CHECK(check_identity(head));
  skip_ = 0;
  cut_ = false;
  return head.status == 206 ? check_range(head) : begin_whole(head);
}

Status RangedReader::body(std::span<const std::byte> bytes) {
  if (transfer_.stopped) return Error::cancelled("another part of the file failed");
  const std::size_t skipped = std::min<std::uint64_t>(skip_, bytes.size());
  skip_ -= skipped;
  bytes = bytes.subspan(skipped);
  if (cut_) bytes = bytes.first(std::min<std::uint64_t>(bytes.size(), part_.size - got_));
  if (bytes.size() > part_.size - got_)
    return at_file(Error::bad_input("the server sends more bytes than were asked for"));
  LATHE_CHECK(transfer_.partial.write(part_.first + got_, bytes));
  got_ += bytes.size();
  transfer_.received(static_cast<std::int64_t>(bytes.size()));
  if (cut_ && is_complete()) return Error::cancelled("the rest of the file is not wanted");
  return {};
}

}  // namespace lathe::hub
