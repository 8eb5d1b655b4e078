// Hashes of files, as the Hub names them. By OpenSSL.
#pragma once

#include <string>

#include "base/result.h"
#include "os/file.h"

namespace lathe::hub {

// 64 hexadecimal digits.
Result<std::string> sha256_of(const os::Path& path);

// 40 hexadecimal digits: the name that Git gives a blob, SHA-1 of "blob SIZE\0" and the bytes.
Result<std::string> git_sha1_of(const os::Path& path);

}  // namespace lathe::hub
