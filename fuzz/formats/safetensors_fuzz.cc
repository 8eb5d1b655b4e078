// Any bytes as a safetensors file: refused, or every tensor can be looked at whole.
#include "formats/safetensors.h"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data), size);
  const auto file = lathe::formats::SafetensorsFile::parse(bytes);
  if (!file.ok()) {
    (void)file.error().message();
    return 0;
  }
  std::size_t total = 0;
  for (const auto& [name, view] : file->tensors()) {
    total += view.bytes.size();
    if (file->find(name) != &view) std::abort();
    (void)lathe::tensor::to_f32(view);
  }
  if (total > size) std::abort();
  return 0;
}
