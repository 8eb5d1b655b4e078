// Where the header of a GGUF file ends, for whoever has only its beginning: all before it is what
// opening the file reads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.h"

namespace lathe::formats {

// The offset of the data section. Errors: as GgufFile::open(); bad_input, too, when the header goes
// on beyond the beginning that is given.
Result<std::uint64_t> gguf_header_bytes(std::span<const std::byte> beginning);

}  // namespace lathe::formats
