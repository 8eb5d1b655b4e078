// Schema versions: what a kind of database file is called, and the scripts that bring one from any
// earlier version to today's. The version is kept in the file (user_version), and so is the kind
// (application_id), so that a knowledge base is not taken for a catalogue.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/result.h"
#include "database/sqlite.h"

namespace lathe::database {

struct Schema {
  std::string_view kind;        // as users know it: "catalogue"
  std::int32_t application_id;  // four letters of our own, not 0
  // Script i brings version i to version i + 1. Never edited once released: a change is a new one.
  std::span<const std::string_view> migrations;
};

// Opens one of Lathe's own files: checks its kind before anything is changed, then write-ahead-log
// mode and migrate(). Errors as there.
Result<Connection> open_database(const os::Path& path, Connection::Options options,
                                 const Schema& schema);

// Brings the database to the newest version, all in one transaction; does nothing when it is there.
// Two processes may do so at once. Errors: bad_input (a file of another kind), unsupported (made by
// a newer Lathe), and those of database/sqlite.h.
Status migrate(Connection& connection, const Schema& schema);

}  // namespace lathe::database
