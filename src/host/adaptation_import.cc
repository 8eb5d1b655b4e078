#include "host/adaptation_import.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "adapters/adapter.h"
#include "base/fnv.h"
#include "host/staged_folder.h"
#include "models/decoder.h"
#include "store/names.h"

namespace lathe::host {
namespace {

namespace fs = std::filesystem;
using store::AdaptationKind;
using store::AdaptationRecord;

constexpr const char* kPeftFiles[] = {"adapter_config.json", "adapter_model.safetensors"};

AdaptationKind kind_of(const formats::PeftConfig& config) {
  using Kind = formats::PeftConfig::Kind;
  const bool of_modules = config.kind == Kind::lora || config.kind == Kind::ia3;
  return of_modules ? AdaptationKind::lora : AdaptationKind::soft_prompt;
}

nlohmann::json targets_of(const formats::LoraConfig& lora) {
  if (lora.all_linear) return "all-linear";
  if (!lora.target_regex.empty()) return lora.target_regex;
  return lora.target_modules;
}

nlohmann::json settings_of(const formats::PeftConfig& config) {
  if (config.kind == formats::PeftConfig::Kind::lora) {
    return {{"method", "lora"},
            {"rank", config.lora.rank},
            {"alpha", config.lora.alpha},
            {"target_modules", targets_of(config.lora)}};
  }
  if (config.kind == formats::PeftConfig::Kind::ia3)
    return {{"method", "ia3"}, {"target_modules", targets_of(config.lora)}};
  const bool tuned = config.kind == formats::PeftConfig::Kind::prompt_tuning;
  const bool prefix = config.kind == formats::PeftConfig::Kind::prefix_tuning;
  return {{"method", tuned    ? "prompt"
                     : prefix ? "prefix"
                              : "p-tuning"},
          {"virtual_tokens", config.prompt.virtual_tokens}};
}

Status check_kind(const formats::PeftAdapter& peft, AdaptationKind asked, const os::Path& folder) {
  const AdaptationKind found = kind_of(peft.config());
  if (found == asked) return {};
  return Error::bad_input(fmt::format("the folder holds a {}, not a {}", store::to_string(found),
                                      store::to_string(asked)))
      .at(folder.string())
      .fix_with(fmt::format("give --kind {}", store::to_string(found)));
}

Status check_fits(LocalStore& store, const store::ModelRecord& base, const os::Path& folder,
                  Parallel& parallel) {
  LATHE_TRY(const os::Path path, store.home.absolute(base.path));
  LATHE_TRY(const os::Path file, tasks::model_path(path));
  LATHE_TRY(const formats::ModelSource source, formats::ModelSource::open(file));
  LATHE_TRY(const auto decoder, models::Decoder::load(source, parallel));
  LATHE_CHECK(adapters::load_adapter(*decoder, folder).at("base " + base.name));
  return {};
}

Error adaptation_taken(const std::string& name) {
  return Error::already_exists(fmt::format("there is an adaptation '{}' already", name))
      .fix_with(fmt::format("choose another name, or remove it: lathe adaptations rm {}", name));
}

// The record as the catalogue has it after adding.
Result<AdaptationRecord> record(LocalStore& store, const AdaptationRecord& made,
                                store::IfExists if_exists = store::IfExists::refuse) {
  LATHE_CHECK(store.catalogue.add_adaptation(made, if_exists));
  return store.catalogue.adaptation(made.name);
}

Result<os::Path> file_of(LocalStore& store, const std::string& name, AdaptationKind kind) {
  LATHE_TRY(const AdaptationRecord found, store.catalogue.adaptation(name));
  if (found.kind == kind) return store.home.absolute(found.path);
  return Error::bad_input(fmt::format("'{}' is a {}, not a {}", name, store::to_string(found.kind),
                                      store::to_string(kind)));
}

// A database and the files that SQLite may keep beside it.
Status remove_database(const os::Path& file) {
  for (const char* suffix : {"", "-wal", "-shm", "-journal"}) {
    std::error_code code;
    os::Path path = file;
    path += suffix;
    fs::remove(path, code);
    if (code) return Error::io("cannot remove the file: " + code.message()).at(path.string());
  }
  return {};
}

}  // namespace

Result<AdaptationRecord> add_peft(LocalStore& store, const std::string& name, AdaptationKind kind,
                                  const std::string& base, const os::Path& folder,
                                  Parallel& parallel) {
  LATHE_TRY(const os::Path target, store.home.adaptation_folder(name));
  LATHE_TRY(const store::ModelRecord model, store.catalogue.model(base));
  LATHE_TRY(const formats::PeftAdapter peft, formats::PeftAdapter::open(folder));
  LATHE_CHECK(check_kind(peft, kind, folder));
  LATHE_CHECK(check_fits(store, model, folder, parallel));

  LATHE_TRY(StagedFolder staged, StagedFolder::begin(target));
  if (store.catalogue.adaptation(name).ok()) return adaptation_taken(name);
  for (const char* file : kPeftFiles) {
    LATHE_CHECK(copy_file(folder / file, staged.path() / file, [](std::uint64_t) {}));
  }
  AdaptationRecord made;
  made.name = name;
  made.kind = kind;
  made.base_model = model.name;
  made.base_fingerprint = model.fingerprint;
  made.size_bytes = static_cast<std::int64_t>(disk_bytes(staged.path()));
  made.settings = settings_of(peft.config()).dump();
  LATHE_TRY(made.path, store.home.relative(target));
  LATHE_CHECK(staged.commit());
  return record(store, made);
}

Result<AdaptationRecord> add_prompt(LocalStore& store, const std::string& name,
                                    const prompting::PromptAdaptation& prompt,
                                    store::IfExists if_exists) {
  LATHE_TRY(const os::Path folder, store.home.adaptation_folder(name));
  LATHE_CHECK(prompting::check_prompt_adaptation(prompt));
  const std::string text = prompting::to_json(prompt);
  Fnv64 hash;
  hash.add(text);
  LATHE_TRY(const FolderLock lock, FolderLock::take(folder.parent_path()));
  const auto old = store.catalogue.adaptation(name);
  if (old.ok() && if_exists == store::IfExists::refuse) return adaptation_taken(name);
  LATHE_CHECK(os::make_directories(folder));
  // A file name that goes with the content: the record moves from the old file to the new one at
  // once, and whoever reads the old one is not disturbed.
  const os::Path file = folder / fmt::format("prompt-{:016x}.json", hash.value());
  LATHE_CHECK(prompting::write_prompt_adaptation(file, prompt));
  AdaptationRecord made;
  made.name = name;
  made.kind = AdaptationKind::prompt;
  made.size_bytes = static_cast<std::int64_t>(disk_bytes(file));
  made.settings =
      nlohmann::json({{"examples", prompt.examples.size()}, {"shots", prompt.shots}}).dump();
  LATHE_TRY(made.path, store.home.relative(file));
  Result<AdaptationRecord> added = record(store, made, if_exists);
  // One of the two files is nobody's now.
  const std::string left = !added.ok() ? made.path : old.ok() ? old->path : std::string();
  const std::string kept = added.ok() ? made.path : old.ok() ? old->path : std::string();
  if (!left.empty() && left != kept) {
    std::error_code ignored;
    LATHE_TRY(const os::Path path, store.home.absolute(left));
    fs::remove_all(path, ignored);
  }
  return added;
}

Result<AdaptationRecord> create_knowledge(LocalStore& store, const std::string& name,
                                          const retrieval::ChunkOptions& chunking,
                                          std::span<const retrieval::Document> documents) {
  LATHE_TRY(const os::Path file, store.home.knowledge_file(name));
  LATHE_TRY(const FolderLock lock, FolderLock::take(file.parent_path()));
  if (store.catalogue.adaptation(name).ok()) return adaptation_taken(name);
  LATHE_CHECK(remove_database(file));  // of somebody who died before it was recorded
  {
    LATHE_TRY(retrieval::KnowledgeBase base, retrieval::KnowledgeBase::create(file, chunking));
    if (!documents.empty()) LATHE_CHECK(base.add_documents(documents));
  }
  AdaptationRecord made;
  made.name = name;
  made.kind = AdaptationKind::knowledge;
  made.size_bytes = static_cast<std::int64_t>(disk_bytes(file));
  made.settings =
      nlohmann::json({{"words", chunking.words}, {"overlap_words", chunking.overlap_words}}).dump();
  LATHE_TRY(made.path, store.home.relative(file));
  return record(store, made);
}

Result<AdaptationRecord> add_knowledge(LocalStore& store, const std::string& name,
                                       const os::Path& file) {
  LATHE_TRY(retrieval::KnowledgeBase base, retrieval::KnowledgeBase::open(file));
  LATHE_CHECK(base.check_integrity().at(file.string()));
  LATHE_TRY(const auto listed, base.list());
  std::vector<retrieval::Document> documents;
  for (const retrieval::DocumentInfo& info : listed) {
    LATHE_TRY(retrieval::Document document, base.document(info.name));
    documents.push_back(std::move(document));
  }
  return create_knowledge(store, name, base.chunking(), documents);
}

Result<retrieval::KnowledgeBase> open_knowledge(LocalStore& store, const std::string& name) {
  LATHE_TRY(const os::Path file, file_of(store, name, AdaptationKind::knowledge));
  return retrieval::KnowledgeBase::open(file);
}

Result<prompting::PromptAdaptation> read_prompt(LocalStore& store, const std::string& name) {
  LATHE_TRY(const os::Path file, file_of(store, name, AdaptationKind::prompt));
  return prompting::read_prompt_adaptation(file);
}

Status remove_adaptation(LocalStore& store, const std::string& name) {
  LATHE_TRY(const AdaptationRecord found, store.catalogue.adaptation(name));
  LATHE_TRY(const os::Path path, store.home.absolute(found.path));
  const bool is_knowledge = found.kind == AdaptationKind::knowledge;
  LATHE_TRY(const FolderLock lock,
            FolderLock::take(store.home.folder() / (is_knowledge ? "knowledge" : "adaptations")));
  LATHE_CHECK(store.catalogue.remove_adaptation(name));
  if (is_knowledge) return remove_database(path);
  LATHE_TRY(const os::Path folder, store.home.adaptation_folder(name));
  std::error_code code;
  fs::remove_all(folder, code);
  if (code) return Error::io("cannot remove the files: " + code.message()).at(folder.string());
  return {};
}

}  // namespace lathe::host
