#include "server/connection_responder.h"

#include "base/log.h"

namespace lathe::server {

ConnectionResponder::ConnectionResponder(std::shared_ptr<Connection> connection,
                                         std::shared_ptr<HttpCore> core,
                                         std::shared_ptr<Exchange> exchange)
    : connection_(std::move(connection)), core_(std::move(core)), exchange_(std::move(exchange)) {
  const std::lock_guard lock(core_->mutex);
  ++core_->responders;
}

ConnectionResponder::~ConnectionResponder() {
  if (phase_ != Phase::done) connection_->post_abort();
  connection_.reset();
  // Last: the server may be gone as soon as the count is.
  const std::shared_ptr<HttpCore> core = std::move(core_);
  const std::lock_guard lock(core->mutex);
  --core->responders;
  core->changed.notify_all();
}

void ConnectionResponder::send(HttpResponse response) {
  LATHE_ASSERT(phase_ == Phase::nothing_sent);
  phase_ = Phase::done;
  connection_->post_send(std::move(response));
}

void ConnectionResponder::begin(StreamHead head) {
  LATHE_ASSERT(phase_ == Phase::nothing_sent);
  phase_ = Phase::streaming;
  connection_->post_begin(std::move(head));
}

void ConnectionResponder::write(std::string bytes) {
  LATHE_ASSERT(phase_ == Phase::streaming);
  if (bytes.empty() || cancellation()->reason() == CancelReason::client_gone) return;
  const std::size_t backlog = exchange_->backlog.fetch_add(bytes.size()) + bytes.size();
  if (backlog > core_->options.limits.max_stream_backlog_bytes) {
    log::warning("request {}: the client takes its answer too slowly; stopped at {} bytes behind",
                 exchange_->request_id, backlog);
    cancellation()->request(CancelReason::client_gone);
    connection_->post_abort();
    return;
  }
  connection_->post_write(std::move(bytes));
}

void ConnectionResponder::end() {
  LATHE_ASSERT(phase_ == Phase::streaming);
  phase_ = Phase::done;
  connection_->post_end();
}

bool ConnectionResponder::congested() const {
  return exchange_->backlog.load() > core_->options.limits.congested_bytes;
}

}  // namespace lathe::server
