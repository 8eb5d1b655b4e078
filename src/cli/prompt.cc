// lathe prompt: prompts as adaptations (system text, template, few-shot examples).
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/record_json.h"
#include "cli/resolve.h"
#include "host/adaptation_import.h"
#include "training/dataset.h"

namespace lathe::cli {
namespace {

struct PromptOptions {
  std::string name;
  std::string system;
  std::string system_file;
  std::string input_template;
  std::string examples;
  std::string selection = "similar";
  std::optional<std::size_t> shots;
  bool diverse = false;
  std::size_t passages = 0;
  bool replace = false;
};

// A row as an example: the last turn of the user and the answer to it. Errors name the line.
Result<prompting::Example> example_of(const training::Row& row) {
  const auto wrong = [&](const char* what) {
    return Error::bad_input(what)
        .at(fmt::format("line {}", row.line))
        .fix_with("examples are rows with one user turn and one answer, or text and label");
  };
  if (row.kind == training::Row::Kind::completion) return prompting::Example{row.prompt, row.text};
  if (row.kind == training::Row::Kind::text) return wrong("a plain text is no example");
  prompting::Example example;
  for (const text::Message& message : row.messages) {
    if (message.role == "system") continue;
    std::string& side = message.role == "user" ? example.input : example.output;
    if (!side.empty()) return wrong("a conversation of several turns is no example");
    side = message.content;
  }
  if (example.input.empty() || example.output.empty()) return wrong("a turn is missing");
  return example;
}

Result<std::vector<prompting::Example>> read_examples(const std::string& path) {
  LATHE_TRY(const auto rows, training::read_dataset(path));
  std::vector<prompting::Example> examples;
  for (const training::Row& row : rows) {
    LATHE_TRY(auto example, example_of(row).at(path));
    examples.push_back(std::move(example));
  }
  return examples;
}

Result<prompting::PromptAdaptation> prompt_of(const PromptOptions& options) {
  prompting::PromptAdaptation prompt;
  prompt.system = options.system;
  if (!options.system_file.empty()) {
    LATHE_TRY(prompt.system, os::read_file(options.system_file, prompting::kMaxPromptFileBytes));
  }
  prompt.input_template = options.input_template;
  prompt.passages = options.passages;
  if (options.examples.empty()) return prompt;
  LATHE_TRY(prompt.examples, read_examples(options.examples));
  const bool fixed = options.selection == "fixed";
  prompt.selection =
      fixed ? prompting::ExampleSelection::fixed : prompting::ExampleSelection::similar;
  constexpr std::size_t kUsualShots = 4;
  const std::size_t usual = fixed ? prompting::kMaxShots : kUsualShots;
  prompt.shots = std::min(options.shots.value_or(usual), prompt.examples.size());
  prompt.diverse_outputs = options.diverse;
  return prompt;
}

Status create_prompt(const PromptOptions& options, const Common& common) {
  LATHE_TRY(const auto prompt, prompt_of(options));
  LATHE_TRY(LocalStore store, open_store(common));
  const auto if_exists = options.replace ? store::IfExists::replace : store::IfExists::refuse;
  LATHE_TRY(const auto added, host::add_prompt(store, options.name, prompt, if_exists));
  if (common.json) {
    print_json(to_json(added));
  } else {
    fmt::print("{}: a prompt with {} examples; name it as MODEL+{}\n", added.name,
               prompt.examples.size(), added.name);
  }
  return {};
}

// The file as it is: what `adaptations add --kind prompt` takes.
Status show_prompt(const PromptOptions& options, const Common& common) {
  LATHE_TRY(LocalStore store, open_store(common));
  LATHE_TRY(const auto prompt, host::read_prompt(store, options.name));
  print_json(nlohmann::json::parse(prompting::to_json(prompt), nullptr, false));
  return {};
}

Status list_prompt(const Common& common) {
  LATHE_TRY(LocalStore store, open_store(common));
  LATHE_TRY(const auto adaptations, store.catalogue.adaptations());
  auto data = nlohmann::json::array();
  Table table({"NAME", "EXAMPLES", "SHOTS", "SYSTEM"});
  for (const auto& adaptation : adaptations) {
    if (adaptation.kind != store::AdaptationKind::prompt) continue;
    LATHE_TRY(const auto prompt, host::read_prompt(store, adaptation.name));
    data.push_back({{"name", adaptation.name},
                    {"system", prompt.system},
                    {"examples", prompt.examples.size()},
                    {"shots", prompt.shots},
                    {"created", adaptation.created}});
    table.add({adaptation.name, std::to_string(prompt.examples.size()),
               std::to_string(prompt.shots), shortened(prompt.system, 60)});
  }
  if (common.json) {
    print_json(data);
  } else {
    table.print("there are no prompts yet; lathe prompt create NAME makes one");
  }
  return {};
}

CLI::App* add_create_prompt(CLI::App& command, PromptOptions& options) {
  CLI::App* create = command.add_subcommand("create", "make a prompt");
  create->add_option("NAME", options.name, "what references call it")->required();
  auto* system = create->add_option("--system", options.system, "what the model is told first");
  create->add_option("--system-file", options.system_file, "the same, from a file")
      ->excludes(system);
  create->add_option("--template", options.input_template,
                     "put around the user's text: \"Question: {input}\"");
  auto* examples =
      create->add_option("--examples", options.examples, "JSONL rows to choose few-shot from");
  create->add_option("--select", options.selection, "similar (to the user's text) or fixed")
      ->check(CLI::IsMember({"similar", "fixed"}))
      ->needs(examples)
      ->capture_default_str();
  create
      ->add_option("--shots", options.shots,
                   "examples in a prompt (default: 4 similar ones, or all fixed ones)")
      ->needs(examples);
  create->add_flag("--diverse", options.diverse, "go round the answers when choosing")
      ->needs(examples);
  create->add_option("--passages", options.passages, "passages to ask of a knowledge base");
  create->add_flag("--replace", options.replace, "take the place of a prompt of that name");
  create->footer(
      "example: lathe prompt create polite --system \"You are a polite help desk.\"\n"
      "         lathe prompt create shots --examples train.jsonl --shots 4");
  return create;
}

}  // namespace

Action add_prompt(CLI::App& program, const Common& common) {
  auto options = make_options<PromptOptions>();
  CLI::App* command = program.add_subcommand("prompt", "system texts, templates and examples");
  command->require_subcommand(1);
  CLI::App* create_command = add_create_prompt(*command, *options);
  CLI::App* show_command = command->add_subcommand("show", "one prompt, as its file has it");
  show_command->add_option("NAME", options->name, "the prompt")->required();
  CLI::App* list_command = command->add_subcommand("ls", "all of them");
  (void)list_command;
  command->footer(
      "examples: lathe prompt create polite --system \"You are a polite help desk.\"\n"
      "          lathe run starter+polite \"Where is my order?\"");
  return [=, &common]() -> Status {
    if (create_command->parsed()) return create_prompt(*options, common);
    if (show_command->parsed()) return show_prompt(*options, common);
    return list_prompt(common);
  };
}

}  // namespace lathe::cli
