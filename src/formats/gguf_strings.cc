#include "formats/gguf_strings.h"

namespace lathe::formats {

GgufStrings::GgufStrings(const std::vector<std::string>& strings) : count_(strings.size()) {
  std::vector<std::byte> bytes;
  for (const std::string& text : strings) {
    const std::uint64_t length = text.size();
    const auto front = std::as_bytes(std::span(&length, 1));
    const auto body = std::as_bytes(std::span(text.data(), text.size()));
    bytes.insert(bytes.end(), front.begin(), front.end());
    bytes.insert(bytes.end(), body.begin(), body.end());
  }
  own(std::move(bytes));
}

GgufStrings::GgufStrings(std::span<const std::byte> bytes, std::size_t count,
                         std::shared_ptr<const void> owner)
    : bytes_(bytes), count_(count), owner_(std::move(owner)) {
  if (owner_ == nullptr) own({bytes.begin(), bytes.end()});
}

void GgufStrings::own(std::vector<std::byte> bytes) {
  const auto owned = std::make_shared<const std::vector<std::byte>>(std::move(bytes));
  bytes_ = *owned;
  owner_ = owned;
}

}  // namespace lathe::formats
