// Pickled weights, which Lathe never reads: unpickling a file runs whatever code it names. They are
// refused by name. Internal to src/formats.
#pragma once

#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <string_view>

#include "base/result.h"
#include "os/file.h"

namespace lathe::formats {

constexpr const char* kUnpickle =
    "load it where you trust it and save it as safetensors: "
    "AutoModelForCausalLM.from_pretrained(FOLDER).save_pretrained(OUT, safe_serialization=True) in "
    "transformers; or take the model's safetensors or GGUF files";

inline bool is_pickle(const os::Path& path) {
  static constexpr std::array<std::string_view, 6> kExtensions = {".bin", ".pt",     ".pth",
                                                                  ".pkl", ".pickle", ".ckpt"};
  std::string extension = path.extension().string();
  std::ranges::transform(extension, extension.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::ranges::find(kExtensions, extension) != kExtensions.end();
}

// The name of the first pickle in a folder, in the order of names; empty when there is none.
inline std::string find_pickle(const os::Path& folder) {
  std::error_code failed;
  std::string first;
  for (std::filesystem::directory_iterator at(folder, failed), end; !failed && at != end;
       at.increment(failed)) {
    const std::string name = at->path().filename().string();
    if (is_pickle(name) && (first.empty() || name < first)) first = name;
  }
  return first;
}

}  // namespace lathe::formats
