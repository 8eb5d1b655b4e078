#include "host/model_import.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>

#include "formats/gguf_parts.h"
#include "formats/hf_texts.h"
#include "formats/weight_summary.h"
#include "host/fingerprint.h"
#include "host/model_output.h"
#include "host/staged_folder.h"
#include "store/names.h"
#include "text/model_text.h"

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

struct FileToCopy {
  os::Path from;
  std::string name;  // in the store
};

// What serving reads, and nothing else of the folder.
Result<std::vector<FileToCopy>> files_of(const formats::ModelSource& source) {
  if (source.kind() == formats::ModelSource::Kind::gguf) {
    LATHE_TRY(const auto parts, formats::gguf_part_paths(source.path(), source.gguf()->metadata()));
    if (parts.size() == 1) return std::vector<FileToCopy>{{parts.front(), "model.gguf"}};
    std::vector<FileToCopy> files;
    for (std::size_t i = 0; i < parts.size(); ++i)
      files.push_back({parts[i], formats::gguf_part_name("model", i, parts.size())});
    return files;
  }
  const os::Path& folder = source.path();
  LATHE_CHECK(formats::find_readme(folder));  // that it may be copied
  std::vector<FileToCopy> files;
  for (const char* name :
       {"config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json",
        "tokenizer.model", "vocab.json", "merges.txt", "vocab.txt", "chat_template.jinja", "README.md",
        evaluation::kCertificateFile}) {
    std::error_code code;
    if (fs::exists(folder / name, code)) files.push_back({folder / name, name});
  }
  std::error_code code;
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

Status copy_all(const std::vector<FileToCopy>& files, const os::Path& to,
                FunctionRef<void(std::uint64_t, std::uint64_t)> progress) {
  std::uint64_t all = 0;
  for (const FileToCopy& file : files) all += disk_bytes(file.from);
  std::uint64_t done = 0;
  for (const FileToCopy& file : files) {
    LATHE_CHECK(copy_file(file.from, to / file.name, [&](std::uint64_t bytes) {
      done += bytes;
      progress(done, all);
    }));
  }
  return {};
}

// What the files say of the model: all of a record but name, path, size, types and fingerprint.
Result<store::ModelRecord> describe(const formats::ModelSource& source) {
  store::ModelRecord record;
  record.family = source.config().family;
  record.context_length = formats::context_limit(source.config());
  LATHE_TRY(const text::Tokenizer tokenizer, text::load_tokenizer(source));
  record.tokenizer_hash = tokenizer.hash();
  if (const auto chat = text::load_chat_encoder(source); chat.ok()) {
    record.template_hash = fmt::format("{:016x}", chat->chat_template().hash());
  } else if (chat.error().kind != ErrorKind::not_found) {
    return chat.error();  // a model without a template takes completions; a broken one is an error
  }
  return record;
}

// The type of most weights is what a model is called after.
Status describe_types(const formats::ModelSource& source, store::ModelRecord& record) {
  LATHE_TRY(const auto types, formats::weights_by_type(source));
  record.parameters = 0;
  for (const formats::WeightsOfType& of : types) record.parameters += of.parameters;
  if (!types.empty()) record.quantization = tensor::to_string(types.front().dtype);
  return {};
}

// Of the copy: what stands in the store is what is recorded.
Status describe_weights(const os::Path& folder, Parallel& parallel, store::ModelRecord& record) {
  LATHE_TRY(const os::Path file, tasks::model_path(folder));
  LATHE_TRY(const formats::ModelSource source, formats::ModelSource::open(file));
  LATHE_CHECK(describe_types(source, record));
  LATHE_TRY(record.fingerprint, weights_fingerprint(source, parallel));
  return {};
}

using Details = nlohmann::json;

void add_certificates(const std::vector<evaluation::Certificate>& certificates, Details& details) {
  if (certificates.empty()) return;
  Details list = Details::array();
  for (const evaluation::Certificate& c : certificates) list.push_back(evaluation::to_json(c));
  details["certificates"] = std::move(list);
}

Result<Details> copy_files(const formats::ModelSource& source, const os::Path& to,
                           FunctionRef<void(std::uint64_t, std::uint64_t)> progress) {
  LATHE_TRY(const auto certificates, evaluation::find_certificates(source));
  LATHE_TRY(const std::vector<FileToCopy> files, files_of(source));
  LATHE_CHECK(copy_all(files, to, progress));
  Details details = Details::object();
  add_certificates(certificates, details);
  return details;
}

Result<Details> write_converted(const formats::ModelSource& source, const os::Path& to,
                                const ConversionOptions& options, Parallel& parallel) {
  using Target = formats::ConversionPlan::Target;
  const bool as_gguf = source.gguf() != nullptr || tensor::is_block_type(*options.type);
  const Target target = as_gguf ? Target::gguf : Target::folder;
  LATHE_TRY(const Conversion conversion, convert(source, target, to, options, parallel));
  const OutputFacts facts{conversion.certificates, {}};
  if (options.progress) options.progress("writing the weights");
  const formats::ModelSource& result = conversion.model.model();
  LATHE_CHECK(as_gguf ? write_gguf(result, to / "model.gguf", facts)
                      : write_folder(result, to, facts));
  if (as_gguf && source.gguf() == nullptr) {
    LATHE_TRY(const auto readme, formats::find_readme(source.path()));
    if (readme) LATHE_CHECK(os::write_file_atomically(to / "README.md", *readme));
  }
  Details details = Details::object();
  details["conversion"] = to_json(conversion.model.report(), options.type);
  add_certificates(conversion.certificates, details);
  return details;
}

Error taken(const std::string& name) {
  return Error::already_exists(fmt::format("there is a model '{}' already", name))
      .fix_with(fmt::format("give another --name, or remove it: lathe models rm {}", name));
}

}  // namespace

std::string default_model_name(const os::Path& path) {
  const os::Path clean = (path / "").lexically_normal().parent_path();
  return clean.extension() == ".gguf" ? clean.stem().string() : clean.filename().string();
}

Result<store::ModelRecord> describe_model(const os::Path& path) {
  LATHE_TRY(const os::Path file, tasks::model_path(path));
  LATHE_TRY(const formats::ModelSource source, formats::ModelSource::open(file));
  LATHE_TRY(store::ModelRecord record, describe(source));
  LATHE_CHECK(describe_types(source, record));
  return record;
}

namespace {

// From staged files to a model of the store. The record lacks what the copy shows.
Result<store::ModelRecord> record_staged(LocalStore& store, StagedFolder staged,
                                         const os::Path& target, store::ModelRecord record,
                                         store::IfExists if_exists, Parallel& parallel) {
  LATHE_CHECK(describe_weights(staged.path(), parallel, record));
  record.size_bytes = static_cast<std::int64_t>(disk_bytes(staged.path()));
  LATHE_TRY(record.path, store.home.relative(target));
  LATHE_CHECK(staged.commit());
  if (const Status added = store.catalogue.add_model(record, if_exists); !added.ok()) {
    std::error_code ignored;
    fs::remove_all(target, ignored);
    return added.error();
  }
  return store.catalogue.model(record.name);
}

// Where the files of a model go that replaces another: beside them, so that until the record
// changes, in one step, the old model is whole. Names hold no "@".
os::Path place_beside(const os::Path& taken) {
  std::error_code code;
  for (int n = 2;; ++n) {
    os::Path place = taken.string() + fmt::format("@{}", n);
    if (!fs::exists(place, code)) return place;
  }
}

Status link_or_copy(const os::Path& from, const os::Path& to) {
  std::error_code code;
  fs::create_hard_link(from, to, code);
  if (!code) return {};
  return copy_file(from, to, [](std::uint64_t) {});
}

}  // namespace

Result<store::ModelRecord> import_model(LocalStore& store, const os::Path& path,
                                        const std::string& name, Parallel& parallel,
                                        FunctionRef<void(std::uint64_t, std::uint64_t)> progress,
                                        const ConversionOptions& conversion) {
  LATHE_TRY(const os::Path target, store.home.model_folder(name));
  LATHE_TRY(const os::Path file, tasks::model_path(path));
  LATHE_TRY(const formats::ModelSource source, formats::ModelSource::open(file));
  LATHE_TRY(store::ModelRecord record, describe(source));

  LATHE_TRY(StagedFolder staged, StagedFolder::begin(target));
  if (store.catalogue.model(name).ok()) return taken(name);
  LATHE_TRY(const Details details,
            conversion.type ? write_converted(source, staged.path(), conversion, parallel)
                            : copy_files(source, staged.path(), progress));
  record.details = details.dump(-1, ' ', false, Details::error_handler_t::replace);
  record.name = name;
  return record_staged(store, std::move(staged), target, std::move(record), store::IfExists::refuse,
                       parallel);
}

Result<store::ModelRecord> take_in_model(LocalStore& store, const ModelToTakeIn& model,
                                         Parallel& parallel) {
  LATHE_TRY(os::Path target, store.home.model_folder(model.name));
  LATHE_TRY(const os::Path file, tasks::model_path(model.path));
  LATHE_TRY(const formats::ModelSource source, formats::ModelSource::open(file));
  LATHE_TRY(store::ModelRecord record, describe(source));
  LATHE_TRY(std::vector<FileToCopy> files, files_of(source));
  const os::Path folder = fs::is_directory(model.path) ? model.path : model.path.parent_path();
  for (const std::string& card : model.cards) files.push_back({folder / card, card});

  const auto old = store.catalogue.model(model.name);
  if (old.ok() && model.if_exists == store::IfExists::refuse) return taken(model.name);
  if (old.ok()) target = place_beside(target);
  LATHE_TRY(StagedFolder staged, StagedFolder::begin(target));
  for (const FileToCopy& each : files)
    LATHE_CHECK(link_or_copy(each.from, staged.path() / each.name));
  record.name = model.name;
  record.details = model.details;
  LATHE_TRY(const store::ModelRecord made,
            record_staged(store, std::move(staged), target, std::move(record), model.if_exists,
                          parallel));
  if (old.ok()) {
    LATHE_TRY(const os::Path before, store.home.absolute(old->path));
    std::error_code ignored;  // nobody's record points to it any more
    fs::remove_all(before, ignored);
  }
  return made;
}

Status remove_model(LocalStore& store, const std::string& name) {
  LATHE_TRY(const store::ModelRecord record, store.catalogue.model(name));
  LATHE_TRY(const os::Path path, store.home.absolute(record.path));
  LATHE_TRY(const FolderLock lock, FolderLock::take(store.home.folder() / "models"));
  LATHE_CHECK(store.catalogue.remove_model(name));
  std::error_code code;
  fs::remove_all(path, code);
  if (code) return Error::io("cannot remove the files: " + code.message()).at(path.string());
  return {};
}

}  // namespace lathe::host
