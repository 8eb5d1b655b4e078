// Any bytes as a SentencePiece tokenizer.model: refused with an error that says what, or a
// tokenizer that encodes, decodes to valid UTF-8, and reads back as the same from the
// tokenizer.json it writes.
#include "text/tokenizer_files.h"
#include "use_tokenizer.h"

using namespace lathe::text;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto read = tokenizer_from_sentence_piece(bytes, "");
  if (!read.ok()) {
    if (read.error().message().empty()) std::abort();
    return 0;
  }
  use_tokenizer(*read);
  expect_written(*read);
  return 0;
}
