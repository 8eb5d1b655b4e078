// What the catalogue keeps of comparisons.
#include "store/catalogue_state.h"

namespace lathe::store {
namespace {

using database::Statement;
using database::Transaction;

#define LATHE_COMPARISON_COLUMNS \
  "model, repository, data, data_hash, rows, way, accuracy, low, high, created"

Result<ComparisonRecord> read_comparison(const Statement& row) {
  ComparisonRecord comparison;
  comparison.id = row.integer(0);
  comparison.model = row.text(1);
  comparison.repository = row.text(2);
  comparison.data = row.text(3);
  comparison.data_hash = row.text(4);
  comparison.rows = row.integer(5);
  comparison.way = row.text(6);
  comparison.accuracy = row.real(7);
  comparison.low = row.real(8);
  comparison.high = row.real(9);
  comparison.created = row.integer(10);
  return comparison;
}

}  // namespace

Status Catalogue::record_comparison(const ComparisonRecord& comparison) {
  const std::lock_guard lock(state_->mutex);
  database::Connection& db = state_->db;
  LATHE_TRY(Transaction transaction, Transaction::begin(db));
  LATHE_TRY(const auto model, find_model(db, comparison.model));
  if (!model) return unknown_model(db, comparison.model);
  LATHE_CHECK(db.run("INSERT INTO comparisons(" LATHE_COMPARISON_COLUMNS
                     ") VALUES(?,?,?,?,?,?,?,?,?,?)",
                     comparison.model, comparison.repository, comparison.data, comparison.data_hash,
                     comparison.rows, comparison.way, comparison.accuracy, comparison.low,
                     comparison.high, state_->stamp(comparison.created)));
  return transaction.commit();
}

Result<std::vector<ComparisonRecord>> Catalogue::comparisons() {
  const std::lock_guard lock(state_->mutex);
  return records<ComparisonRecord>(state_->db, read_comparison,
                                   "SELECT id, " LATHE_COMPARISON_COLUMNS
                                   " FROM comparisons ORDER BY id DESC");
}

}  // namespace lathe::store
