// Any bytes as a SentencePiece tokenizer.model: refused with an error that says what, or a
// tokenizer that encodes, decodes to valid UTF-8, and reads back as the same from the
// tokenizer.json it writes.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "text/tokenizer_files.h"
#include "text/utf8.h"

using namespace lathe::text;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto read = tokenizer_from_sentence_piece(bytes, "");
  if (!read.ok()) {
    if (read.error().message().empty()) std::abort();
    return 0;
  }
  const auto ids = read->encode(" The <s>  caf\u00e9 \u2581 12\n", {true, true});
  if (!is_valid_utf8(read->decode(ids))) std::abort();
  const auto again = Tokenizer::from_tokenizer_json(read->to_tokenizer_json());
  if (!again.ok() || again->hash() != read->hash()) std::abort();
  return 0;
}
