// Any bytes as a tokenizer.json: refused with an error that says what, or a tokenizer that encodes,
// decodes to valid UTF-8 at once and as a stream, and reads back from what it writes as the same.
#include "use_tokenizer.h"

using namespace lathe::text;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view json(reinterpret_cast<const char*>(data), size);
  const auto read = Tokenizer::from_tokenizer_json(json);
  if (!read.ok()) {
    if (read.error().message().empty()) std::abort();
    return 0;
  }
  use_tokenizer(*read);
  expect_written(*read);
  return 0;
}
