#include "hub/selection.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <set>

#include "base/ascii.h"
#include "formats/foreign_text.h"
#include "formats/gguf_parts.h"
#include "formats/json.h"

namespace lathe::hub {
namespace {

using formats::in_quotes;

constexpr std::uint64_t kMaxTextBytes = std::uint64_t{256} << 20;
constexpr const char* kWeights = "model.safetensors";

// What a model is beside its weights, and what its card shows.
constexpr const char* kTexts[] = {
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "vocab.txt",
    "chat_template.jinja",
    "modules.json",
    "sentence_bert_config.json",
    "config_sentence_transformers.json",
    "1_Pooling/config.json",
};
constexpr const char* kCards[] = {"README.md", "LICENSE", "LICENSE.txt", "LICENSE.md"};

bool is_pickle(std::string_view path) {
  for (const char* end : {".bin", ".pt", ".pth", ".pkl", ".ckpt"}) {
    if (path.ends_with(end)) return true;
  }
  return false;
}

std::vector<const RemoteFile*> gguf_files(const Repository& repository) {
  std::vector<const RemoteFile*> found;
  for (const RemoteFile& file : repository.files) {
    if (in_lower_case(file.path).ends_with(".gguf") && !formats::is_later_gguf_part(file.path))
      found.push_back(&file);
  }
  return found;
}

std::string names_of(const std::vector<const RemoteFile*>& files) {
  constexpr std::size_t kShown = 30;
  std::vector<std::string> names;
  for (const RemoteFile* file : files) {
    if (names.size() == kShown) {
      names.push_back(fmt::format("and {} more", files.size() - kShown));
      break;
    }
    names.push_back(
        fmt::format("{} ({:.1f} GB)", file->path, static_cast<double>(file->size) / 1e9));
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

// Whether a name has the quantisation as a part of its own: "…-Q4_K_M.gguf", "….q4_0.gguf".
bool has_part(std::string_view path, std::string_view wanted) {
  const std::string name = in_lower_case(path);
  const std::string part = in_lower_case(wanted);
  const auto is_edge = [](char c) {
    return !((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_');
  };
  for (std::size_t at = name.find(part); at != std::string::npos; at = name.find(part, at + 1)) {
    const bool starts = at == 0 || is_edge(name[at - 1]);
    const std::size_t end = at + part.size();
    if (starts && (end == name.size() || is_edge(name[end]))) return true;
  }
  return false;
}

// Where the number of parts stands in "model-00001-of-00003.gguf"; 1 for a file that is whole.
std::size_t part_count(std::string_view path) {
  std::size_t count = 0;
  constexpr std::string_view kEnd = "00003.gguf";
  if (path.size() > kEnd.size())
    std::from_chars(path.data() + path.size() - kEnd.size(), path.data() + path.size(), count);
  const bool is_first =
      count > 1 && path.ends_with(formats::gguf_part_name("", 0, count).substr(1));
  return is_first ? count : 1;
}

// The file, or with it the parts that follow it.
Status add_parts(const Repository& repository, const RemoteFile& first, Selection& selection) {
  selection.weights = {first};
  const std::size_t count = part_count(first.path);
  if (count == 1) return {};
  const std::size_t end = formats::gguf_part_name("", 0, count).size();
  const std::string stem = first.path.substr(0, first.path.size() - end);
  for (std::size_t i = 1; i < count; ++i) {
    const std::string name = formats::gguf_part_name(stem, i, count);
    const RemoteFile* part = repository.find(name);
    if (part == nullptr)
      return Error::bad_input(fmt::format("the repository lacks the part {}", in_quotes(name)))
          .at(repository.name);
    selection.weights.push_back(*part);
  }
  return {};
}

Result<Selection> gguf_selection(const Repository& repository, const RemoteFile& file) {
  Selection selection;
  selection.form = Selection::Form::gguf;
  for (const char* name : kCards) {
    if (const RemoteFile* card = repository.find(name)) selection.texts.push_back(*card);
  }
  LATHE_CHECK(add_parts(repository, file, selection));
  return selection;
}

Result<Selection> select_gguf(const Repository& repository, const std::string& choice) {
  const auto files = gguf_files(repository);
  std::vector<const RemoteFile*> fitting;
  for (const RemoteFile* file : files) {
    if (file->path == choice) return gguf_selection(repository, *file);
    if (choice.empty() || has_part(file->path, choice)) fitting.push_back(file);
  }
  if (fitting.size() == 1) return gguf_selection(repository, *fitting.front());
  if (files.empty())
    return Error::not_found("the repository has no .gguf files").at(repository.name);
  if (fitting.empty())
    return Error::not_found(fmt::format("no .gguf file is called {}", in_quotes(choice)))
        .at(repository.name)
        .fix_with("it has: " + names_of(files));
  return Error::bad_input(choice.empty() ? "the repository has several .gguf files"
                                         : "several .gguf files fit " + in_quotes(choice))
      .at(repository.name)
      .fix_with(fmt::format("choose one as {}:FILE: {}", repository.name, names_of(fitting)));
}

Error no_weights(const Repository& repository) {
  for (const RemoteFile& file : repository.files) {
    if (is_pickle(file.path))
      return Error::unsupported(
                 fmt::format("the weights are a pickle file ({}), which can run code when it is "
                             "read",
                             in_quotes(file.path)))
          .at(repository.name)
          .fix_with(
              "find a revision or a copy of the model with safetensors (refs/convert or "
              "refs/pr may have one)");
  }
  return Error::unsupported("the repository has no safetensors and no .gguf file")
      .at(repository.name)
      .fix_with("choose a repository that holds a language model");
}

Result<Selection> select_folder(const Repository& repository) {
  Selection selection;
  for (const char* name : kTexts) {
    if (const RemoteFile* file = repository.find(name)) selection.texts.push_back(*file);
  }
  if (const RemoteFile* whole = repository.find(kWeights)) {
    selection.weights = {*whole};
  } else if (const RemoteFile* index = repository.find(kWeightsIndex)) {
    selection.texts.push_back(*index);
    selection.has_index = true;
  } else {
    return no_weights(repository);
  }
  if (repository.find("config.json") == nullptr)
    return Error::unsupported("the repository has weights but no config.json")
        .at(repository.name)
        .fix_with("is it an adapter, or a part of another model? a model's own repository has one");
  for (const char* name : kCards) {
    if (const RemoteFile* card = repository.find(name)) selection.texts.push_back(*card);
  }
  for (const RemoteFile& text : selection.texts) {
    if (text.size > kMaxTextBytes)
      return Error::limit(fmt::format("{} has {} bytes; at most {} are taken", text.path, text.size,
                                      kMaxTextBytes))
          .at(repository.name);
  }
  return selection;
}

}  // namespace

std::uint64_t Selection::bytes() const {
  std::uint64_t sum = 0;
  for (const RemoteFile& file : texts) sum += file.size;
  for (const RemoteFile& file : weights) sum += file.size;
  return sum;
}

Result<Selection> select_files(const Repository& repository, const std::string& choice) {
  if (!choice.empty()) return select_gguf(repository, choice);
  const bool has_folder =
      repository.find(kWeights) != nullptr || repository.find(kWeightsIndex) != nullptr;
  if (!has_folder && !gguf_files(repository).empty()) return select_gguf(repository, choice);
  return select_folder(repository);
}

Status select_shards(const Repository& repository, std::string_view index_json,
                     Selection& selection) {
  LATHE_TRY(const auto index, formats::parse_json_object(index_json).at(kWeightsIndex));
  const auto map = index.find("weight_map");
  if (map == index.end() || !map->is_object() || map->empty())
    return Error::bad_input("weight_map is missing").at(kWeightsIndex);
  std::set<std::string> shards;
  for (const auto& [tensor, shard] : map->items()) {
    if (!shard.is_string())
      return Error::bad_input("weight_map names no shard for " + in_quotes(tensor))
          .at(kWeightsIndex);
    shards.insert(shard.get<std::string>());
  }
  for (const std::string& shard : shards) {
    const RemoteFile* file = repository.find(shard);
    if (file == nullptr || shard.find('/') != std::string::npos || !shard.ends_with(".safetensors"))
      return Error::bad_input(fmt::format("the index names {}, which is no safetensors file of the "
                                          "repository",
                                          in_quotes(shard)))
          .at(repository.name);
    selection.weights.push_back(*file);
  }
  return {};
}

}  // namespace lathe::hub
