#include "database/sqlite.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>

#include "database/schema.h"

namespace lathe::database {
namespace {

constexpr std::string_view kMigrations[] = {
    "CREATE TABLE cities(name TEXT PRIMARY KEY, people INTEGER NOT NULL);",
    "ALTER TABLE cities ADD COLUMN country TEXT NOT NULL DEFAULT '';",
};
constexpr Schema kSchema{"atlas", 0x4c546174, kMigrations};
constexpr Schema kOldSchema{"atlas", 0x4c546174, std::span(kMigrations, 1)};

class SqliteTest : public testing::Test {
 protected:
  os::TemporaryDirectory scratch_ = os::TemporaryDirectory::make().value();
  os::Path path_ = scratch_.path() / "atlas.db";

  Result<Connection> open(std::chrono::milliseconds patience = std::chrono::seconds(10)) {
    return open_database(path_, {Connection::Mode::create, patience}, kSchema);
  }
  bool open_and_insert(const std::string& name) {
    auto db = open();
    if (!db.ok()) fprintf(stderr, "%s\n", db.error().message().c_str());
    return db.ok() && db->run("INSERT INTO cities(name, people) VALUES(?, 1)", name).ok();
  }
  static std::int64_t count(Connection& db) {
    return db.query_integer("SELECT count(*) FROM cities").value().value();
  }
};

TEST_F(SqliteTest, BindsEveryKindOfValueAndReadsItBack) {
  Connection db = Connection::open_in_memory().value();
  ASSERT_TRUE(db.run_script("CREATE TABLE t(a, b, c, d, e)").ok());
  const std::string nul("x\0y", 3);
  ASSERT_TRUE(db.run("INSERT INTO t VALUES(?,?,?,?,?)", std::int64_t{1} << 62, 0.5, nul,
                     std::optional<int>{}, std::string_view{})
                  .ok());
  Statement rows = db.query("SELECT a, b, c, d, e FROM t").value();
  ASSERT_TRUE(rows.step().value());
  EXPECT_EQ(rows.integer(0), std::int64_t{1} << 62);
  EXPECT_EQ(rows.real(1), 0.5);
  EXPECT_EQ(rows.text(2), nul);
  EXPECT_TRUE(rows.is_null(3));
  EXPECT_FALSE(rows.is_null(4));  // an empty text is not NULL
  EXPECT_FALSE(rows.step().value());
}

TEST_F(SqliteTest, ValuesAreNeverSql) {
  Connection db = open().value();
  const std::string name = "'); DROP TABLE cities; --";
  ASSERT_TRUE(db.run("INSERT INTO cities(name, people) VALUES(?, ?)", name, 1).ok());
  EXPECT_EQ(db.query_integer("SELECT people FROM cities WHERE name = ?", name).value(), 1);
}

TEST_F(SqliteTest, WrongSqlIsAnErrorValue) {
  Connection db = open().value();
  EXPECT_FALSE(db.prepare("SELEKT 1").ok());
  EXPECT_FALSE(db.run("INSERT INTO nowhere VALUES(1)").ok());
}

TEST_F(SqliteTest, TakenUniqueValueIsAlreadyExists) {
  Connection db = open().value();
  ASSERT_TRUE(db.run("INSERT INTO cities(name, people) VALUES('Ghent', 1)").ok());
  const Status again = db.run("INSERT INTO cities(name, people) VALUES('Ghent', 2)");
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().kind, ErrorKind::already_exists);
}

TEST_F(SqliteTest, TransactionWithoutCommitLeavesNothing) {
  Connection db = open().value();
  {
    Transaction transaction = Transaction::begin(db).value();
    ASSERT_TRUE(db.run("INSERT INTO cities(name, people) VALUES('Ghent', 1)").ok());
    EXPECT_EQ(count(db), 1);
  }
  EXPECT_EQ(count(db), 0);
}

TEST_F(SqliteTest, SecondWriterIsToldToTryAgain) {
  Connection first = open().value();
  Connection second = open(std::chrono::milliseconds(20)).value();
  Transaction transaction = Transaction::begin(first).value();
  const auto refused = Transaction::begin(second);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().kind, ErrorKind::unavailable);
  EXPECT_EQ(count(second), 0);  // readers go on
}

TEST_F(SqliteTest, MissingFileIsNotFoundAndNotCreated) {
  const auto db = Connection::open(path_, {Connection::Mode::must_exist, {}});
  ASSERT_FALSE(db.ok());
  EXPECT_EQ(db.error().kind, ErrorKind::not_found);
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(SqliteTest, FolderInPlaceOfTheFileIsAnIoError) {
  const auto db = open_database(scratch_.path(), {}, kSchema);
  ASSERT_FALSE(db.ok());
  EXPECT_EQ(db.error().kind, ErrorKind::io);
}

TEST_F(SqliteTest, FileOfOtherBytesIsRefusedAndLeftAlone) {
  const std::string bytes(8192, 'x');
  ASSERT_TRUE(os::write_file_atomically(path_, bytes).ok());
  const auto db = open();
  ASSERT_FALSE(db.ok());
  EXPECT_EQ(db.error().kind, ErrorKind::bad_input);
  EXPECT_NE(db.error().message().find(path_.string()), std::string::npos);
  EXPECT_EQ(os::read_file(path_).value(), bytes);
}

TEST_F(SqliteTest, DamageInsideTheFileIsFound) {
  {
    Connection db = open().value();
    Transaction transaction = Transaction::begin(db).value();
    for (int i = 0; i < 2000; ++i) {
      ASSERT_TRUE(db.run("INSERT INTO cities(name, people) VALUES(?, ?)",
                         "a city with a long name " + std::to_string(i), i)
                      .ok());
    }
    ASSERT_TRUE(transaction.commit().ok());
  }
  std::string bytes = os::read_file(path_).value();
  ASSERT_GT(bytes.size(), 60000u);
  bytes.replace(20000, 30000, 30000, '\x5a');
  ASSERT_TRUE(os::write_file_atomically(path_, bytes).ok());
  Connection db = open().value();
  const Status verdict = db.check_integrity();
  ASSERT_FALSE(verdict.ok());
  EXPECT_EQ(verdict.error().kind, ErrorKind::bad_input);
}

TEST_F(SqliteTest, HealthyFilePassesTheCheck) {
  Connection db = open().value();
  EXPECT_TRUE(db.check_integrity().ok());
}

TEST_F(SqliteTest, OldFileIsBroughtUpToDateWithItsRows) {
  {
    Connection db = open_database(path_, {}, kOldSchema).value();
    ASSERT_TRUE(db.run("INSERT INTO cities(name, people) VALUES('Ghent', 1)").ok());
  }
  Connection db = open().value();
  EXPECT_EQ(db.query_integer("SELECT count(*) FROM cities WHERE country = ''").value(), 1);
}

TEST_F(SqliteTest, FileOfANewerLatheIsRefused) {
  ASSERT_TRUE(open().ok());
  const auto db = open_database(path_, {}, kOldSchema);
  ASSERT_FALSE(db.ok());
  EXPECT_EQ(db.error().kind, ErrorKind::unsupported);
}

TEST_F(SqliteTest, DatabaseOfAnotherKindIsRefusedUnchanged) {
  {
    Connection other = Connection::open(path_, {}).value();
    ASSERT_TRUE(other.run_script("CREATE TABLE someone_elses(a)").ok());
  }
  const std::string before = os::read_file(path_).value();
  const auto db = open();
  ASSERT_FALSE(db.ok());
  EXPECT_EQ(db.error().kind, ErrorKind::bad_input);
  EXPECT_EQ(os::read_file(path_).value(), before);
}

TEST_F(SqliteTest, FailedMigrationLeavesTheOldVersion) {
  ASSERT_TRUE(open().ok());
  constexpr std::string_view broken[] = {kMigrations[0], kMigrations[1],
                                         "CREATE TABLE more(a); CREATE TABLE cities(b);"};
  EXPECT_FALSE(open_database(path_, {}, Schema{"atlas", 0x4c546174, broken}).ok());
  Connection db = open().value();
  EXPECT_EQ(db.query_integer("SELECT count(*) FROM sqlite_schema WHERE name = 'more'").value(), 0);
}

// Many processes create the file at the same moment; each must find it ready. One round rarely
// meets the moment between two reads, so there are many.
TEST_F(SqliteTest, ProcessesThatCreateTheFileTogetherAllSucceed) {
  constexpr int kProcesses = 8;
  constexpr int kRounds = 20;
  for (int round = 0; round < kRounds; ++round) {
    path_ = scratch_.path() / fmt::format("atlas-{}.db", round);
    std::vector<pid_t> children;
    for (int i = 0; i < kProcesses; ++i) {
      const pid_t child = ::fork();
      if (child == 0) ::_exit(open_and_insert(std::to_string(i)) ? 0 : 1);
      children.push_back(child);
    }
    for (const pid_t child : children) {
      int status = 0;
      ::waitpid(child, &status, 0);
      EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    Connection db = open().value();
    EXPECT_EQ(count(db), kProcesses) << "round " << round;
  }
}

TEST_F(SqliteTest, WriterKilledInTheMiddleLeavesTheOldState) {
  ASSERT_TRUE(open().ok());
  const pid_t child = ::fork();
  if (child == 0) {
    Connection db = open().value();
    (void)db.run("INSERT INTO cities(name, people) VALUES('kept', 1)");
    Transaction transaction = Transaction::begin(db).value();
    (void)db.run("INSERT INTO cities(name, people) VALUES('lost', 1)");
    ::raise(SIGKILL);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status));
  Connection db = open().value();
  EXPECT_EQ(count(db), 1);
  EXPECT_EQ(db.query_integer("SELECT count(*) FROM cities WHERE name = 'kept'").value(), 1);
}

}  // namespace
}  // namespace lathe::database
