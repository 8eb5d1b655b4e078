// Where a model comes from and what its authors say of it: from the README.md of a folder, the
// general.* keys of a GGUF file, and what the store's record holds (the repository it was pulled
// from).
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "formats/encoder_source.h"
#include "formats/gguf_metadata.h"
#include "formats/model_source.h"
#include "store/records.h"

namespace lathe::host {

// Texts are empty where nothing is stated.
struct ModelOrigin {
  std::string license;
  std::string license_link;
  std::string source;    // a repository or an address
  std::string revision;  // of it
  std::string authors;
  std::string purpose;  // "text-generation"
  std::vector<std::string> base_models;
  std::vector<std::string> languages;
  std::vector<std::string> tags;
  std::string problem;  // why README.md says nothing; it never keeps a model from working
};

// What stands in the model's own files. Errors: metadata of a wrong type, naming the key.
Result<ModelOrigin> find_origin(const formats::ModelSource& source);
Result<ModelOrigin> find_origin(const formats::EncoderSource& source);

// Adds what the store knows of the same model.
void add_record(const store::ModelRecord& record, ModelOrigin& origin);

// The same as general.* keys of a GGUF file.
void add_to_gguf(const ModelOrigin& origin, formats::GgufMetadata& metadata);

nlohmann::json to_json(const ModelOrigin& origin);

}  // namespace lathe::host
