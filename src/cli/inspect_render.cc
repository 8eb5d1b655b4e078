// lathe inspect render: the exact bytes that a chat template makes of a request.
#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/inspect.h"
#include "formats/json.h"

namespace lathe::cli {
namespace {

using nlohmann::json;

constexpr std::uint64_t kMaxRequestBytes = std::uint64_t{64} << 20;

struct Options {
  std::string reference;
  std::string input;
};

struct Request {
  std::string messages_json;
  text::RenderOptions options;
};

// {"messages", "tools", "add_generation_prompt"}; what else stands there becomes a variable.
Result<Request> read_request(const std::string& path) {
  LATHE_TRY(const std::string text, os::read_file(path, kMaxRequestBytes));
  LATHE_TRY(json request, formats::parse_json_object(text));
  const formats::JsonFields fields(request);
  const json* messages = fields.find("messages");
  if (messages == nullptr || !messages->is_array())
    return Error::bad_input("messages is missing, or no list")
        .fix_with("give {\"messages\": [{\"role\": \"user\", \"content\": \"Hello\"}]}");
  Request out;
  out.messages_json = messages->dump();
  if (const json* tools = fields.find("tools")) out.options.tools_json = tools->dump();
  LATHE_TRY(const auto prompt, fields.find_bool("add_generation_prompt"));
  out.options.add_generation_prompt = prompt.value_or(false);
  for (const char* key : {"messages", "tools", "add_generation_prompt"}) request.erase(key);
  if (!request.empty()) out.options.variables_json = request.dump();
  return out;
}

Status run(const Options& options, const Common& common) {
  LATHE_TRY(text::TextFiles files, inspected_texts(common, options.reference));
  if (!files.chat_template) {
    return Error::not_found("there is no chat template")
        .at(options.reference)
        .fix_with("give a chat model or a .jinja file");
  }
  LATHE_TRY(const Request request, read_request(options.input).at(options.input));
  LATHE_TRY(const auto parsed,
            text::ChatTemplate::parse(std::move(*files.chat_template), std::move(files.special))
                .at(options.reference));
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
  auto options = make_options<Options>();
  CLI::App* command = inspect.add_subcommand("render", "a request as the chat template writes it");
  command->add_option("REF", options->reference, "a model, or a folder, .gguf or .jinja file")
      ->required();
  command
      ->add_option("--input", options->input,
                   "JSON: messages, tools, add_generation_prompt and further variables")
      ->required();
  command->footer(
      "Prints the bytes and nothing else. A template that refuses ends with exit code 1.\n\n"
      "example: lathe inspect render ./chat_template.jinja --input request.json");
  return [options, &common] { return run(*options, common); };
}

}  // namespace lathe::cli
