// What the front matter of a model's README.md says of it: the block of YAML between two lines of
// "---" at the start, as the Hugging Face Hub has it. Only the fields below are read, each a text
// or a list of texts at the top level; what else stands there is for other readers.
//
// Source: https://huggingface.co/docs/hub/model-cards.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace lathe::formats {

struct FrontMatter {
  std::string license;       // "apache-2.0"; license_name where license is "other"
  std::string license_link;  // where its text stands
  std::vector<std::string> languages;
  std::vector<std::string> tags;
  std::vector<std::string> base_models;
  std::string pipeline;  // "text-generation"
};

// Empty when the text has no front matter. Errors: bad_input (no YAML, with the line); limit (a
// block of more than 1 MiB, nesting of more than 32, lists of more than 1,000).
Result<FrontMatter> read_front_matter(std::string_view readme);

}  // namespace lathe::formats
