// lathe inspect render: the exact bytes that a chat template makes of a request.
#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/inspect.h"
#include "text/chat_request.h"

namespace lathe::cli {
namespace {

using nlohmann::json;

constexpr std::uint64_t kMaxRequestBytes = std::uint64_t{64} << 20;

struct InspectRenderOptions {
  std::string reference;
  std::string input;
  std::string name;  // of the template; empty: the one transformers would take
};

Status run_inspect_render(const InspectRenderOptions& options, const Common& common) {
  LATHE_TRY(text::TextFiles files, inspected_texts(common, options.reference));
  LATHE_TRY(const std::string input, os::read_file(options.input, kMaxRequestBytes));
  LATHE_TRY(const text::ChatRequest request, text::read_chat_request(input).at(options.input));
  LATHE_TRY(const formats::NamedTemplate* chosen,
            (options.name.empty() ? text::choose_template(files.templates, request.has_tools())
                                  : text::find_template(files.templates, options.name))
                .at(options.reference));
  LATHE_TRY(
      const auto parsed,
      text::ChatTemplate::parse(chosen->source, std::move(files.special)).at(options.reference));
  LATHE_TRY(const std::string rendered,
            parsed.render_json(request.messages_json, request.options).at(options.reference));
  if (common.json) {
    fmt::print("{}\n", json{{"render", rendered}}.dump());
    return {};
  }
  if (std::fwrite(rendered.data(), 1, rendered.size(), stdout) != rendered.size())
    return Error::io("writing to standard output failed");
  return {};
}

}  // namespace

Action add_inspect_render(CLI::App& inspect, const Common& common) {
  auto options = make_options<InspectRenderOptions>();
  CLI::App* command = inspect.add_subcommand("render", "a request as the chat template writes it");
  command->add_option("REF", options->reference, "a model, or a folder, .gguf or .jinja file")
      ->required();
  command
      ->add_option("--input", options->input,
                   "JSON: messages, tools, documents, add_generation_prompt, "
                   "continue_final_message and further variables")
      ->required();
  command->add_option("--template", options->name,
                      "of several templates the one of this name (default: tool_use for a request "
                      "with tools, else default)");
  command->footer(
      "Prints the bytes and nothing else. A template that refuses ends with exit code 1.\n\n"
      "example: lathe inspect render ./chat_template.jinja --input request.json");
  return [options, &common] { return run_inspect_render(*options, common); };
}

}  // namespace lathe::cli
