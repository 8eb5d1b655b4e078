#include "retrieval/keyword_index.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <mutex>

#include "database/sqlite.h"
#include "retrieval/query.h"

namespace lathe::retrieval {

using database::Connection;
using database::Statement;
using database::Transaction;

struct KeywordIndex::State {
  explicit State(Connection connection) : db(std::move(connection)) {}
  std::mutex mutex;  // guards db
  Connection db;
};

Result<KeywordIndex> KeywordIndex::build(std::span<const std::string> texts) {
  LATHE_TRY(Connection db, Connection::open_in_memory());
  // Without content of its own: the texts stay with the caller.
  LATHE_CHECK(
      db.run(fmt::format("CREATE VIRTUAL TABLE texts USING fts5(text, content = '', "
                         "tokenize = '{}')",
                         kFtsTokenizer)));
  {
    LATHE_TRY(Transaction transaction, Transaction::begin(db));
    LATHE_TRY(Statement insert, db.prepare("INSERT INTO texts(rowid, text) VALUES(?, ?)"));
    for (std::size_t i = 0; i < texts.size(); ++i) {
      LATHE_CHECK(insert.bind(i, texts[i]));
      LATHE_CHECK(insert.step());
    }
    LATHE_CHECK(transaction.commit());
  }
  return KeywordIndex(std::make_shared<State>(std::move(db)));
}

Result<std::vector<KeywordIndex::Hit>> KeywordIndex::search(std::string_view query,
                                                            std::size_t k) const {
  LATHE_TRY(const std::vector<std::string> terms, query_terms(query));
  std::vector<Hit> hits;
  if (terms.empty() || k == 0) return hits;
  constexpr auto most = static_cast<std::size_t>(std::numeric_limits<std::int64_t>::max());
  const std::lock_guard lock(state_->mutex);
  // bm25() is smaller for better matches.
  LATHE_TRY(Statement rows,
            state_->db.query("SELECT rowid, -bm25(texts) AS score FROM texts WHERE texts MATCH ? "
                             "ORDER BY score DESC, rowid LIMIT ?",
                             fts_query(terms, Match::any), std::min(k, most)));
  while (true) {
    LATHE_TRY(const bool row, rows.step());
    if (!row) return hits;
    hits.push_back({static_cast<std::size_t>(rows.integer(0)), rows.real(1)});
  }
}

}  // namespace lathe::retrieval
