// What a model will take and give on a machine, before it is there: bytes in memory, and tokens a
// second from what the machine was measured to do. A forecast, not a promise. Pure functions but
// for those that read the machine's state.
//
// A token needs every weight that it touches to come through the memory once, so that decoding one
// sequence goes at (bytes a second) / (bytes of those weights); reading a prompt needs 2 operations
// a weight and position and is bound by arithmetic. Both are upper bounds that kernels come near.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "os/file.h"
#include "tensor/dtype.h"

namespace lathe::host {

// The sizes that decide.
struct ModelSizes {
  std::int64_t parameters = 0;
  std::int64_t used_parameters = 0;  // by one token: fewer in a mixture of experts. 0: all
  std::int64_t layers = 0;
  std::int64_t kv_heads = 0;  // 0: no cache (an encoder)
  std::int64_t head_dim = 0;
  std::int64_t vocab_size = 0;
  std::int64_t hidden_size = 0;
  bool tied_embeddings = false;
};

// Bytes that a weight of a type takes once it is loaded: as many as it is packed in, 4 where it is
// not (docs/packed.md).
double loaded_bytes_per_weight(tensor::DType type);

// Weights of a loaded model. A tied embedding that is not packed is there twice: as rows, and as
// the head.
std::uint64_t weight_bytes(const ModelSizes& sizes, tensor::DType type);

// Keys and values of one sequence of so many tokens, in f32.
std::uint64_t cache_bytes(const ModelSizes& sizes, std::int64_t tokens);

struct MachineSpeed {
  double bytes_per_second = 0;       // read from memory, all threads together
  double operations_per_second = 0;  // multiplications and additions of products in f32
};

double decode_tokens_per_second(const ModelSizes& sizes, tensor::DType type,
                                const MachineSpeed& machine);
double prompt_tokens_per_second(const ModelSizes& sizes, const MachineSpeed& machine);

// Memory that programs can still have, and bytes that can be written at a path. Error: io.
Result<std::uint64_t> available_memory();
Result<std::uint64_t> available_disk(const os::Path& path);

}  // namespace lathe::host
