// lathe inspect: what a model really gets, byte by byte and id by id, and what it makes of it.
#include "cli/inspect.h"

#include <map>

#include "cli/commands.h"
#include "cli/resolve.h"

namespace lathe::cli {

Result<text::TextFiles> inspected_texts(const Common& common, const std::string& reference) {
  std::error_code failed;
  if (std::filesystem::exists(reference, failed)) return text::load_text_files(reference);
  LATHE_TRY(const Resolved model, resolve(common, reference));
  LATHE_TRY(const os::Path path, tasks::model_path(model.model_path));
  return text::load_text_files(path);
}

Action add_inspect(CLI::App& program, const Common& common) {
  CLI::App* inspect =
      program.add_subcommand("inspect", "what a model gets: token ids, rendered prompts, logits");
  inspect->require_subcommand(1);
  inspect->footer(
      "examples: lathe inspect tokens starter \"How much is it?\"\n"
      "          lathe inspect render ./model --input request.json\n"
      "          lathe inspect logits ./model --ids 5,17,9 --out logits.safetensors");
  auto actions = std::make_shared<std::map<std::string, Action>>();
  (*actions)["tokens"] = add_inspect_tokens(*inspect, common);
  (*actions)["render"] = add_inspect_render(*inspect, common);
  (*actions)["logits"] = add_inspect_logits(*inspect, common);
  return
      [inspect, actions] { return actions->at(inspect->get_subcommands().front()->get_name())(); };
}

}  // namespace lathe::cli
