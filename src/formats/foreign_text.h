// Names and values out of foreign files, made fit to stand in an error message.
#pragma once

#include <string>
#include <string_view>

namespace lathe::formats {

// The text in double quotes; control bytes as \xNN, at most 96 bytes of it, then "…".
std::string in_quotes(std::string_view text);

// Whether the bytes are valid UTF-8 (RFC 3629: shortest forms, no surrogates).
bool is_utf8(std::string_view text);

}  // namespace lathe::formats
