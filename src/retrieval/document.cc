#include "retrieval/document.h"

#include <fmt/format.h>

#include <algorithm>

#include "retrieval/chunker.h"
#include "text/utf8.h"

namespace lathe::retrieval {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxNameBytes = 512;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr const char* kKinds = "the kinds read are .md, .markdown and .txt";

// Where the text stops being UTF-8; its size when it does not.
std::size_t valid_prefix(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const text::Utf8Step step = text::utf8_step(text.substr(at));
    if (step.kind != text::Utf8Step::Kind::character) return at;
    at += step.length;
  }
  return at;
}

Status check_text(std::string_view text, std::string_view what) {
  if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos) {
    return Error::bad_input(fmt::format("the {} has a zero byte at {}: it is no text", what, nul))
        .fix_with("give text files");
  }
  if (const std::size_t good = valid_prefix(text); good != text.size()) {
    return Error::bad_input(fmt::format("the {} is not UTF-8 at byte {}", what, good))
        .fix_with("convert it to UTF-8, for example with iconv");
  }
  return {};
}

bool is_supported(const os::Path& file) {
  std::string extension = file.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return extension == ".md" || extension == ".markdown" || extension == ".txt";
}

bool is_hidden(const os::Path& file) { return file.filename().string().starts_with('.'); }

Error listing_error(const os::Path& folder, const std::error_code& code) {
  if (code == std::errc::no_such_file_or_directory) {
    return Error::not_found("no such file or folder").at(folder.string());
  }
  return Error::io("cannot list the folder: " + code.message()).at(folder.string());
}

Result<Document> read_document(const os::Path& file, std::string name, const LoadLimits& limits) {
  if (!is_supported(file)) {
    return Error::bad_input("this kind of document cannot be read")
        .at(file.string())
        .fix_with(kKinds);
  }
  LATHE_TRY(std::string text, os::read_file(file, limits.file_bytes));
  if (text.starts_with(kByteOrderMark)) text.erase(0, kByteOrderMark.size());
  Document document{std::move(name), {}, std::move(text)};
  LATHE_CHECK(check_document(document).at(file.string()));
  document.title = first_heading(document.text);
  if (document.title.empty()) document.title = file.stem().string();
  return document;
}

// Every regular file under the folder that is not hidden, sorted.
Result<std::vector<os::Path>> list_files(const os::Path& folder, const LoadLimits& limits) {
  std::vector<os::Path> files;
  std::error_code code;
  fs::recursive_directory_iterator at(folder, code);
  for (; !code && at != fs::recursive_directory_iterator(); at.increment(code)) {
    if (is_hidden(at->path())) {
      at.disable_recursion_pending();
      continue;
    }
    const bool is_folder = at->is_directory(code);
    if (code) return listing_error(at->path(), code);
    if (is_folder && !at->is_symlink()) continue;
    if (is_folder) {
      return Error::bad_input("links to folders are not followed")
          .at(at->path().string())
          .fix_with("name that folder itself, or copy it here");
    }
    files.push_back(at->path());
    if (files.size() > limits.files) {
      return Error::limit(fmt::format("the folder has more than {} files", limits.files))
          .at(folder.string());
    }
  }
  if (code) return listing_error(folder, code);
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

Status check_document(const Document& document) {
  if (document.name.empty()) return Error::bad_input("the document has no name");
  if (document.name.size() > kMaxNameBytes) {
    return Error::bad_input(fmt::format("a document's name has {} bytes; at most {} are allowed",
                                        document.name.size(), kMaxNameBytes));
  }
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (std::any_of(document.name.begin(), document.name.end(), is_control)) {
    return Error::bad_input("a document's name has a control character");
  }
  LATHE_CHECK(check_text(document.name, "document's name"));
  LATHE_CHECK(check_text(document.title, "title").at(document.name));
  return check_text(document.text, "text").at(document.name);
}

Result<Document> load_document(const os::Path& file, const LoadLimits& limits) {
  return read_document(file, file.filename().string(), limits);
}

Result<std::vector<Document>> load_documents(const os::Path& folder, const LoadLimits& limits) {
  std::error_code code;
  const fs::file_status status = fs::status(folder, code);
  if (code) return listing_error(folder, code);
  if (!fs::is_directory(status)) {
    LATHE_TRY(Document document, load_document(folder, limits));
    return std::vector<Document>{std::move(document)};
  }
  LATHE_TRY(const std::vector<os::Path> files, list_files(folder, limits));
  std::vector<Document> documents;
  std::uint64_t total = 0;
  for (const os::Path& file : files) {
    std::string name = file.lexically_relative(folder).generic_string();
    LATHE_TRY(Document document, read_document(file, std::move(name), limits));
    total += document.text.size();
    if (total > limits.total_bytes) {
      return Error::limit(fmt::format("the documents have more than {} bytes", limits.total_bytes))
          .at(folder.string())
          .fix_with("add them in several calls");
    }
    documents.push_back(std::move(document));
  }
  if (documents.empty()) {
    return Error::bad_input("there is no document in the folder")
        .at(folder.string())
        .fix_with(kKinds);
  }
  return documents;
}

}  // namespace lathe::retrieval
