// The texts that stand beside the weights of a Hugging Face folder.
//
// Errors of each: io; limit when a file is larger than any real one; bad_input.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "os/file.h"

namespace lathe::formats {

// nothing when there is no such file.
Result<std::optional<std::string>> find_tokenizer_json(const os::Path& folder);
Result<std::optional<std::string>> find_tokenizer_config_json(const os::Path& folder);
Result<std::optional<std::string>> find_generation_config_json(const os::Path& folder);

// chat_template.jinja, or "chat_template" of tokenizer_config.json (a text, or the one named
// "default" of a list); nothing when there is neither.
Result<std::optional<std::string>> find_chat_template(const os::Path& folder);

}  // namespace lathe::formats
