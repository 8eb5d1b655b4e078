#include "formats/gguf_parts.h"

#include <fmt/format.h>

#include <set>

#include "formats/foreign_text.h"

namespace lathe::formats {
namespace {

constexpr const char* kNumber = "split.no";
constexpr const char* kCount = "split.count";
constexpr const char* kTensors = "split.tensors.count";
constexpr std::int64_t kMostParts = 99'999;  // five digits

// 0 for a whole model; some tools write a count of 1 for one.
Result<std::int64_t> part_count(const GgufMetadata& metadata) {
  LATHE_TRY(const auto count, metadata.find_int(kCount));
  if (count.value_or(0) < 0 || count.value_or(0) > kMostParts)
    return Error::bad_input(fmt::format("{} is {}, outside 0 to {}", kCount, *count, kMostParts));
  return count.value_or(0) == 1 ? 0 : count.value_or(0);
}

// The name without what gguf_part_name() adds; nothing when it does not end so.
std::optional<std::string> stem_of(const std::string& name, std::size_t index, std::size_t count) {
  const std::string end = gguf_part_name("", index, count);
  if (!name.ends_with(end) || name.size() == end.size()) return std::nullopt;
  return name.substr(0, name.size() - end.size());
}

Error not_first(const os::Path& file, std::int64_t number, std::int64_t count) {
  const auto size = static_cast<std::size_t>(count);
  const auto stem = stem_of(file.filename().string(), static_cast<std::size_t>(number), size);
  const std::string first = gguf_part_name(stem.value_or("NAME"), 0, size);
  return Error::bad_input(fmt::format("this is part {} of {} of a model", number + 1, count))
      .fix_with("give the first part: " + first);
}

Status check_part(const GgufFile& file, std::size_t index, std::size_t count) {
  LATHE_TRY(const std::int64_t number, file.metadata().get_int(kNumber));
  LATHE_TRY(const std::int64_t all, file.metadata().get_int(kCount));
  if (number == static_cast<std::int64_t>(index) && all == static_cast<std::int64_t>(count))
    return {};
  return Error::bad_input(fmt::format("it calls itself part {} of {}, its name says {} of {}",
                                      number + 1, all, index + 1, count))
      .fix_with("keep the names that the parts were made with");
}

// Each tensor once, and as many as the first part says.
Status check_tensors(std::span<const GgufFile> files) {
  std::set<std::string_view> names;
  for (const GgufFile& file : files) {
    for (const GgufTensorInfo& info : file.tensors()) {
      if (!names.insert(info.name).second)
        return Error::bad_input(fmt::format("two parts have a tensor {}", in_quotes(info.name)));
    }
  }
  LATHE_TRY(const auto wanted, files.front().metadata().find_int(kTensors));
  const auto found = static_cast<std::int64_t>(names.size());
  if (wanted.value_or(found) == found) return {};
  return Error::bad_input(
             fmt::format("the parts have {} tensors, {} is {}", found, kTensors, *wanted))
      .fix_with("download the parts again");
}

}  // namespace

std::string gguf_part_name(const std::string& name, std::size_t index, std::size_t count) {
  return fmt::format("{}-{:05}-of-{:05}.gguf", name, index + 1, count);
}

bool is_later_gguf_part(std::string_view name) {
  constexpr std::string_view kShape = "-00000-of-00000.gguf";
  if (name.size() < kShape.size()) return false;
  name = name.substr(name.size() - kShape.size());
  for (std::size_t i = 0; i < kShape.size(); ++i) {
    const bool digit = name[i] >= '0' && name[i] <= '9';
    if (kShape[i] == '0' ? !digit : name[i] != kShape[i]) return false;
  }
  return name.substr(1, 5) != "00001";
}

Result<std::vector<os::Path>> gguf_part_paths(const os::Path& file, const GgufMetadata& metadata) {
  LATHE_TRY(const std::int64_t count, part_count(metadata));
  if (count == 0) return std::vector<os::Path>{file};
  LATHE_TRY(const std::int64_t number, metadata.get_int(kNumber));
  if (number < 0 || number >= count)
    return Error::bad_input(fmt::format("{} is {}, {} is {}", kNumber, number, kCount, count));
  if (number != 0) return not_first(file, number, count);
  const auto size = static_cast<std::size_t>(count);
  const auto stem = stem_of(file.filename().string(), 0, size);
  if (!stem)
    return Error::bad_input(fmt::format("this is the first of {} parts, whose name must end in {}",
                                        count, gguf_part_name("", 0, size)))
        .fix_with("keep the names that the parts were made with");
  std::vector<os::Path> paths = {file};
  for (std::size_t i = 1; i < size; ++i)
    paths.push_back(file.parent_path() / gguf_part_name(*stem, i, size));
  return paths;
}

Result<GgufParts> GgufParts::open(const os::Path& file) {
  GgufParts parts;
  LATHE_TRY(GgufFile first, GgufFile::open(file));
  LATHE_TRY(const auto paths, gguf_part_paths(file, first.metadata()).at(file.string()));
  parts.files_.push_back(std::move(first));
  if (paths.size() == 1) return parts;
  for (std::size_t i = 1; i < paths.size(); ++i) {
    LATHE_TRY(GgufFile next, GgufFile::open(paths[i]));
    LATHE_CHECK(check_part(next, i, paths.size()).at(paths[i].string()));
    parts.files_.push_back(std::move(next));
  }
  LATHE_CHECK(check_tensors(parts.files_).at(file.string()));
  return parts;
}

const GgufFile& GgufParts::file_of(std::string_view name) const {
  for (const GgufFile& file : files_) {
    if (file.find(name) != nullptr) return file;
  }
  return files_.front();
}

const GgufTensorInfo* GgufParts::find(std::string_view name) const {
  return file_of(name).find(name);
}

Result<tensor::TensorView> GgufParts::tensor(std::string_view name) const {
  return file_of(name).tensor(name);
}

}  // namespace lathe::formats
