#include "retrieval/knowledge_base.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <mutex>
#include <unordered_set>

#include "database/schema.h"
#include "database/sqlite.h"
#include "retrieval/query.h"

namespace lathe::retrieval {

using database::Connection;
using database::Statement;
using database::Transaction;

struct KnowledgeBase::State {
  State(Connection connection, const ChunkOptions& options)
      : db(std::move(connection)), chunking(options) {}
  std::mutex mutex;  // guards db
  Connection db;
  ChunkOptions chunking;
};

namespace {

// The tokenizer stands here as kFtsTokenizer has it; a change of it needs a new script that builds
// the index again.
constexpr std::string_view kVersion1 = R"sql(
CREATE TABLE settings(
  only           INTEGER PRIMARY KEY CHECK(only = 1),
  words          INTEGER NOT NULL,
  overlap_words  INTEGER NOT NULL
) STRICT;
INSERT INTO settings VALUES(1, 120, 0);

CREATE TABLE documents(
  id     INTEGER PRIMARY KEY,
  name   TEXT NOT NULL UNIQUE,
  title  TEXT NOT NULL,
  text   TEXT NOT NULL
) STRICT;

CREATE TABLE chunks(
  id           INTEGER PRIMARY KEY,
  document_id  INTEGER NOT NULL REFERENCES documents(id),
  position     INTEGER NOT NULL,  -- in the document, from 0
  title        TEXT NOT NULL,
  text         TEXT NOT NULL,
  UNIQUE(document_id, position)
) STRICT;

-- The index reads its texts from chunks; index_chunks() and unindex_chunks() keep the two together
-- (triggers may not: a file's own SQL is not trusted with virtual tables).
CREATE VIRTUAL TABLE chunk_index USING fts5(
  title, text, content = 'chunks', content_rowid = 'id',
  tokenize = 'porter unicode61 remove_diacritics 2');
CREATE TRIGGER chunk_is_immutable BEFORE UPDATE ON chunks BEGIN
  SELECT RAISE(ABORT, 'a chunk is immutable');
END;
)sql";

constexpr std::string_view kMigrations[] = {kVersion1};

// "Lkno"
constexpr database::Schema kSchema{"knowledge base", 0x4c6b6e6f, kMigrations};

Result<ChunkOptions> read_chunking(Connection& db) {
  LATHE_TRY(Statement rows, db.query("SELECT words, overlap_words FROM settings"));
  LATHE_TRY(const bool found, rows.step());
  ChunkOptions options;
  if (found) {
    options.words = static_cast<std::size_t>(std::max<std::int64_t>(0, rows.integer(0)));
    options.overlap_words = static_cast<std::size_t>(std::max<std::int64_t>(0, rows.integer(1)));
  }
  return options;
}

Status index_chunks(Connection& db, std::int64_t document) {
  return db.run(
      "INSERT INTO chunk_index(rowid, title, text) "
      "SELECT id, title, text FROM chunks WHERE document_id = ?",
      document);
}

// FTS5 forgets a row when it is told the texts that it had.
Status unindex_chunks(Connection& db, std::int64_t document) {
  return db.run(
      "INSERT INTO chunk_index(chunk_index, rowid, title, text) "
      "SELECT 'delete', id, title, text FROM chunks WHERE document_id = ?",
      document);
}

// True when there was one.
Result<bool> remove_document(Connection& db, std::string_view name) {
  LATHE_TRY(const auto id, db.query_integer("SELECT id FROM documents WHERE name = ?", name));
  if (!id) return false;
  LATHE_CHECK(unindex_chunks(db, *id));
  LATHE_CHECK(db.run("DELETE FROM chunks WHERE document_id = ?", *id));
  LATHE_CHECK(db.run("DELETE FROM documents WHERE id = ?", *id));
  return true;
}

Status insert_document(Connection& db, const Document& document, const ChunkOptions& chunking) {
  LATHE_TRY(const std::vector<Chunk> chunks, chunk_text(document.text, document.title, chunking));
  if (chunks.empty()) {
    return Error::bad_input("the document has no text").at(document.name);
  }
  LATHE_CHECK(db.run("INSERT INTO documents(name, title, text) VALUES(?, ?, ?)", document.name,
                     document.title, document.text));
  const std::int64_t id = db.last_insert_id();
  LATHE_TRY(Statement insert,
            db.prepare("INSERT INTO chunks(document_id, position, title, text) VALUES(?,?,?,?)"));
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    LATHE_CHECK(insert.bind(id, i, chunks[i].title, chunks[i].text));
    LATHE_CHECK(insert.step());
  }
  return index_chunks(db, id);
}

Status check_documents(std::span<const Document> documents) {
  std::unordered_set<std::string_view> names;
  for (const Document& document : documents) {
    LATHE_CHECK(check_document(document));
    if (!names.insert(document.name).second) {
      return Error::bad_input("two documents have this name").at(document.name);
    }
  }
  return {};
}

Error unknown_document(std::string_view name) {
  return Error::not_found(fmt::format("no document '{}'", name.substr(0, 512)))
      .fix_with("`lathe knowledge ls` lists what there is");
}

// At most k chunks that match, best first. A match in a title counts double: it says what the whole
// chunk is about.
Result<std::vector<Hit>> match(Connection& db, const std::string& query, std::size_t k) {
  LATHE_TRY(Statement rows,
            db.query("SELECT documents.name, chunks.title, chunks.position, chunks.text, "
                     "-bm25(chunk_index, 2.0, 1.0) AS score "
                     "FROM chunk_index JOIN chunks ON chunks.id = chunk_index.rowid "
                     "JOIN documents ON documents.id = chunks.document_id "
                     "WHERE chunk_index MATCH ? "
                     "ORDER BY score DESC, documents.name, chunks.position LIMIT ?",
                     query, k));
  std::vector<Hit> hits;
  while (true) {
    LATHE_TRY(const bool row, rows.step());
    if (!row) return hits;
    hits.push_back({rows.text(0), rows.text(1), rows.integer(2), rows.text(3), rows.real(4)});
  }
}

// Appends those of more that are not in hits yet, up to k in all.
void append_new(std::vector<Hit>& hits, std::vector<Hit> more, std::size_t k) {
  const std::size_t known = hits.size();
  for (Hit& hit : more) {
    if (hits.size() == k) return;
    const auto end = hits.begin() + static_cast<std::ptrdiff_t>(known);
    const bool is_known = std::any_of(hits.begin(), end, [&](const Hit& other) {
      return other.document == hit.document && other.chunk == hit.chunk;
    });
    if (!is_known) hits.push_back(std::move(hit));
  }
}

}  // namespace

Result<KnowledgeBase> KnowledgeBase::create(const os::Path& file, const ChunkOptions& chunking) {
  LATHE_CHECK(chunk_text("", "", chunking));  // refuses options out of range
  std::error_code code;
  if (std::filesystem::exists(file, code)) {
    return Error::already_exists("there is a file already")
        .at(file.string())
        .fix_with("choose another name, or remove that one");
  }
  LATHE_TRY(Connection db, database::open_database(file, {}, kSchema));
  LATHE_CHECK(db.run("UPDATE settings SET words = ?, overlap_words = ?", chunking.words,
                     chunking.overlap_words));
  return KnowledgeBase(std::make_shared<State>(std::move(db), chunking));
}

Result<KnowledgeBase> KnowledgeBase::open(const os::Path& file) {
  Connection::Options options;
  options.mode = Connection::Mode::must_exist;
  LATHE_TRY(Connection db, database::open_database(file, options, kSchema));
  LATHE_TRY(const ChunkOptions chunking, read_chunking(db));
  return KnowledgeBase(std::make_shared<State>(std::move(db), chunking));
}

Status KnowledgeBase::add_documents(std::span<const Document> documents) {
  LATHE_CHECK(check_documents(documents));
  const std::lock_guard lock(state_->mutex);
  Connection& db = state_->db;
  LATHE_TRY(Transaction transaction, Transaction::begin(db));
  for (const Document& document : documents) {
    LATHE_CHECK(remove_document(db, document.name));
    LATHE_CHECK(insert_document(db, document, state_->chunking));
  }
  return transaction.commit();
}

Status KnowledgeBase::remove(std::string_view name) {
  const std::lock_guard lock(state_->mutex);
  LATHE_TRY(Transaction transaction, Transaction::begin(state_->db));
  LATHE_TRY(const bool found, remove_document(state_->db, name));
  if (!found) return unknown_document(name);
  return transaction.commit();
}

Result<Document> KnowledgeBase::document(std::string_view name) {
  const std::lock_guard lock(state_->mutex);
  LATHE_TRY(Statement rows,
            state_->db.query("SELECT name, title, text FROM documents WHERE name = ?", name));
  LATHE_TRY(const bool found, rows.step());
  if (!found) return unknown_document(name);
  return Document{rows.text(0), rows.text(1), rows.text(2)};
}

Result<std::vector<DocumentInfo>> KnowledgeBase::list() {
  const std::lock_guard lock(state_->mutex);
  LATHE_TRY(Statement rows,
            state_->db.query("SELECT name, title, length(CAST(text AS BLOB)), "
                             "(SELECT count(*) FROM chunks WHERE document_id = documents.id) "
                             "FROM documents ORDER BY name"));
  std::vector<DocumentInfo> documents;
  while (true) {
    LATHE_TRY(const bool row, rows.step());
    if (!row) return documents;
    documents.push_back({rows.text(0), rows.text(1), rows.integer(2), rows.integer(3)});
  }
}

Result<std::vector<Hit>> KnowledgeBase::search(std::string_view query, std::size_t k) {
  LATHE_TRY(const std::vector<std::string> terms, query_terms(query));
  if (terms.empty() || k == 0) return std::vector<Hit>();
  constexpr auto most = static_cast<std::size_t>(std::numeric_limits<std::int64_t>::max());
  k = std::min(k, most);
  const std::lock_guard lock(state_->mutex);
  LATHE_TRY(const Transaction view, Transaction::begin(state_->db, Transaction::Kind::read));
  LATHE_TRY(std::vector<Hit> hits, match(state_->db, fts_query(terms, Match::all), k));
  if (hits.size() == k || terms.size() == 1) return hits;
  LATHE_TRY(std::vector<Hit> more, match(state_->db, fts_query(terms, Match::any), k));
  append_new(hits, std::move(more), k);
  return hits;
}

const ChunkOptions& KnowledgeBase::chunking() const { return state_->chunking; }

Status KnowledgeBase::check_integrity() {
  const std::lock_guard lock(state_->mutex);
  LATHE_CHECK(state_->db.check_integrity());
  return state_->db.run("INSERT INTO chunk_index(chunk_index, rank) VALUES('integrity-check', 1)");
}

}  // namespace lathe::retrieval
