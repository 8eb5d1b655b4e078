// The small texts in which the kernel tells of the machine (/sys, /proc): files whose size is not
// known before they are read. Thread-safe.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "os/file.h"

namespace lathe::os {

// The text without the white space at its end; nothing where there is no such file. A text of more
// than 64 KiB is cut there.
std::optional<std::string> system_text(const Path& path);

// A whole number without a sign and with nothing around it.
std::optional<std::size_t> parse_number(std::string_view text);

// Processors as the kernel lists them ("0-3,8,10-11"), in rising order and each once; an empty text
// is an empty list. Nothing when it is not such a list, or has a number of 65,536 or more.
std::optional<std::vector<std::size_t>> parse_processors(std::string_view text);

}  // namespace lathe::os
