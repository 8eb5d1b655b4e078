// lathe adaptations: what the local store has, adding one from files, and removing one.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/record_json.h"
#include "cli/resolve.h"
#include "host/adaptation_import.h"
#include "host/staged_folder.h"
#include "os/thread_pool.h"

namespace lathe::cli {
namespace {

struct AdaptationsOptions {
  std::string name;
  std::string kind;
  std::string base;
  std::string path;
};

// A knowledge base grows after it was recorded.
std::int64_t size_of(const LocalStore& store, const store::AdaptationRecord& adaptation) {
  const auto path = store.home.absolute(adaptation.path);
  return path.ok() ? static_cast<std::int64_t>(host::disk_bytes(*path)) : adaptation.size_bytes;
}

Status list_adaptations(const Common& common) {
  LATHE_TRY(LocalStore store, open_store(common));
  LATHE_TRY(auto adaptations, store.catalogue.adaptations());
  for (auto& adaptation : adaptations) adaptation.size_bytes = size_of(store, adaptation);
  if (common.json) {
    auto data = nlohmann::json::array();
    for (const auto& adaptation : adaptations) data.push_back(to_json(adaptation));
    print_json(data);
    return {};
  }
  Table table({"NAME", "KIND", "BASE", "SIZE", "ADDED"});
  for (const auto& adaptation : adaptations) {
    table.add({adaptation.name, store::to_string(adaptation.kind),
               adaptation.base_model.empty() ? "any" : adaptation.base_model,
               human_bytes(adaptation.size_bytes), human_time(adaptation.created)});
  }
  table.print(
      "there are no adaptations yet; lathe tune, lathe prompt and lathe knowledge make some");
  return {};
}

Result<store::AdaptationRecord> add_adaptations(LocalStore& store,
                                                const AdaptationsOptions& options,
                                                const Common& common) {
  LATHE_TRY(const auto kind, store::parse_adaptation_kind(options.kind).at("--kind"));
  if (store::is_bound_to_model(kind) && options.base.empty()) {
    return Error::bad_input(fmt::format("a {} belongs to one model", options.kind))
        .at("--base")
        .fix_with("name the model that it was made for");
  }
  if (!store::is_bound_to_model(kind) && !options.base.empty()) {
    return Error::bad_input(fmt::format("a {} fits every model", options.kind))
        .at("--base")
        .fix_with("leave it out");
  }
  switch (kind) {
    case store::AdaptationKind::prompt: {
      LATHE_TRY(const auto prompt, prompting::read_prompt_adaptation(options.path));
      return host::add_prompt(store, options.name, prompt);
    }
    case store::AdaptationKind::knowledge: {
      if (os::Path(options.path).extension() == ".db")
        return host::add_knowledge(store, options.name, options.path);
      LATHE_TRY(const auto documents, retrieval::load_documents(options.path));
      return host::create_knowledge(store, options.name, {}, documents);
    }
    case store::AdaptationKind::lora:
    case store::AdaptationKind::soft_prompt: {
      os::ThreadPool pool(common.thread_plan());
      return host::add_peft(store, options.name, kind, options.base, options.path, pool);
    }
    case store::AdaptationKind::head:
      break;
  }
  return Error::unsupported("heads cannot be added yet").at("--kind");
}

Status add_adaptations(const AdaptationsOptions& options, const Common& common) {
  LATHE_TRY(LocalStore store, open_store(common));
  LATHE_TRY(const auto added, add_adaptations(store, options, common));
  if (common.json) {
    print_json(to_json(added));
    return {};
  }
  const std::string base = added.base_model.empty() ? "MODEL" : added.base_model;
  fmt::print("{}: a {}, {}; name it as {}+{}\n", added.name, store::to_string(added.kind),
             human_bytes(added.size_bytes), base, added.name);
  return {};
}

Status remove_adaptations(const std::string& name, const Common& common) {
  LATHE_TRY(LocalStore store, open_store(common));
  LATHE_CHECK(host::remove_adaptation(store, name));
  if (common.json) {
    print_json({{"removed", name}});
  } else {
    fmt::print("removed {}\n", name);
  }
  return {};
}

}  // namespace

Action add_adaptations(CLI::App& program, const Common& common) {
  auto options = make_options<AdaptationsOptions>();
  CLI::App* command = program.add_subcommand("adaptations", "the adaptations of the local store");
  command->require_subcommand(0, 1);
  CLI::App* list_command = command->add_subcommand("list", "all of them (also without a word)");
  CLI::App* add_command = command->add_subcommand("add", "copy one into the store");
  add_command->add_option("NAME", options->name, "what references call it")->required();
  add_command
      ->add_option("PATH", options->path,
                   "a PEFT folder (lora, soft-prompt), a prompt file (prompt), a document or "
                   "folder of them or a knowledge base's .db file (knowledge)")
      ->required();
  add_command->add_option("--kind", options->kind, "lora, soft-prompt, prompt or knowledge")
      ->required();
  add_command->add_option("--base", options->base, "the model that a lora or soft-prompt is for");
  add_command->footer(
      "example: lathe adaptations add helpdesk-lora ./helpdesk-lora --kind lora --base starter");
  CLI::App* remove_command = command->add_subcommand("rm", "remove one and its files");
  remove_command->add_option("NAME", options->name, "the adaptation")->required();
  command->footer(
      "examples: lathe adaptations\n"
      "          lathe adaptations add helpdesk-lora ./helpdesk-lora --kind lora --base starter");
  return [=, &common]() -> Status {
    if (add_command->parsed()) return add_adaptations(*options, common);
    if (remove_command->parsed()) return remove_adaptations(options->name, common);
    (void)list_command;
    return list_adaptations(common);
  };
}

}  // namespace lathe::cli
