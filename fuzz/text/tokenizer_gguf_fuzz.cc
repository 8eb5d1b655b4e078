// Any bytes as the GGUF file of a tokenizer: refused with an error that says what, or a tokenizer
// that encodes, decodes to valid UTF-8, and reads back as the same from the tokenizer.json and from
// the metadata that it writes.
#include "formats/gguf.h"
#include "text/tokenizer_gguf.h"
#include "use_tokenizer.h"

using namespace lathe;
using namespace lathe::text;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data), size);
  const auto file = formats::GgufFile::parse(bytes);
  if (!file.ok()) return 0;
  const auto read = Tokenizer::from_gguf(file->metadata());
  if (!read.ok()) {
    if (read.error().message().empty()) std::abort();
    return 0;
  }
  use_tokenizer(*read);
  expect_written(*read);
  const auto again = Tokenizer::from_gguf(gguf_metadata(*read));
  if (!again.ok() || again->hash() != read->hash()) std::abort();
  return 0;
}
