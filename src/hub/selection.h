// Which files of a repository make a model that Lathe reads, and why others do not. Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "hub/repository.h"

namespace lathe::hub {

struct Selection {
  enum class Form { folder, gguf };
  Form form = Form::folder;
  std::vector<RemoteFile> texts;    // config, tokenizer, templates, card, licence: read first
  std::vector<RemoteFile> weights;  // safetensors or .gguf (its parts, the first first); for a
                                    // folder with an index: empty until select_shards()
  bool has_index = false;

  std::uint64_t bytes() const;
};

// choice: a file or a quantisation of the target; empty: the folder where there is one, else the
// only .gguf file. Errors: not_found (no such file, with those that there are), unsupported (pickle
// alone, …), bad_input (several files to choose from, a part that is missing).
Result<Selection> select_files(const Repository& repository, const std::string& choice);

// Adds the shards that model.safetensors.index.json names. Error: bad_input (one that the
// repository does not have).
Status select_shards(const Repository& repository, std::string_view index_json,
                     Selection& selection);

// Where the index lies in a folder.
inline constexpr const char* kWeightsIndex = "model.safetensors.index.json";

}  // namespace lathe::hub
