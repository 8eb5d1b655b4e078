#include "host/model_files.h"

#include <nlohmann/json.hpp>
#include <set>

#include "evaluation/certificate.h"
#include "formats/gguf_parts.h"
#include "formats/hf_texts.h"
#include "host/staged_folder.h"

namespace lathe::host {
namespace {

namespace fs = std::filesystem;

// The shards that an index names, as plain file names: ModelSource has opened and checked them.
Result<std::set<std::string>> shards_of(const os::Path& index) {
  LATHE_TRY(const std::string text, os::read_file(index));
  const auto json = nlohmann::json::parse(text, nullptr, false);
  std::set<std::string> shards;
  if (!json.is_object() || !json.contains("weight_map") || !json["weight_map"].is_object()) {
    return Error::bad_input("weight_map is missing").at(index.string());
  }
  for (const auto& [tensor, shard] : json["weight_map"].items()) {
    if (!shard.is_string()) return Error::bad_input("weight_map is damaged").at(index.string());
    shards.insert(os::Path(shard.get<std::string>()).filename().string());
  }
  return shards;
}

Result<std::vector<FileToCopy>> parts_of(const os::Path& path, const formats::GgufFile& file) {
  LATHE_TRY(const auto parts, formats::gguf_part_paths(path, file.metadata()));
  if (parts.size() == 1) return std::vector<FileToCopy>{{parts.front(), "model.gguf"}};
  std::vector<FileToCopy> files;
  for (std::size_t i = 0; i < parts.size(); ++i)
    files.push_back({parts[i], formats::gguf_part_name("model", i, parts.size())});
  return files;
}

Result<std::vector<FileToCopy>> files_of_folder(const os::Path& folder) {
  LATHE_CHECK(formats::find_readme(folder));  // that it may be copied
  std::vector<FileToCopy> files;
  std::error_code code;
  for (const char* name : {"config.json", "generation_config.json", "tokenizer.json",
                           "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
                           "tokenizer.model", "vocab.json", "merges.txt", "vocab.txt",
                           "chat_template.jinja", "README.md", evaluation::kCertificateFile}) {
    if (fs::exists(folder / name, code)) files.push_back({folder / name, name});
  }
  if (fs::exists(folder / "model.safetensors", code)) {
    files.push_back({folder / "model.safetensors", "model.safetensors"});
    return files;
  }
  const std::string index = "model.safetensors.index.json";
  files.push_back({folder / index, index});
  LATHE_TRY(const auto shards, shards_of(folder / index));
  for (const std::string& shard : shards) files.push_back({folder / shard, shard});
  return files;
}

}  // namespace

Result<std::vector<FileToCopy>> files_of(const formats::ModelSource& source) {
  if (source.gguf() != nullptr) return parts_of(source.path(), *source.gguf());
  return files_of_folder(source.path());
}

Result<std::vector<FileToCopy>> files_of(const formats::EncoderSource& source) {
  if (source.gguf() != nullptr) return parts_of(source.path(), *source.gguf());
  LATHE_TRY(std::vector<FileToCopy> files, files_of_folder(source.path()));
  LATHE_TRY(const auto names, formats::embedding_files(source.path()));
  for (const std::string& name : names) files.push_back({source.path() / name, name});
  return files;
}

Status copy_all(const std::vector<FileToCopy>& files, const os::Path& to,
                FunctionRef<void(std::uint64_t, std::uint64_t)> progress) {
  std::uint64_t all = 0;
  for (const FileToCopy& file : files) all += disk_bytes(file.from);
  std::uint64_t done = 0;
  for (const FileToCopy& file : files) {
    LATHE_CHECK(os::make_directories((to / file.name).parent_path()));
    LATHE_CHECK(copy_file(file.from, to / file.name, [&](std::uint64_t bytes) {
      done += bytes;
      progress(done, all);
    }));
  }
  return {};
}

}  // namespace lathe::host
