// The catalogue's log of requests.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "store/catalogue_state.h"

namespace lathe::store {
namespace {

using database::Connection;
using database::Statement;
using database::Transaction;

constexpr std::size_t kMaxReferenceBytes = 2048;

#define LATHE_REQUEST_COLUMNS                                                               \
  "reference, deployment, version, started, prompt_tokens, completion_tokens, latency_ms, " \
  "load_ms, status"

Result<RequestRecord> read_request(const Statement& row) {
  RequestRecord request;
  request.reference = row.text(0);
  request.deployment = row.text(1);
  request.version = row.integer(2);
  request.started = row.integer(3);
  request.prompt_tokens = row.integer(4);
  request.completion_tokens = row.integer(5);
  request.latency_ms = row.real(6);
  request.load_ms = row.real(7);
  request.status = row.integer(8);
  request.id = row.integer(9);
  return request;
}

Status check_request(const RequestRecord& request) {
  if (request.reference.size() > kMaxReferenceBytes) {
    return Error::bad_input(
        fmt::format("the reference of a request has {} bytes; at most {} are "
                    "kept",
                    request.reference.size(), kMaxReferenceBytes));
  }
  if (!std::isfinite(request.latency_ms) || !std::isfinite(request.load_ms)) {
    return Error::bad_input("a request's time is not a number");
  }
  return {};
}

}  // namespace

Status Catalogue::record_requests(std::span<const RequestRecord> requests) {
  for (const RequestRecord& request : requests) LATHE_CHECK(check_request(request));
  if (requests.empty()) return {};
  const std::lock_guard lock(state_->mutex);
  Connection& db = state_->db;
  LATHE_TRY(Transaction transaction, Transaction::begin(db));
  LATHE_TRY(Statement insert, db.prepare("INSERT INTO requests(" LATHE_REQUEST_COLUMNS
                                         ") VALUES(?,?,?,?,?,?,?,?,?)"));
  for (const RequestRecord& request : requests) {
    LATHE_CHECK(insert.bind(request.reference, request.deployment, request.version,
                            state_->stamp(request.started), request.prompt_tokens,
                            request.completion_tokens, request.latency_ms, request.load_ms,
                            request.status));
    LATHE_CHECK(insert.step());
  }
  // Ids ascend without gaps (AUTOINCREMENT, nothing else deletes), so this keeps exactly so many.
  LATHE_CHECK(db.run("DELETE FROM requests WHERE id <= (SELECT max(id) FROM requests) - ?",
                     std::max<std::int64_t>(0, state_->options.kept_requests)));
  return transaction.commit();
}

Result<std::vector<RequestRecord>> Catalogue::requests(const RequestQuery& query) {
  constexpr auto most = static_cast<std::size_t>(std::numeric_limits<std::int64_t>::max());
  const std::size_t limit = std::min(query.limit, most);
  const std::lock_guard lock(state_->mutex);
  if (query.deployment) {
    return records<RequestRecord>(
        state_->db, read_request,
        "SELECT " LATHE_REQUEST_COLUMNS
        ", id FROM requests WHERE deployment = ? ORDER BY id DESC LIMIT ?",
        *query.deployment, limit);
  }
  return records<RequestRecord>(
      state_->db, read_request,
      "SELECT " LATHE_REQUEST_COLUMNS ", id FROM requests ORDER BY id DESC LIMIT ?", limit);
}

Result<RequestSummary> Catalogue::request_summary(std::string_view deployment) {
  const std::lock_guard lock(state_->mutex);
  const auto read = [](const Statement& row) -> Result<RequestSummary> {
    RequestSummary summary;
    summary.requests = row.integer(0);
    summary.failures = row.integer(1);
    summary.prompt_tokens = row.integer(2);
    summary.completion_tokens = row.integer(3);
    summary.mean_latency_ms = row.real(4);
    summary.last_started = row.integer(5);
    return summary;
  };
  LATHE_TRY(auto summary,
            first_record<RequestSummary>(
                state_->db, read,
                "SELECT count(*), count(*) FILTER (WHERE status >= 400), sum(prompt_tokens), "
                "sum(completion_tokens), avg(latency_ms) FILTER (WHERE status < 400), max(started) "
                "FROM requests WHERE deployment = ?",
                deployment));
  return summary.value_or(RequestSummary());
}

}  // namespace lathe::store
