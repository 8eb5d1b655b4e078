// A request for a render as one JSON object, as people and other programs write it down:
//   {"messages": […], "tools": […], "documents": […], "add_generation_prompt": true,
//    "continue_final_message": false, …}
// What else stands there becomes a variable of the template. The order of members, and numbers of
// any size, reach the template as they stand. Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "text/chat_template.h"

namespace lathe::text {

struct ChatRequest {
  std::string messages_json;
  RenderOptions options;

  // Whether tools are given; an empty list counts, as in transformers.
  bool has_tools() const { return !options.tools_json.empty(); }
};

// A member that is null counts as absent. Errors: bad_input (no JSON object, no list of messages,
// a member of another type), limit.
Result<ChatRequest> read_chat_request(std::string_view json);

}  // namespace lathe::text
