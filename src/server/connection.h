// One client's connection: reads requests one after the other, hands each to the handler, writes
// its answer, and goes on or closes. Private to the HTTP server.
//
// A state machine on one strand; only Responders, which post to the strand, are used elsewhere.
// One read is always outstanding, also while a request is handled: that is how a client that goes
// away is noticed. Bytes that arrive early (pipelining) wait in a bounded buffer.
#pragma once

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "server/http_server.h"
#include "server/http_wire.h"

namespace lathe::server {

class Connection;

// What all connections of a server share. It outlives them and their Responders.
struct HttpCore {
  HttpOptions options;
  HttpHandler handler;
  std::shared_ptr<HttpStats> stats;
  std::atomic<bool> stopping{false};  // connections that start now close at once

  std::mutex mutex;
  std::condition_variable changed;                   // connections or responders became fewer
  std::list<std::weak_ptr<Connection>> connections;  // guarded by mutex
  std::size_t responders = 0;                        // guarded by mutex; alive, answered or not
};

// One request in flight, seen from its Responder and its connection.
struct Exchange {
  std::string request_id;
  std::shared_ptr<Cancellation> cancellation = std::make_shared<Cancellation>();
  std::atomic<std::size_t> backlog{0};  // bytes written by the handler and not yet sent
};

class Connection final : public std::enable_shared_from_this<Connection> {
 public:
  using Socket = boost::asio::ip::tcp::socket;

  // REQUIRES: the socket's executor is a strand of its own.
  static std::shared_ptr<Connection> make(Socket socket, std::shared_ptr<HttpCore> core);
  ~Connection();

  void start();
  // Answers 503 whatever the client asks, and closes.
  void start_refusing();

  // Each of the following may be called from any thread.
  void close_if_idle();
  void cancel(CancelReason reason);
  void stop();

  // For the Responder, any thread.
  void post_send(HttpResponse response);
  void post_begin(StreamHead head);
  void post_write(std::string bytes);
  void post_end();
  void post_abort();

 private:
  enum class State {
    idle,       // between requests
    reading,    // in a header or a body
    handling,   // the handler works or its answer is being written
    lingering,  // a last answer is being written and read; what arrives is thrown away
    closed
  };
  using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;
  using ErrorCode = boost::system::error_code;
  struct Piece {
    std::string bytes;
    std::size_t counted = 0;  // of the exchange's backlog
  };

  Connection(Socket socket, std::shared_ptr<HttpCore> core);
  template <class Function>
  void post(Function function);

  void next_request();
  void read();
  void on_read(ErrorCode error, std::size_t bytes);
  void on_end_of_input();
  void process();
  void skip_empty_lines();
  bool header_is_fine();
  void on_parse_error(ErrorCode error);
  void dispatch();
  HttpRequest take_request();

  void refuse(int status, std::string message);
  void respond(HttpResponse response);
  void begin_stream(const StreamHead& head);
  void write_stream(std::string bytes);
  void end_stream();
  void abort();
  void complete_response();
  void enqueue(std::string bytes, std::size_t counted = 0);
  void flush();
  void on_written(ErrorCode error);
  void finish_exchange();
  void linger();
  void close();

  HttpLimits::Duration patience_for_a_first_byte() const;
  void arm_deadline(HttpLimits::Duration after);
  void on_deadline();
  const HttpLimits& limits() const { return core_->options.limits; }

  std::shared_ptr<HttpCore> core_;
  std::list<std::weak_ptr<Connection>>::iterator place_;  // in core_->connections
  Socket socket_;
  const Socket::executor_type executor_;
  boost::asio::steady_timer deadline_;  // of the phase that state_ names
  std::uint64_t deadline_number_ = 0;   // a wait that comes late has an old one
  boost::asio::steady_timer write_deadline_;
  std::uint64_t write_number_ = 0;

  State state_ = State::idle;
  std::array<char, 16 << 10> arriving_;  // what the outstanding read fills
  boost::beast::flat_buffer input_;      // read and not parsed
  std::optional<Parser> parser_;
  bool read_outstanding_ = false;
  bool header_done_ = false;
  bool input_ended_ = false;

  std::shared_ptr<Exchange> exchange_;  // null when no handler works
  bool is_head_request_ = false;        // its answer has no body
  bool is_http11_ = true;
  bool keep_alive_ = true;
  bool head_sent_ = false;
  bool chunked_ = false;
  bool response_complete_ = false;
  std::vector<Piece> output_;
  std::vector<Piece> in_flight_;  // being written
  bool writing_ = false;
};

}  // namespace lathe::server
