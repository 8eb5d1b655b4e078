#include "text/string_table.h"

#include <limits>

namespace lathe::text {

StringTableBuilder::StringTableBuilder(std::span<const std::string> strings) {
  std::size_t bytes = 0;
  for (const std::string& text : strings) bytes += text.size();
  ends_.reserve(strings.size());
  bytes_.reserve(bytes);
  for (const std::string& text : strings) LATHE_ASSERT(add(text).ok());
}

Status StringTableBuilder::add(std::string_view text) {
  if (text.size() > std::numeric_limits<std::uint32_t>::max() - bytes_.size())
    return Error::limit("the strings of a vocabulary take more than 4 GiB");
  bytes_.insert(bytes_.end(), text.begin(), text.end());
  ends_.push_back(static_cast<std::uint32_t>(bytes_.size()));
  return {};
}

}  // namespace lathe::text
