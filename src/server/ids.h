// Random names for requests and answers, to tell them apart; not secrets. Thread-safe.
#pragma once

#include <string>
#include <string_view>

namespace lathe::server {

// prefix and 24 random letters and digits (142 bits): "chatcmpl-k3J…".
std::string make_id(std::string_view prefix);

}  // namespace lathe::server
