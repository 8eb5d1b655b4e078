// Server-sent events: the framing of a streamed answer. Pure functions.
// Source: WHATWG HTML, section 9.2.5 "Parsing an event stream"; the last event is OpenAI's.
#pragma once

#include <string>
#include <string_view>

namespace lathe::api {

// One event that carries data; each of its lines becomes a data: line.
std::string sse_event(std::string_view data);

// "data: [DONE]": the end of an OpenAI stream.
std::string sse_done();

}  // namespace lathe::api
