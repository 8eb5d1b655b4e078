// The texts that stand beside the weights of a Hugging Face folder.
//
// Errors of each: io; limit when a file is larger than any real one; bad_input.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "os/file.h"

namespace lathe::formats {

// nothing when there is no such file.
Result<std::optional<std::string>> find_tokenizer_json(const os::Path& folder);
Result<std::optional<std::string>> find_tokenizer_config_json(const os::Path& folder);
Result<std::optional<std::string>> find_generation_config_json(const os::Path& folder);

// One of the templates that a model comes with. The one that stands alone is named "default".
struct NamedTemplate {
  std::string name;
  std::string source;
  bool operator==(const NamedTemplate&) const = default;
};

// chat_template.jinja and additional_chat_templates/NAME.jinja; without those, "chat_template" of
// tokenizer_config.json: a text, or a list of named ones. Empty when there is none.
Result<std::vector<NamedTemplate>> find_chat_templates(const os::Path& folder);

// The one named "default"; nothing when there is no template at all; unsupported when there are
// only others.
Result<std::optional<std::string>> find_chat_template(const os::Path& folder);

// README.md, the one text that may say anything. It must not be a link that leads out of the folder
// (or out of the Hub's cache, where all files of a snapshot are links): else a downloaded folder
// could have any file of this machine copied as its README. bad_input then.
Result<std::optional<std::string>> find_readme(const os::Path& folder);

}  // namespace lathe::formats
