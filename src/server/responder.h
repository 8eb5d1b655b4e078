// The way back to the client of one request. A handler keeps it as long as it works and answers
// either with send(), or with begin(), write() and end(). Dropping it unanswered is a 500, dropping
// it in the middle of a stream breaks the connection, so that no half answer looks whole.
//
// Thread-safety: any thread, one call at a time. Calls never block; after the client has gone
// they do nothing.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "server/cancellation.h"
#include "server/http_message.h"

namespace lathe::server {

// The start of an answer whose length is not known.
struct StreamHead {
  int status = 200;
  std::string content_type;
  Headers headers;
};

class Responder {
 public:
  virtual ~Responder() = default;

  virtual void send(HttpResponse response) = 0;

  virtual void begin(StreamHead head) = 0;
  virtual void write(std::string bytes) = 0;
  virtual void end() = 0;

  // More is written than the client has taken for a while; see HttpLimits.
  virtual bool congested() const = 0;
  // Requested when the client has gone, the request took too long or the server is stopping.
  virtual const std::shared_ptr<Cancellation>& cancellation() const = 0;
};

// Called on a thread of the server; it returns soon and may answer later.
using HttpHandler = std::function<void(HttpRequest, std::shared_ptr<Responder>)>;

}  // namespace lathe::server
