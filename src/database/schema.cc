#include "database/schema.h"

#include <fmt/format.h>

namespace lathe::database {
namespace {

struct Stamp {
  std::int64_t application_id = 0;
  std::int64_t version = 0;
  bool empty = false;  // no table yet
};

// Within a transaction: between single reads another process may create the tables, and the file
// would look like someone else's.
Result<Stamp> read_stamp(Connection& connection) {
  Stamp stamp;
  LATHE_TRY(const auto id, connection.query_integer("PRAGMA application_id"));
  LATHE_TRY(const auto version, connection.query_integer("PRAGMA user_version"));
  LATHE_TRY(const auto tables, connection.query_integer("SELECT count(*) FROM sqlite_schema"));
  stamp.application_id = id.value_or(0);
  stamp.version = version.value_or(0);
  stamp.empty = tables.value_or(0) == 0;
  return stamp;
}

Result<Stamp> read_stamp_at_once(Connection& connection) {
  LATHE_TRY(Transaction transaction, Transaction::begin(connection, Transaction::Kind::read));
  return read_stamp(connection);
}

std::string place(const Connection& connection) {
  return connection.path().empty() ? "database in memory" : connection.path().string();
}

Status check_stamp(const Connection& connection, const Stamp& stamp, const Schema& schema) {
  const bool fresh = stamp.application_id == 0 && stamp.version == 0 && stamp.empty;
  if (!fresh && stamp.application_id != schema.application_id) {
    return Error::bad_input(fmt::format("this database is not a Lathe {}", schema.kind))
        .at(place(connection))
        .fix_with("check the path");
  }
  const auto newest = static_cast<std::int64_t>(schema.migrations.size());
  if (stamp.version < 0 || stamp.version > newest) {
    return Error::unsupported(
               fmt::format("the {} has schema version {}, and this build knows versions up to {}",
                           schema.kind, stamp.version, newest))
        .at(place(connection))
        .fix_with("use the Lathe that wrote it, or a newer one");
  }
  return {};
}

}  // namespace

Result<Connection> open_database(const os::Path& path, Connection::Options options,
                                 const Schema& schema) {
  LATHE_TRY(Connection connection, Connection::open(path, options));
  LATHE_TRY(const Stamp stamp, read_stamp_at_once(connection));
  LATHE_CHECK(check_stamp(connection, stamp, schema));
  LATHE_CHECK(connection.use_write_ahead_log());
  LATHE_CHECK(migrate(connection, schema));
  return connection;
}

Status migrate(Connection& connection, const Schema& schema) {
  const auto newest = static_cast<std::int64_t>(schema.migrations.size());
  LATHE_TRY(const Stamp before, read_stamp_at_once(connection));
  LATHE_CHECK(check_stamp(connection, before, schema));
  if (before.version == newest) return {};

  LATHE_TRY(Transaction transaction, Transaction::begin(connection));
  LATHE_TRY(const Stamp now, read_stamp(connection));  // another process may have been first
  LATHE_CHECK(check_stamp(connection, now, schema));
  for (std::int64_t i = now.version; i < newest; ++i) {
    Status status = connection.run_script(schema.migrations[static_cast<std::size_t>(i)]);
    LATHE_CHECK(std::move(status).at(fmt::format("schema version {}", i + 1)));
  }
  // A PRAGMA takes no bound parameter; both numbers are our own.
  LATHE_CHECK(connection.run(fmt::format("PRAGMA application_id = {}", schema.application_id)));
  LATHE_CHECK(connection.run(fmt::format("PRAGMA user_version = {}", newest)));
  return transaction.commit();
}

}  // namespace lathe::database
