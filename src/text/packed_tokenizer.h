// A tokenizer beside the files that it was made of: its tables (tokenizer_tables.h) as they lie in
// memory, in a packed file `tokenizer.packed` that each start maps instead of reading vocabulary
// and merges again. docs/packed.md is the file.
//
// What is compiled from few bytes (patterns, added tokens, the other components) is made anew.
// Thread-safety: no state but the file system's.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "formats/derived_file.h"
#include "text/tokenizer.h"

namespace lathe::text {

// Raised when a table's layout or meaning changes, and when what is made of a model's files does.
inline constexpr int kPackedTokenizerVersion = 1;

// model: what formats::ModelSource::open() takes.
os::Path packed_tokenizer_path(const os::Path& model);
// The same, with the stamp of the files that may have a part in it as they are now. Errors: io.
Result<formats::DerivedFile> packed_tokenizer_of(const os::Path& model);

// Whether there is one of this version that may be used as it is. Errors: of
// formats::open_sealed(); unsupported (another version).
Status check_packed_tokenizer(const os::Path& model);

// Maps it. Errors: as before; bad_input (what does not fit together).
Result<Tokenizer> open_packed_tokenizer(const os::Path& model);

// Writes it, atomically. Errors: io.
Status write_packed_tokenizer(const os::Path& model, const Tokenizer& tokenizer);

// The tokenizer that stands in sections, which may be any bytes; `memory` keeps them.
Result<Tokenizer> unpack_tokenizer(std::span<const formats::PackedMatrix> sections,
                                   std::shared_ptr<const void> memory);
// The sections of a tokenizer. The bytes live as long as the tokenizer, those of the outline as
// long as `outline`.
std::vector<formats::PackedMatrix> pack_tokenizer(const Tokenizer& tokenizer, std::string& outline);

}  // namespace lathe::text
