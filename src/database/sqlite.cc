#include "database/sqlite.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <limits>
#include <thread>
#include <utility>

namespace lathe::database {

// What a connection and its statements share. Closed when the last of them goes.
struct Statement::Handle {
  ~Handle() { sqlite3_close(db); }
  sqlite3* db = nullptr;
  os::Path path;
  std::chrono::milliseconds patience{0};
};

namespace {

Error describe(int code, const std::string& message) {
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Error::unavailable("the database is in use by another process")
          .fix_with("try again when that process is done");
    case SQLITE_CORRUPT:
      return Error::bad_input("the database is damaged: " + message)
          .fix_with("put a backup in its place, or move the file away to start anew");
    case SQLITE_NOTADB:
      return Error::bad_input("this file is not a SQLite database")
          .fix_with("check the path, or move the file away to start anew");
    case SQLITE_FULL:
      return Error::io("cannot write the database: the disk is full")
          .fix_with("free some disk space and run it again");
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return Error::io("cannot write the database: " + message)
          .fix_with("check the permissions of the file and of its folder");
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
      return Error::io("cannot use the database: " + message)
          .fix_with("check the disk and the permissions of the folder");
    case SQLITE_TOOBIG:
      return Error::limit("a value is too large for the database");
    default:
      break;
  }
  if (code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY) {
    return Error::already_exists("the value is taken: " + message);
  }
  if ((code & 0xff) == SQLITE_CONSTRAINT) {
    return Error::bad_input("the database refuses the value: " + message);
  }
  return Error::internal(fmt::format("SQLite error {}: {}", code, message));
}

Error error_of(sqlite3* db, const os::Path& path) {
  const int code = sqlite3_extended_errcode(db);
  Error error = describe(code, sqlite3_errmsg(db));
  return path.empty() ? error : std::move(error).at(path.string());
}

}  // namespace

void Statement::Finalizer::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);  // its code repeats the last step's error, already reported
}

Status Statement::start_binding(std::size_t count) {
  sqlite3_reset(statement_.get());
  LATHE_ASSERT(static_cast<std::size_t>(sqlite3_bind_parameter_count(statement_.get())) == count);
  return {};
}

Status Statement::bind_integer(int index, std::int64_t value) {
  if (sqlite3_bind_int64(statement_.get(), index, value) == SQLITE_OK) return {};
  return error_of(handle_->db, handle_->path);
}

Status Statement::bind_real(int index, double value) {
  if (sqlite3_bind_double(statement_.get(), index, value) == SQLITE_OK) return {};
  return error_of(handle_->db, handle_->path);
}

Status Statement::bind_text(int index, std::string_view value) {
  const char* data = value.data() == nullptr ? "" : value.data();  // a null pointer would bind NULL
  const int code = sqlite3_bind_text64(statement_.get(), index, data, value.size(),
                                       SQLITE_TRANSIENT, SQLITE_UTF8);
  if (code == SQLITE_OK) return {};
  return error_of(handle_->db, handle_->path);
}

Status Statement::bind_null(int index) {
  if (sqlite3_bind_null(statement_.get(), index) == SQLITE_OK) return {};
  return error_of(handle_->db, handle_->path);
}

Result<bool> Statement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  Error error = error_of(handle_->db, handle_->path);
  sqlite3_reset(statement_.get());  // lets go of its locks
  return error;
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

double Statement::real(int column) const { return sqlite3_column_double(statement_.get(), column); }

std::string Statement::text(int column) const {
  const unsigned char* data = sqlite3_column_text(statement_.get(), column);
  if (data == nullptr) return {};
  const int size = sqlite3_column_bytes(statement_.get(), column);
  return std::string(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

Result<Connection> Connection::open(const os::Path& path, Options options) {
  std::error_code code;
  if (options.mode == Mode::must_exist && !std::filesystem::exists(path, code)) {
    return Error::not_found("no such database").at(path.string());
  }
  auto handle = std::make_shared<Statement::Handle>();
  handle->path = path;
  const int create = options.mode == Mode::create ? SQLITE_OPEN_CREATE : 0;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | create;
  if (sqlite3_open_v2(path.c_str(), &handle->db, flags, nullptr) != SQLITE_OK) {
    return error_of(handle->db, path);
  }
  sqlite3_busy_timeout(handle->db, static_cast<int>(options.busy_timeout.count()));
  handle->patience = options.busy_timeout;
  Connection connection(std::move(handle));
  LATHE_CHECK(connection.configure());
  return connection;
}

Result<Connection> Connection::open_in_memory() {
  auto handle = std::make_shared<Statement::Handle>();
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
                    SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_MEMORY;
  if (sqlite3_open_v2(":memory:", &handle->db, flags, nullptr) != SQLITE_OK) {
    return error_of(handle->db, {});
  }
  Connection connection(std::move(handle));
  LATHE_CHECK(connection.configure());
  return connection;
}

// A commit is on the disk when it returns; the file's own SQL (views, triggers) may call nothing
// with side effects, since the file may come from elsewhere.
Status Connection::configure() {
  sqlite3_db_config(handle_->db, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle_->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  LATHE_CHECK(run("PRAGMA foreign_keys = ON"));
  return run("PRAGMA synchronous = FULL");
}

// SQLite gives up at once instead of waiting when two processes change the mode together; so the
// wait is here.
Status Connection::use_write_ahead_log() {
  const auto deadline = std::chrono::steady_clock::now() + handle_->patience;
  while (true) {
    Status status = run("PRAGMA journal_mode = WAL");
    if (status.ok() || status.error().kind != ErrorKind::unavailable) return status;
    if (std::chrono::steady_clock::now() >= deadline) return status;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

Result<Statement> Connection::prepare(std::string_view sql) {
  LATHE_ASSERT(sql.size() < static_cast<std::size_t>(std::numeric_limits<int>::max()));
  sqlite3_stmt* statement = nullptr;
  const int code = sqlite3_prepare_v2(handle_->db, sql.data(), static_cast<int>(sql.size()),
                                      &statement, nullptr);
  if (code != SQLITE_OK) return error_of(handle_->db, handle_->path);
  LATHE_ASSERT(statement != nullptr);
  return Statement(handle_, statement);
}

Status Connection::finish(Statement& statement) {
  while (true) {
    LATHE_TRY(const bool row, statement.step());
    if (!row) return {};
  }
}

Status Connection::run_script(std::string_view sql) {
  const std::string text(sql);
  if (sqlite3_exec(handle_->db, text.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return error_of(handle_->db, handle_->path);
}

std::int64_t Connection::last_insert_id() const { return sqlite3_last_insert_rowid(handle_->db); }

std::int64_t Connection::changes() const { return sqlite3_changes64(handle_->db); }

const os::Path& Connection::path() const { return handle_->path; }

Status Connection::check_integrity() {
  LATHE_TRY(Statement check, query("PRAGMA integrity_check(1)"));
  LATHE_TRY(const bool found, check.step());
  const std::string verdict = found ? check.text(0) : "no verdict";
  if (verdict != "ok") {
    Error error = describe(SQLITE_CORRUPT, verdict);
    return path().empty() ? error : std::move(error).at(path().string());
  }
  LATHE_TRY(Statement keys, query("PRAGMA foreign_key_check"));
  LATHE_TRY(const bool dangling, keys.step());
  if (!dangling) return {};
  return describe(SQLITE_CORRUPT, "a row of " + keys.text(0) + " points to nothing")
      .at(path().string());
}

Result<Transaction> Transaction::begin(Connection& connection, Kind kind) {
  LATHE_CHECK(connection.run(kind == Kind::write ? "BEGIN IMMEDIATE" : "BEGIN"));
  return Transaction(connection);
}

Transaction::~Transaction() {
  if (connection_ == nullptr) return;
  // Fails only when SQLite has already rolled back by itself (disk full, i/o error).
  (void)connection_->run("ROLLBACK");
}

Status Transaction::commit() {
  LATHE_ASSERT(connection_ != nullptr);
  LATHE_CHECK(connection_->run("COMMIT"));  // on an error the destructor rolls back
  connection_ = nullptr;
  return {};
}

}  // namespace lathe::database
