#include "api/sse.h"

namespace lathe::api {

std::string sse_event(std::string_view data) {
  std::string event;
  event.reserve(data.size() + 8);
  for (;;) {
    const std::size_t end = data.find_first_of("\r\n");
    event.append("data: ").append(data.substr(0, end)).append("\n");
    if (end == std::string_view::npos) break;
    const bool pair = data[end] == '\r' && end + 1 < data.size() && data[end + 1] == '\n';
    data.remove_prefix(end + (pair ? 2 : 1));
  }
  return event.append("\n");
}

std::string sse_done() { return sse_event("[DONE]"); }

}  // namespace lathe::api
