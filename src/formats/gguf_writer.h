// GGUF files from tensors whose bytes are produced while the file is written. Internal to
// src/formats; formats/gguf.h writes tensors that lie in memory.
#pragma once

#include <functional>
#include <span>
#include <string>

#include "base/result.h"
#include "formats/gguf_metadata.h"
#include "os/file.h"
#include "tensor/tensor.h"

namespace lathe::formats {

struct GgufTensorSource {
  std::string name;
  tensor::DType dtype = tensor::DType::f32;
  tensor::Shape shape;
  // Writes exactly the bytes of dtype and shape.
  std::function<Status(os::FileWriter&)> write;
};

// As write_gguf().
Status write_gguf_from(const os::Path& path, const GgufMetadata& metadata,
                       std::span<const GgufTensorSource> tensors);

}  // namespace lathe::formats
