// A knowledge base: documents, their chunks and a keyword index over these, in one SQLite file
// (schema in knowledge_base.cc). Ranking is BM25 (FTS5) over Porter stems; accents and letter case
// count nothing.
//
// Each change is one transaction: killed at any moment, the file has the state before or after the
// call. Several processes may use one file at once. Thread-safe: a mutex lets one thread in at a
// time.
//
// Errors beside those of each call: bad_input (damaged, or not a knowledge base), unavailable
// (another process kept the file locked), io, unsupported (made by a newer Lathe).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "os/file.h"
#include "retrieval/chunker.h"
#include "retrieval/document.h"

namespace lathe::retrieval {

struct DocumentInfo {
  std::string name;
  std::string title;
  std::int64_t bytes = 0;  // of its text
  std::int64_t chunks = 0;
};

struct Hit {
  std::string document;    // its name
  std::string title;       // of the chunk (chunker.h); may be empty
  std::int64_t chunk = 0;  // its number in the document, from 0
  std::string text;
  double score = 0;  // BM25: larger is better; comparable within one search only
};

class KnowledgeBase {
 public:
  // Makes the file; the chunk options stay with it. Error: already_exists.
  static Result<KnowledgeBase> create(const os::Path& file, const ChunkOptions& chunking = {});
  // Error: not_found.
  static Result<KnowledgeBase> open(const os::Path& file);

  // Adds the documents, in one transaction; one whose name is there takes the old one's place.
  // Errors: those of check_document(); bad_input (a text with nothing in it, a name twice).
  Status add_documents(std::span<const Document> documents);
  Status add_document(const Document& document) { return add_documents({&document, 1}); }

  Status remove(std::string_view name);              // not_found
  Result<Document> document(std::string_view name);  // the text as it was added; not_found
  Result<std::vector<DocumentInfo>> list();          // by name

  // At most k chunks that share a term with the query: first those that have every term (stop
  // words aside), then those that have any; best first in both. Any text is a valid query; empty
  // when none of its terms occurs. Error: limit (query.h: kMaxQueryTerms).
  Result<std::vector<Hit>> search(std::string_view query, std::size_t k);

  const ChunkOptions& chunking() const;

  // Reads the whole file and compares the index with the chunks; bad_input names the damage.
  Status check_integrity();

 private:
  struct State;
  explicit KnowledgeBase(std::shared_ptr<State> state) : state_(std::move(state)) {}
  std::shared_ptr<State> state_;
};

}  // namespace lathe::retrieval
