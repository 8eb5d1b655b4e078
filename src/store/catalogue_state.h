// The inside of store/catalogue.h, shared by its sources: the connection and the look-ups that
// several calls need. The look-ups take no lock and open no transaction: their callers hold both.
#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "database/schema.h"
#include "database/sqlite.h"
#include "store/catalogue.h"

namespace lathe::store {

extern const database::Schema kCatalogueSchema;

struct Catalogue::State {
  State(database::Connection connection, const Options& chosen)
      : db(std::move(connection)), options(chosen) {}

  std::int64_t now() const {
    return options.clock != nullptr ? options.clock->unix_seconds() : system_clock.unix_seconds();
  }
  // The stamp to store: the given one, or now.
  std::int64_t stamp(std::int64_t given) const { return given != 0 ? given : now(); }

  std::mutex mutex;  // guards db
  database::Connection db;
  Options options;
  os::SystemClock system_clock;
};

// Nothing when there is no such row.
Result<std::optional<ModelRecord>> find_model(database::Connection& db, std::string_view name);
Result<std::optional<AdaptationRecord>> find_adaptation(database::Connection& db,
                                                        std::string_view name);
Result<std::optional<DeploymentRecord>> find_deployment(database::Connection& db,
                                                        std::string_view name);
Result<std::optional<VersionRecord>> find_version(database::Connection& db,
                                                  std::string_view deployment,
                                                  std::int64_t version);

// The first column of every row, as text.
template <class... Args>
Result<std::vector<std::string>> texts(database::Connection& db, std::string_view sql,
                                       const Args&... args) {
  LATHE_TRY(database::Statement rows, db.query(sql, args...));
  std::vector<std::string> found;
  while (true) {
    LATHE_TRY(const bool row, rows.step());
    if (!row) return found;
    found.push_back(rows.text(0));
  }
}

// Every row, each made a record by read(statement).
template <class Record, class Read, class... Args>
Result<std::vector<Record>> records(database::Connection& db, Read read, std::string_view sql,
                                    const Args&... args) {
  LATHE_TRY(database::Statement rows, db.query(sql, args...));
  std::vector<Record> found;
  while (true) {
    LATHE_TRY(const bool row, rows.step());
    if (!row) return found;
    LATHE_TRY(Record record, read(rows));
    found.push_back(std::move(record));
  }
}

// The first row as a record, or nothing.
template <class Record, class Read, class... Args>
Result<std::optional<Record>> first_record(database::Connection& db, Read read,
                                           std::string_view sql, const Args&... args) {
  LATHE_TRY(database::Statement rows, db.query(sql, args...));
  LATHE_TRY(const bool row, rows.step());
  if (!row) return std::optional<Record>();
  LATHE_TRY(Record record, read(rows));
  return std::optional<Record>(std::move(record));
}

// not_found, with near names (or why these could not be read).
Error unknown_model(database::Connection& db, std::string_view name);
Error unknown_adaptation(database::Connection& db, std::string_view name);
Error unknown_deployment(database::Connection& db, std::string_view name);

Result<ResolvedReference> resolve_reference(database::Connection& db, const Reference& reference);

}  // namespace lathe::store
