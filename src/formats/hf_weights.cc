#include "formats/hf_weights.h"

#include <fmt/format.h>

#include <set>

#include "formats/foreign_text.h"
#include "formats/json.h"
#include "formats/pickled.h"

namespace lathe::formats {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxShards = 10'000;
constexpr std::uint64_t kMaxIndexBytes = std::uint64_t{64} << 20;

// A shard's name comes from a foreign file: only a plain file name may be opened.
Status check_shard_name(const std::string& name) {
  const bool plain = name.find_first_of("/\\") == std::string::npos &&
                     name.find('\0') == std::string::npos && name.ends_with(".safetensors") &&
                     !name.starts_with(".");
  if (plain) return {};
  return Error::bad_input(
      fmt::format("the shard name {} is no plain name of a .safetensors file", in_quotes(name)));
}

// The index's "weight_map": tensor name to shard name.
Result<std::map<std::string, std::string>> read_index(const os::Path& path) {
  LATHE_TRY(const std::string text, os::read_file(path, kMaxIndexBytes));
  LATHE_TRY(const json index, parse_json_object(text).at(path.string()));
  const auto found = index.find("weight_map");
  if (found == index.end() || !found->is_object())
    return Error::bad_input("weight_map is missing").at(path.string());
  std::map<std::string, std::string> shards;
  for (const auto& [tensor, shard] : found->items()) {
    if (!shard.is_string())
      return Error::bad_input("weight_map names no shard for " + in_quotes(tensor))
          .at(path.string());
    const auto& name = shard.get_ref<const std::string&>();
    LATHE_CHECK(check_shard_name(name).at(path.string()));
    shards.emplace(tensor, name);
  }
  return shards;
}

Error no_weights(const os::Path& folder) {
  const std::string pickle = find_pickle(folder);
  if (!pickle.empty())
    return Error::unsupported(
               fmt::format("the weights are pickled ({}), which can run code", pickle))
        .at(folder.string())
        .fix_with(kUnpickle);
  return Error::not_found("there is no model.safetensors and no model.safetensors.index.json")
      .at(folder.string())
      .fix_with("download the model again");
}

}  // namespace

Result<HfWeights> HfWeights::open(const os::Path& folder) {
  HfWeights weights;
  LATHE_CHECK(weights.open_all(folder));
  return weights;
}

Status HfWeights::open_all(const os::Path& folder) {
  if (os::exists(folder / "model.safetensors")) {
    LATHE_TRY(const SafetensorsFile* shard, open_shard(folder, "model.safetensors"));
    for (const auto& [name, view] : shard->tensors()) tensors_.emplace(name, view);
    return {};
  }
  const os::Path index = folder / "model.safetensors.index.json";
  if (os::exists(index)) return open_shards(folder, index);
  return no_weights(folder);
}

Result<const SafetensorsFile*> HfWeights::open_shard(const os::Path& folder,
                                                     const std::string& name) {
  if (shards_.size() >= kMaxShards)
    return Error::limit(fmt::format("the model has more than {} shards", kMaxShards))
        .at(folder.string());
  LATHE_TRY(SafetensorsFile file, SafetensorsFile::open(folder / name));
  shards_.push_back(std::make_unique<SafetensorsFile>(std::move(file)));
  return static_cast<const SafetensorsFile*>(shards_.back().get());
}

// The index and its shards must name the same tensors.
Status HfWeights::open_shards(const os::Path& folder, const os::Path& index) {
  LATHE_TRY(const auto shard_of, read_index(index));
  std::set<std::string> names;
  for (const auto& [tensor, shard] : shard_of) names.insert(shard);
  for (const std::string& name : names) {
    LATHE_TRY(const SafetensorsFile* shard, open_shard(folder, name));
    for (const auto& [tensor, view] : shard->tensors()) {
      const auto listed = shard_of.find(tensor);
      if (listed == shard_of.end() || listed->second != name)
        return Error::bad_input(fmt::format("the index does not place tensor {} in this shard",
                                            in_quotes(tensor)))
            .at((folder / name).string());
      tensors_.emplace(tensor, view);
    }
  }
  for (const auto& [tensor, shard] : shard_of) {
    if (!tensors_.contains(tensor))
      return Error::bad_input(
                 fmt::format("it has no tensor {}, which the index places here", in_quotes(tensor)))
          .at((folder / shard).string())
          .fix_with("download the shard again");
  }
  return {};
}

}  // namespace lathe::formats
