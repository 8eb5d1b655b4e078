// lathe embed: vectors of texts by an encoder.
#include "tasks/embedder.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/resolve.h"
#include "formats/json.h"
#include "os/thread_pool.h"

namespace lathe::cli {
namespace {

// Texts that are read, embedded and printed at a time: files of any length.
constexpr std::size_t kTextsAtOnce = 256;
constexpr std::size_t kTextWidth = 40;
constexpr std::size_t kShownValues = 4;

struct EmbedOptions {
  std::string reference;
  std::vector<std::string> texts;
  std::string jsonl;
  std::string prompt;
  std::string pooling;
  std::string normalise;
  bool truncate = false;
};

struct Embedded {
  std::string text;
  std::size_t tokens = 0;
  std::vector<float> vector;
};

// A text, and where it stands for errors.
struct Row {
  std::string text;
  std::string place;
};

using tasks::Embedder;

Result<tasks::EmbedderOptions> embedder_options(const EmbedOptions& options) {
  tasks::EmbedderOptions out;
  if (!options.pooling.empty()) {
    LATHE_TRY(out.pooling, formats::pooling_named(options.pooling).at("--pooling"));
  }
  if (!options.normalise.empty()) out.normalised = options.normalise == "yes";
  return out;
}

Result<std::vector<Embedded>> embed(const Embedder& embedder, const EmbedOptions& options,
                                    const std::vector<Row>& rows) {
  tasks::TextOptions how = {.prompt = {}, .truncate = options.truncate};
  if (!options.prompt.empty()) how.prompt = options.prompt;
  std::vector<std::vector<std::int32_t>> tokens;
  for (const Row& row : rows) {
    LATHE_TRY(auto ids, embedder.tokens_of(row.text, how).at(row.place));
    tokens.push_back(std::move(ids));
  }
  LATHE_TRY(auto vectors, embedder.embed(tokens));
  std::vector<Embedded> out;
  for (std::size_t i = 0; i < rows.size(); ++i)
    out.push_back({rows[i].text, tokens[i].size(), std::move(vectors[i])});
  return out;
}

// Values as the shortest decimals that give these f32 back.
void print_line(std::size_t index, const Embedded& row) {
  fmt::print("{{\"index\":{},\"tokens\":{},\"embedding\":[{}]}}\n", index, row.tokens,
             fmt::join(row.vector, ","));
}

void print_table(const std::vector<Embedded>& rows) {
  Table table({"TEXT", "TOKENS", "VALUES", "EMBEDDING"});
  for (const Embedded& row : rows) {
    std::string values;
    for (std::size_t i = 0; i < row.vector.size() && i < kShownValues; ++i)
      values += fmt::format("{:.4f} ", row.vector[i]);
    table.add({shortened(row.text, kTextWidth), std::to_string(row.tokens),
               std::to_string(row.vector.size()), values + "…"});
  }
  table.print("");
}

// Rows of the file, kTextsAtOnce of them at a time.
Status embed_file(const Embedder& embedder, const EmbedOptions& options) {
  std::ifstream file(options.jsonl);
  if (!file) return Error::not_found("the file cannot be opened").at(options.jsonl);
  std::vector<Row> rows;
  std::size_t printed = 0;
  const auto flush = [&]() -> Status {
    LATHE_TRY(const auto done, embed(embedder, options, rows));
    for (const Embedded& row : done) print_line(printed++, row);
    rows.clear();
    return {};
  };
  std::string line;
  for (std::size_t number = 1; std::getline(file, line); ++number) {
    if (line.empty()) continue;
    const std::string place = fmt::format("{}: line {}", options.jsonl, number);
    LATHE_TRY(const nlohmann::json row, formats::parse_json_object(line).at(place));
    LATHE_TRY(std::string text, formats::JsonFields(row).get_string("text").at(place));
    rows.push_back({std::move(text), place});
    if (rows.size() == kTextsAtOnce) LATHE_CHECK(flush());
  }
  if (file.bad()) return Error::io("reading failed").at(options.jsonl);
  return flush();
}

Status embed_texts(const Embedder& embedder, const EmbedOptions& options, const Common& common) {
  std::vector<Row> rows;
  for (std::size_t i = 0; i < options.texts.size(); ++i)
    rows.push_back({options.texts[i], fmt::format("text {}", i)});
  LATHE_TRY(const auto done, embed(embedder, options, rows));
  if (!common.json) {
    print_table(done);
    return {};
  }
  for (std::size_t i = 0; i < done.size(); ++i) print_line(i, done[i]);
  return {};
}

Status run_embed(const EmbedOptions& options, const Common& common) {
  if (options.texts.empty() == options.jsonl.empty())
    return Error::bad_input("give either texts or --jsonl FILE")
        .fix_with("lathe embed REF \"some text\"");
  LATHE_TRY(const Resolved model, resolve(common, options.reference));
  if (!model.adaptations.empty())
    return Error::unsupported("an encoder takes no adaptations").at(options.reference);
  LATHE_TRY(const tasks::EmbedderOptions how, embedder_options(options));
  os::ThreadPool pool(common.thread_plan());
  LATHE_TRY(const auto embedder, Embedder::load(model.model_path, pool, how));
  if (!options.jsonl.empty()) return embed_file(*embedder, options);
  return embed_texts(*embedder, options, common);
}

}  // namespace

Action add_embed(CLI::App& program, const Common& common) {
  auto options = make_options<EmbedOptions>();
  CLI::App* command = program.add_subcommand("embed", "vectors of texts, by an encoder");
  command->add_option("REF", options->reference, "an encoder: a model of the store or a path")
      ->required();
  command->add_option("TEXT", options->texts, "what to embed");
  command->add_option("--jsonl", options->jsonl, "rows {\"text\": …} instead");
  command->add_option("--prompt", options->prompt,
                      "the model's prompt to put before each text, by name (\"query\")");
  command->add_option("--pooling", options->pooling,
                      "cls, mean, max or last (default: what the model's files say)");
  command
      ->add_option("--normalise", options->normalise,
                   "yes or no (default: what the model's files say)")
      ->check(CLI::IsMember({"yes", "no"}));
  command->add_flag("--truncate", options->truncate,
                    "cut off what is longer than the model takes; an error otherwise");
  command->footer(
      "--json and --jsonl print a line {\"index\", \"tokens\", \"embedding\"} for each text.\n\n"
      "examples: lathe embed minilm \"How much is it?\" \"What does it cost?\"\n"
      "          lathe embed ./all-MiniLM-L6-v2 --jsonl texts.jsonl > vectors.jsonl");
  return [options, &common] { return run_embed(*options, common); };
}

}  // namespace lathe::cli
