// The bounds on what one request may hold. The size of the body is bounded by whoever reads it.
#pragma once

#include <cstddef>

namespace lathe::api {

struct RequestLimits {
  int max_depth = 32;               // nested arrays and objects
  std::size_t max_messages = 2048;  // messages of a chat
  std::size_t max_parts = 256;      // text parts of one message
  std::size_t max_name_bytes = 256;
  std::size_t max_inputs = 2048;  // texts of one request for embeddings
  std::size_t max_stop_strings = 4;
  std::size_t max_stop_bytes = 1024;  // of one stop string
};

}  // namespace lathe::api
