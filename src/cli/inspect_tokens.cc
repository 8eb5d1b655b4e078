// lathe inspect tokens: a text's ids and pieces, or those of many rows as JSON lines.
#include <fmt/format.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "cli/inspect.h"
#include "formats/json.h"

namespace lathe::cli {
namespace {

using nlohmann::json;

struct InspectTokensOptions {
  std::string reference;
  std::string text;
  std::string jsonl;
};

Result<std::vector<std::int32_t>> ids_of(const text::Tokenizer& tokenizer, const std::string& text,
                                         bool with_special) {
  return tokenizer.encode(text, {.add_special_tokens = with_special, .parse_special = true});
}

Result<json> tokens_json(const text::Tokenizer& tokenizer, const std::string& text) {
  LATHE_TRY(const auto ids, ids_of(tokenizer, text, false));
  LATHE_TRY(const auto with_special, ids_of(tokenizer, text, true));
  return json{{"ids", ids},
              {"ids_special", with_special},
              {"decoded", tokenizer.decode(ids, {.skip_special = false})}};
}

// One line of output a row, as they are read: files of any length.
Status print_rows(const text::Tokenizer& tokenizer, const std::string& path) {
  std::ifstream file(path);
  if (!file) return Error::not_found("the file cannot be opened").at(path);
  std::string line;
  for (std::size_t number = 1; std::getline(file, line); ++number) {
    if (line.empty()) continue;
    const std::string place = fmt::format("{}: line {}", path, number);
    LATHE_TRY(const json row, formats::parse_json_object(line).at(place));
    LATHE_TRY(const std::string text, formats::JsonFields(row).get_string("text").at(place));
    LATHE_TRY(const json out, tokens_json(tokenizer, text).at(place));
    fmt::print("{}\n", out.dump());
  }
  if (file.bad()) return Error::io("reading failed").at(path);
  return {};
}

// The piece in quotes; bytes that are no whole character as \x….
std::string shown(std::string_view bytes) {
  try {
    return json(bytes).dump();
  } catch (const json::exception&) {
    std::string out = "\"";
    for (const char byte : bytes) out += fmt::format("\\x{:02x}", static_cast<unsigned char>(byte));
    return out + "\"";
  }
}

Status print_table(const text::Tokenizer& tokenizer, const std::string& text) {
  LATHE_TRY(const auto ids, ids_of(tokenizer, text, true));
  fmt::print("{:>8}  piece\n", "id");
  for (const std::int32_t id : ids) {
    fmt::print("{:>8}  {}{}\n", id, shown(tokenizer.token_bytes(id)),
               tokenizer.is_special(id) ? "  special" : "");
  }
  return {};
}

Status run_inspect_tokens(const InspectTokensOptions& options, const Common& common) {
  if (options.text.empty() == options.jsonl.empty()) {
    return Error::bad_input("give either a TEXT or --jsonl FILE")
        .fix_with("lathe inspect tokens REF \"some text\"");
  }
  LATHE_TRY(const text::TextFiles files, inspected_texts(common, options.reference));
  if (!files.tokenizer) {
    return Error::not_found("there is no tokenizer")
        .at(options.reference)
        .fix_with("give a model, a tokenizer.json, a tokenizer.model or a .gguf file");
  }
  if (!options.jsonl.empty()) return print_rows(*files.tokenizer, options.jsonl);
  if (!common.json) return print_table(*files.tokenizer, options.text);
  LATHE_TRY(const json out, tokens_json(*files.tokenizer, options.text));
  fmt::print("{}\n", out.dump());
  return {};
}

}  // namespace

Action add_inspect_tokens(CLI::App& inspect, const Common& common) {
  auto options = make_options<InspectTokensOptions>();
  CLI::App* command = inspect.add_subcommand("tokens", "the token ids of a text");
  command
      ->add_option("REF", options->reference,
                   "a model, or a folder, .gguf, tokenizer.json or tokenizer.model")
      ->required();
  command->add_option("TEXT", options->text, "prints a table of ids and pieces");
  command->add_option("--jsonl", options->jsonl,
                      "rows {\"text\": …}; prints a line {\"ids\", \"ids_special\", \"decoded\"} "
                      "for each");
  command->footer(
      "ids: without the special tokens that the tokenizer adds; ids_special: with them.\n\n"
      "examples: lathe inspect tokens starter \"How much is it?\"\n"
      "          lathe inspect tokens ./tokenizer.json --jsonl texts.jsonl --json");
  return [options, &common] { return run_inspect_tokens(*options, common); };
}

}  // namespace lathe::cli
