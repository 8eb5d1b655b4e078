// SQLite with errors as values: connections, prepared statements and transactions, the one way that
// Lathe speaks to its database files. SQL text is always ours; every value from outside is bound.
//
//   LATHE_TRY(auto db, Connection::open(path, {}));
//   LATHE_TRY(auto tx, Transaction::begin(db));
//   LATHE_CHECK(db.run("INSERT INTO cities(name, people) VALUES(?, ?)", name, people));
//   LATHE_CHECK(tx.commit());
//
// Foreign keys are on, a commit is on the disk when it returns, a second writer waits up to
// Options::busy_timeout, and a process killed at any moment leaves the state of the last commit.
// Lathe's own files are opened by open_database() of database/schema.h, in write-ahead-log mode:
// several processes may then read while one writes.
//
// Thread-safety: a connection and its statements belong to one thread at a time.
// Errors: not_found (no such file), bad_input (not a database, damaged), already_exists (a unique
// value is taken), unavailable (another process kept it locked), io (disk full, permissions), each
// with the file's path as its place.
// Source: https://www.sqlite.org/c3ref/intro.html
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/result.h"
#include "os/file.h"

struct sqlite3;
struct sqlite3_stmt;

namespace lathe::database {

class Connection;

// One prepared statement. Move-only; it keeps its connection open.
class Statement {
 public:
  // Binds the parameters from the first on, as many as the statement has: integers, floats, bool,
  // strings, std::optional of these (nothing is NULL). Also resets the statement, so that it can
  // run again.
  template <class... Args>
  Status bind(const Args&... args) {
    LATHE_CHECK(start_binding(sizeof...(args)));
    int index = 0;
    Status status;
    ((status.ok() ? void(status = bind_value(++index, args)) : void()), ...);
    return status;
  }

  // Advances to the next row: true when there is one, false at the end.
  Result<bool> step();

  // Columns of the current row, from 0. A NULL reads as 0, 0.0 or "".
  // REQUIRES: the last step() gave true.
  std::int64_t integer(int column) const;
  double real(int column) const;
  std::string text(int column) const;
  bool is_null(int column) const;

 private:
  friend class Connection;
  struct Handle;
  struct Finalizer {
    void operator()(sqlite3_stmt* statement) const;
  };
  Statement(std::shared_ptr<Handle> handle, sqlite3_stmt* statement)
      : handle_(std::move(handle)), statement_(statement) {}

  Status start_binding(std::size_t count);
  Status bind_integer(int index, std::int64_t value);
  Status bind_real(int index, double value);
  Status bind_text(int index, std::string_view value);
  Status bind_null(int index);

  template <class T>
  Status bind_value(int index, const T& value) {
    if constexpr (std::is_integral_v<T>) {
      return bind_integer(index, static_cast<std::int64_t>(value));
    } else if constexpr (std::is_floating_point_v<T>) {
      return bind_real(index, static_cast<double>(value));
    } else {
      return bind_text(index, std::string_view(value));
    }
  }
  template <class T>
  Status bind_value(int index, const std::optional<T>& value) {
    return value.has_value() ? bind_value(index, *value) : bind_null(index);
  }

  std::shared_ptr<Handle> handle_;  // outlives statement_
  std::unique_ptr<sqlite3_stmt, Finalizer> statement_;
};

class Connection {
 public:
  enum class Mode { must_exist, create };
  struct Options {
    Mode mode = Mode::create;
    std::chrono::milliseconds busy_timeout{10'000};
  };

  static Result<Connection> open(const os::Path& path, Options options);
  // A private database that lives as long as the connection.
  static Result<Connection> open_in_memory();

  // Changes the file to write-ahead-log mode, for good; does nothing when it is in it. (A file
  // system that cannot share memory between processes stays with a rollback journal, which works.)
  Status use_write_ahead_log();

  // One statement of SQL.
  Result<Statement> prepare(std::string_view sql);

  // Prepares, binds and runs one statement to its end; rows it gives are not looked at.
  template <class... Args>
  Status run(std::string_view sql, const Args&... args) {
    LATHE_TRY(Statement statement, query(sql, args...));
    return finish(statement);
  }

  // Prepares and binds a statement whose rows are wanted.
  template <class... Args>
  Result<Statement> query(std::string_view sql, const Args&... args) {
    LATHE_TRY(Statement statement, prepare(sql));
    LATHE_CHECK(statement.bind(args...));
    return statement;
  }

  // Several statements without parameters, for schemas.
  Status run_script(std::string_view sql);

  // The integer in the first column of the first row; nothing when there is no row.
  template <class... Args>
  Result<std::optional<std::int64_t>> query_integer(std::string_view sql, const Args&... args) {
    LATHE_TRY(Statement statement, query(sql, args...));
    LATHE_TRY(const bool found, statement.step());
    if (!found) return std::optional<std::int64_t>{};
    return std::optional<std::int64_t>(statement.integer(0));
  }

  std::int64_t last_insert_id() const;
  // Rows that the last INSERT, UPDATE or DELETE changed.
  std::int64_t changes() const;
  // The file; empty for a database in memory.
  const os::Path& path() const;

  // Reads the whole file and compares indexes with tables; bad_input names the first damage found.
  // Slow on large files: for `doctor`, not for each start.
  Status check_integrity();

 private:
  explicit Connection(std::shared_ptr<Statement::Handle> handle) : handle_(std::move(handle)) {}
  static Status finish(Statement& statement);
  Status configure();

  std::shared_ptr<Statement::Handle> handle_;
};

// Rolls back when it goes without commit(). Move-only. REQUIRES: the connection outlives it, and
// transactions of one connection do not nest.
class Transaction {
 public:
  // A writing transaction takes the write lock at once (waiting for its turn), so that what it
  // reads cannot change before it writes; a reading one sees one state throughout.
  enum class Kind { write, read };
  static Result<Transaction> begin(Connection& connection, Kind kind = Kind::write);

  Transaction(Transaction&& other) noexcept
      : connection_(std::exchange(other.connection_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();

  Status commit();

 private:
  explicit Transaction(Connection& connection) : connection_(&connection) {}
  Connection* connection_;
};

}  // namespace lathe::database
