#include "server/connection.h"

#include <fmt/format.h>

#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/error.hpp>

#include "base/log.h"
#include "os/clock.h"
#include "server/connection_responder.h"
#include "server/errors.h"
#include "server/ids.h"

namespace lathe::server {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;

// Bytes of later requests that may wait while one is handled.
constexpr std::size_t kMaxPipelinedBytes = 64 << 10;
// A fresh connection that sends nothing is not waited for longer than this when draining.
constexpr auto kDrainGrace = std::chrono::seconds(1);

}  // namespace

std::shared_ptr<Connection> Connection::make(Socket socket, std::shared_ptr<HttpCore> core) {
  std::shared_ptr<Connection> made(new Connection(std::move(socket), std::move(core)));
  const std::lock_guard lock(made->core_->mutex);
  made->place_ = made->core_->connections.insert(made->core_->connections.end(), made);
  made->core_->stats->connections_open.fetch_add(1);
  return made;
}

Connection::Connection(Socket socket, std::shared_ptr<HttpCore> core)
    : core_(std::move(core)),
      socket_(std::move(socket)),
      executor_(socket_.get_executor()),
      deadline_(executor_),
      write_deadline_(executor_),
      input_(core_->options.limits.max_header_bytes + kMaxPipelinedBytes) {
  ErrorCode ignored;  // without it, small chunks wait for acknowledgements
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
}

Connection::~Connection() {
  const std::lock_guard lock(core_->mutex);
  core_->connections.erase(place_);
  core_->stats->connections_open.fetch_sub(1);
  core_->changed.notify_all();
}

template <class Function>
void Connection::post(Function function) {
  asio::post(executor_, [self = shared_from_this(), call = std::move(function)]() mutable {
    if (self->state_ != State::closed) call(*self);
  });
}

void Connection::start() {
  post([](Connection& self) {
    if (self.core_->stopping.load()) return self.close();
    self.next_request();
    self.arm_deadline(self.patience_for_a_first_byte());
  });
}

HttpLimits::Duration Connection::patience_for_a_first_byte() const {
  const auto usual = limits().header_timeout;
  return core_->stats->draining.load() ? std::min<HttpLimits::Duration>(kDrainGrace, usual) : usual;
}

void Connection::start_refusing() {
  post([](Connection& self) {
    if (self.core_->stopping.load()) return self.close();
    self.refuse(503, "the server has as many connections as it takes");
    self.read();
  });
}

void Connection::close_if_idle() {
  post([](Connection& self) {
    if (self.state_ != State::idle) return;
    if (self.head_sent_) return self.close();  // it has had an answer and may come again
    self.arm_deadline(self.patience_for_a_first_byte());
  });
}

void Connection::cancel(CancelReason reason) {
  post([reason](Connection& self) {
    if (self.exchange_) self.exchange_->cancellation->request(reason);
  });
}

void Connection::stop() {
  post([](Connection& self) {
    if (self.exchange_) self.exchange_->cancellation->request(CancelReason::shutting_down);
    self.close();
  });
}

// ---- reading

void Connection::next_request() {
  parser_.emplace();
  parser_->eager(true);
  parser_->header_limit(static_cast<std::uint32_t>(limits().max_header_bytes));
  parser_->body_limit(limits().max_body_bytes);
  header_done_ = false;
  is_head_request_ = false;
  state_ = State::idle;
  if (input_.size() > 0) {
    state_ = State::reading;
    arm_deadline(limits().header_timeout);
    return process();
  }
  arm_deadline(limits().idle_timeout);
  read();
}

void Connection::read() {
  if (read_outstanding_ || input_ended_ || state_ == State::closed) return;
  if (state_ == State::handling && input_.size() >= kMaxPipelinedBytes) return;
  const std::size_t room = std::min(arriving_.size(), input_.max_size() - input_.size());
  if (room == 0) return refuse(400, "a line of the request is too long");
  read_outstanding_ = true;
  // Not straight into input_, which may be consumed meanwhile.
  socket_.async_read_some(asio::buffer(arriving_, room),
                          [self = shared_from_this()](ErrorCode error, std::size_t bytes) {
                            self->on_read(error, bytes);
                          });
}

void Connection::on_read(ErrorCode error, std::size_t bytes) {
  read_outstanding_ = false;
  if (state_ == State::closed) return;
  if (error) return on_end_of_input();
  input_.commit(asio::buffer_copy(input_.prepare(bytes), asio::buffer(arriving_, bytes)));
  switch (state_) {
    case State::idle:
      state_ = State::reading;
      arm_deadline(limits().header_timeout);
      return process();
    case State::reading:
      return process();
    case State::handling:
      return read();
    case State::lingering:
      input_.consume(input_.size());
      return read();
    case State::closed:
      return;
  }
}

void Connection::on_end_of_input() {
  input_ended_ = true;
  // While a last answer is on its way the client may have closed only its own direction.
  if (state_ == State::lingering && writing_) return;
  close();
}

void Connection::process() {
  skip_empty_lines();
  while (input_.size() > 0) {
    ErrorCode error;
    const std::size_t used = parser_->put(input_.data(), error);
    input_.consume(used);
    if (error && error != http::error::need_more) return on_parse_error(error);
    if (!header_done_ && parser_->is_header_done()) {
      header_done_ = true;
      if (!header_is_fine()) return;
      arm_deadline(limits().body_timeout);
    }
    if (parser_->is_done()) return dispatch();
    if (used == 0) break;
  }
  read();
}

// Some clients send an empty line after a body (RFC 9112, section 2.2).
void Connection::skip_empty_lines() {
  while (!parser_->got_some() && input_.size() > 0) {
    const char first = *static_cast<const char*>(input_.data().data());
    if (first != '\r' && first != '\n') return;
    input_.consume(1);
  }
}

// Checks what the parser does not; answers when something is wrong.
bool Connection::header_is_fine() {
  const auto& request = parser_->get();
  const auto field = [&](http::field name) {
    const auto value = request[name];
    return std::string_view(value.data(), value.size());
  };
  if (request.version() >= 11 && request.count(http::field::host) != 1) {
    refuse(400, "an HTTP/1.1 request has exactly one Host header");
    return false;
  }
  const std::string_view coding = field(http::field::transfer_encoding);
  if (!coding.empty() && !equal_ignoring_case(coding, "chunked")) {
    refuse(501, "the only transfer encoding supported is chunked");
    return false;
  }
  const std::string_view expect = field(http::field::expect);
  if (expect.empty()) return true;
  if (!equal_ignoring_case(expect, "100-continue")) {
    refuse(417, "the only expectation supported is 100-continue");
    return false;
  }
  if (!parser_->is_done() && request.version() >= 11) {
    enqueue("HTTP/1.1 100 Continue\r\n\r\n");
    flush();
  }
  return true;
}

void Connection::on_parse_error(ErrorCode error) {
  if (error == http::error::header_limit) {
    return refuse(431,
                  fmt::format("the headers are larger than {} bytes", limits().max_header_bytes));
  }
  if (error == http::error::body_limit) {
    return refuse(413, fmt::format("the body is larger than {} bytes", limits().max_body_bytes));
  }
  if (error == http::error::bad_version) {
    return refuse(505, "the HTTP versions supported are 1.0 and 1.1");
  }
  refuse(400, "the request is not well-formed HTTP: " + error.message());
}

HttpRequest Connection::take_request() {
  auto message = parser_->release();
  HttpRequest request;
  request.id = exchange_->request_id;
  request.method = std::string(message.method_string());
  request.target = std::string(message.target());
  for (const auto& each : message) {
    request.headers.emplace_back(std::string(each.name_string()), std::string(each.value()));
  }
  request.body = std::move(message.body());
  return request;
}

void Connection::dispatch() {
  state_ = State::handling;
  is_http11_ = parser_->get().version() >= 11;
  is_head_request_ = parser_->get().method() == http::verb::head;
  keep_alive_ = parser_->keep_alive();
  head_sent_ = false;
  exchange_ = std::make_shared<Exchange>();
  exchange_->request_id = make_id("req_");
  arm_deadline(limits().request_timeout);
  read();
  if (state_ != State::handling) return;
  auto responder = std::make_shared<ConnectionResponder>(shared_from_this(), core_, exchange_);
  try {
    core_->handler(take_request(), responder);
  } catch (const std::exception& error) {  // out of memory, or a bug: this request, not the server
    log::error("a handler threw: {}", error.what());
  }
}

// ---- writing

// Answers a request that no handler saw, and closes: what follows it cannot be trusted.
void Connection::refuse(int status, std::string message) {
  core_->stats->protocol_errors.fetch_add(1);
  state_ = State::lingering;
  keep_alive_ = false;
  input_.consume(input_.size());
  arm_deadline(limits().write_timeout);
  respond(protocol_error(status, std::move(message)));
  read();
}

void Connection::respond(HttpResponse response) {
  if (core_->stats->draining.load()) keep_alive_ = false;
  ResponseHead head;
  head.status = response.status;
  head.content_type = response.content_type;
  head.more = &response.headers;
  head.content_length = response.body.size();
  head.keep_alive = keep_alive_;
  if (exchange_) head.request_id = exchange_->request_id;
  head.unix_seconds = os::SystemClock().unix_seconds();
  head_sent_ = true;
  enqueue(head_bytes(head));
  if (!is_head_request_ && !response.body.empty()) enqueue(std::move(response.body));
  complete_response();
}

void Connection::begin_stream(const StreamHead& stream) {
  chunked_ = is_http11_;
  if (!chunked_ || core_->stats->draining.load()) keep_alive_ = false;
  ResponseHead head;
  head.status = stream.status;
  head.content_type = stream.content_type;
  head.more = &stream.headers;
  head.chunked = chunked_;
  head.keep_alive = keep_alive_;
  head.request_id = exchange_->request_id;
  head.unix_seconds = os::SystemClock().unix_seconds();
  head_sent_ = true;
  enqueue(head_bytes(head));
  flush();
}

void Connection::write_stream(std::string bytes) {
  const std::size_t counted = bytes.size();
  if (is_head_request_) bytes.clear();
  enqueue(chunked_ && !bytes.empty() ? chunk_bytes(bytes) : std::move(bytes), counted);
  flush();
}

void Connection::end_stream() {
  if (chunked_ && !is_head_request_) enqueue(last_chunk_bytes());
  complete_response();
}

// The handler let go without finishing.
void Connection::abort() {
  if (head_sent_) return close();
  log::error("request {}: a handler went away without an answer", exchange_->request_id);
  respond(protocol_error(500, "the server failed to answer"));
}

void Connection::complete_response() {
  response_complete_ = true;
  flush();
}

void Connection::enqueue(std::string bytes, std::size_t counted) {
  output_.push_back({std::move(bytes), counted});
}

void Connection::flush() {
  if (writing_) return;
  if (output_.empty()) {
    if (response_complete_) finish_exchange();
    return;
  }
  in_flight_.swap(output_);
  std::vector<asio::const_buffer> buffers;
  for (const Piece& piece : in_flight_) buffers.push_back(asio::buffer(piece.bytes));
  writing_ = true;
  write_deadline_.expires_after(limits().write_timeout);
  write_deadline_.async_wait(
      [self = shared_from_this(), number = ++write_number_](ErrorCode cancelled) {
        if (!cancelled && number == self->write_number_) self->close();
      });
  asio::async_write(socket_, buffers, [self = shared_from_this()](ErrorCode error, std::size_t) {
    self->on_written(error);
  });
}

void Connection::on_written(ErrorCode error) {
  writing_ = false;
  ++write_number_;
  write_deadline_.cancel();
  if (state_ == State::closed) return;
  if (error) return close();
  if (exchange_) {
    for (const Piece& piece : in_flight_) exchange_->backlog.fetch_sub(piece.counted);
  }
  in_flight_.clear();
  flush();
}

void Connection::finish_exchange() {
  exchange_.reset();
  response_complete_ = false;
  if (!keep_alive_ || core_->stats->draining.load()) return linger();
  next_request();
}

// Closes our direction and waits a little for the client to close its own: closing at once with
// unread input would make the system throw away the answer.
void Connection::linger() {
  state_ = State::lingering;
  if (input_ended_) return close();
  ErrorCode ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
  input_.consume(input_.size());
  arm_deadline(limits().linger_timeout);
  read();
}

void Connection::close() {
  if (state_ == State::closed) return;
  state_ = State::closed;
  if (exchange_) exchange_->cancellation->request(CancelReason::client_gone);
  ++deadline_number_;
  deadline_.cancel();
  write_deadline_.cancel();
  ErrorCode ignored;
  socket_.close(ignored);
}

// ---- time

void Connection::arm_deadline(HttpLimits::Duration after) {
  deadline_.expires_after(after);
  deadline_.async_wait(
      [self = shared_from_this(), number = ++deadline_number_](ErrorCode cancelled) {
        if (!cancelled && number == self->deadline_number_) self->on_deadline();
      });
}

void Connection::on_deadline() {
  switch (state_) {
    case State::reading:
      return refuse(408, header_done_ ? "the body did not arrive in time"
                                      : "the headers did not arrive in time");
    case State::handling:
      if (exchange_) exchange_->cancellation->request(CancelReason::timed_out);
      return;
    case State::idle:
    case State::lingering:
    case State::closed:
      return close();
  }
}

// ---- from the Responder

void Connection::post_send(HttpResponse response) {
  post([response = std::move(response)](Connection& self) mutable {
    self.respond(std::move(response));
  });
}

void Connection::post_begin(StreamHead head) {
  post([head = std::move(head)](Connection& self) { self.begin_stream(head); });
}

void Connection::post_write(std::string bytes) {
  post([bytes = std::move(bytes)](Connection& self) mutable {
    self.write_stream(std::move(bytes));
  });
}

void Connection::post_end() {
  post([](Connection& self) { self.end_stream(); });
}

void Connection::post_abort() {
  post([](Connection& self) { self.abort(); });
}

}  // namespace lathe::server
