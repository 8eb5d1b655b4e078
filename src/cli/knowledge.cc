// lathe knowledge: knowledge bases, the documents that answers are retrieved from.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/resolve.h"
#include "host/adaptation_import.h"
#include "host/staged_folder.h"

namespace lathe::cli {
namespace {

struct KnowledgeOptions {
  std::string name;
  std::vector<std::string> paths;      // create, add
  std::vector<std::string> documents;  // rm
  std::string query;
  std::size_t count = 3;
  retrieval::ChunkOptions chunking;
};

constexpr std::size_t kMaxHits = 100;

Result<std::vector<retrieval::Document>> load(const std::vector<std::string>& paths) {
  std::vector<retrieval::Document> documents;
  for (const std::string& path : paths) {
    LATHE_TRY(auto found, retrieval::load_documents(path));
    for (auto& document : found) documents.push_back(std::move(document));
  }
  return documents;
}

nlohmann::json document_json(const retrieval::DocumentInfo& document) {
  return {{"name", document.name},
          {"title", document.title},
          {"bytes", document.bytes},
          {"chunks", document.chunks}};
}

// What a base holds after a change.
Status report(LocalStore& store, const std::string& name, bool json) {
  LATHE_TRY(retrieval::KnowledgeBase base, host::open_knowledge(store, name));
  LATHE_TRY(const auto documents, base.list());
  std::int64_t chunks = 0;
  for (const auto& document : documents) chunks += document.chunks;
  if (json) {
    print_json({{"name", name}, {"documents", documents.size()}, {"chunks", chunks}});
  } else {
    fmt::print("{}: {} documents, {} chunks; name it as MODEL+{}\n", name, documents.size(), chunks,
               name);
  }
  return {};
}

Status create_knowledge(const KnowledgeOptions& options, const Common& common) {
  LATHE_TRY(const auto documents, load(options.paths));
  LATHE_TRY(LocalStore store, open_store(common));
  LATHE_CHECK(host::create_knowledge(store, options.name, options.chunking, documents));
  return report(store, options.name, common.json);
}

Status add_knowledge(const KnowledgeOptions& options, const Common& common) {
  LATHE_TRY(const auto documents, load(options.paths));
  LATHE_TRY(LocalStore store, open_store(common));
  LATHE_TRY(retrieval::KnowledgeBase base, host::open_knowledge(store, options.name));
  LATHE_CHECK(base.add_documents(documents));
  return report(store, options.name, common.json);
}

// The whole base, or documents of it.
Status remove_knowledge(const KnowledgeOptions& options, const Common& common) {
  LATHE_TRY(LocalStore store, open_store(common));
  LATHE_TRY(retrieval::KnowledgeBase base, host::open_knowledge(store, options.name));
  for (const std::string& document : options.documents) {
    LATHE_CHECK(base.remove(document).at(options.name));
  }
  if (!options.documents.empty()) return report(store, options.name, common.json);
  LATHE_CHECK(host::remove_adaptation(store, options.name));
  if (common.json) {
    print_json({{"removed", options.name}});
  } else {
    fmt::print("removed {}\n", options.name);
  }
  return {};
}

Status search(const KnowledgeOptions& options, const Common& common) {
  LATHE_TRY(LocalStore store, open_store(common));
  LATHE_TRY(retrieval::KnowledgeBase base, host::open_knowledge(store, options.name));
  LATHE_TRY(const auto hits, base.search(options.query, options.count));
  if (common.json) {
    auto data = nlohmann::json::array();
    for (const retrieval::Hit& hit : hits) {
      data.push_back({{"document", hit.document},
                      {"chunk", hit.chunk},
                      {"title", hit.title},
                      {"score", hit.score},
                      {"text", hit.text}});
    }
    print_json(data);
    return {};
  }
  if (hits.empty()) fmt::print("nothing found\n");
  for (const retrieval::Hit& hit : hits) {
    fmt::print("{}#{}  {}  ({:.2f})\n{}\n\n", hit.document, hit.chunk, hit.title, hit.score,
               hit.text);
  }
  return {};
}

Status list_documents(LocalStore& store, const std::string& name, bool json) {
  LATHE_TRY(retrieval::KnowledgeBase base, host::open_knowledge(store, name));
  LATHE_TRY(const auto documents, base.list());
  if (json) {
    auto data = nlohmann::json::array();
    for (const auto& document : documents) data.push_back(document_json(document));
    print_json(data);
    return {};
  }
  Table table({"DOCUMENT", "TITLE", "SIZE", "CHUNKS"});
  for (const auto& document : documents) {
    table.add({document.name, shortened(document.title, 50), human_bytes(document.bytes),
               std::to_string(document.chunks)});
  }
  table.print("there are no documents in it yet; lathe knowledge add NAME PATH adds some");
  return {};
}

Status list_bases(LocalStore& store, bool json) {
  LATHE_TRY(const auto adaptations, store.catalogue.adaptations());
  auto data = nlohmann::json::array();
  Table table({"NAME", "DOCUMENTS", "CHUNKS", "SIZE", "CREATED"});
  for (const auto& adaptation : adaptations) {
    if (adaptation.kind != store::AdaptationKind::knowledge) continue;
    LATHE_TRY(const os::Path path, store.home.absolute(adaptation.path));
    LATHE_TRY(auto base, retrieval::KnowledgeBase::open(path));
    LATHE_TRY(const auto documents, base.list());
    std::int64_t chunks = 0;
    for (const auto& document : documents) chunks += document.chunks;
    const auto bytes = static_cast<std::int64_t>(host::disk_bytes(path));
    data.push_back({{"name", adaptation.name},
                    {"documents", documents.size()},
                    {"chunks", chunks},
                    {"size_bytes", bytes},
                    {"created", adaptation.created}});
    table.add({adaptation.name, std::to_string(documents.size()), std::to_string(chunks),
               human_bytes(bytes), human_time(adaptation.created)});
  }
  if (json) {
    print_json(data);
  } else {
    table.print("there are no knowledge bases yet; lathe knowledge create NAME PATH makes one");
  }
  return {};
}

Status list_knowledge(const KnowledgeOptions& options, const Common& common) {
  LATHE_TRY(LocalStore store, open_store(common));
  if (options.name.empty()) return list_bases(store, common.json);
  return list_documents(store, options.name, common.json);
}

CLI::App* add_create_knowledge(CLI::App& command, KnowledgeOptions& options) {
  CLI::App* create = command.add_subcommand("create", "make a base, with documents or without");
  create->add_option("NAME", options.name, "what references call it")->required();
  create->add_option("PATH", options.paths, "Markdown or text files, or folders of them");
  create->add_option("--words", options.chunking.words, "words of a chunk")->capture_default_str();
  create
      ->add_option("--overlap", options.chunking.overlap_words,
                   "words that a chunk repeats of the one before")
      ->capture_default_str();
  create->footer("example: lathe knowledge create handbook examples/helpdesk/handbook");
  return create;
}

CLI::App* add_search(CLI::App& command, KnowledgeOptions& options) {
  CLI::App* search = command.add_subcommand("search", "the chunks that fit a question best");
  search->add_option("NAME", options.name, "the base")->required();
  search->add_option("QUERY", options.query, "any text")->required();
  search->add_option("-k,--count", options.count, "how many at most")
      ->check(CLI::Range(std::size_t{1}, kMaxHits))
      ->capture_default_str();
  search->footer("example: lathe knowledge search handbook \"how long is the warranty?\"");
  return search;
}

}  // namespace

Action add_knowledge(CLI::App& program, const Common& common) {
  auto options = make_options<KnowledgeOptions>();
  CLI::App* command = program.add_subcommand("knowledge", "documents that answers are drawn from");
  command->require_subcommand(1);
  CLI::App* create_command = add_create_knowledge(*command, *options);
  CLI::App* add_command =
      command->add_subcommand("add", "add documents; one of the same name is replaced");
  add_command->add_option("NAME", options->name, "the base")->required();
  add_command->add_option("PATH", options->paths, "files, or folders of them")->required();
  CLI::App* remove_command =
      command->add_subcommand("rm", "remove documents, or the whole base when none is named");
  remove_command->add_option("NAME", options->name, "the base")->required();
  remove_command->add_option("DOCUMENT", options->documents, "as `knowledge ls NAME` has them");
  CLI::App* search_command = add_search(*command, *options);
  CLI::App* list_command = command->add_subcommand("ls", "the bases, or the documents of one");
  list_command->add_option("NAME", options->name, "the base");
  command->footer(
      "examples: lathe knowledge create handbook examples/helpdesk/handbook\n"
      "          lathe run starter+handbook \"How long is the warranty?\"");
  (void)list_command;
  return [=, &common]() -> Status {
    if (create_command->parsed()) return create_knowledge(*options, common);
    if (add_command->parsed()) return add_knowledge(*options, common);
    if (remove_command->parsed()) return remove_knowledge(*options, common);
    if (search_command->parsed()) return search(*options, common);
    return list_knowledge(*options, common);
  };
}

}  // namespace lathe::cli
