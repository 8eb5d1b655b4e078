// Documents as they come from the user: one text with a name, and reading folders of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "os/file.h"

namespace lathe::retrieval {

struct Document {
  std::string name;   // unique in a knowledge base: "guides/battery.md"
  std::string title;  // may be empty
  std::string text;   // plain text or Markdown, UTF-8
};

struct LoadLimits {
  std::uint64_t file_bytes = std::uint64_t{16} << 20;
  std::uint64_t total_bytes = std::uint64_t{512} << 20;
  std::size_t files = 20'000;
};

// bad_input when a document cannot be kept: its name is empty, longer than 512 bytes or has control
// characters; its title or text is not UTF-8 or has a NUL byte.
Status check_document(const Document& document);

// One .md, .markdown or .txt file. Its name is the file name, its title the first Markdown heading,
// or the file name without its extension. Errors: bad_input (another kind of file, binary, not
// UTF-8), limit, not_found, io; each names the file.
Result<Document> load_document(const os::Path& file, const LoadLimits& limits = {});

// Every such file under a folder, in order of name (the path from the folder, with "/"); a single
// file gives one document. All or nothing: a file of another kind is an error that names it. Names
// that begin with "." are passed over, as `ls` does. Error as load_document, and bad_input when
// there is no document at all.
Result<std::vector<Document>> load_documents(const os::Path& folder, const LoadLimits& limits = {});

}  // namespace lathe::retrieval
