// lathe run: one answer, or a chat in the terminal.
#include <fmt/format.h>
#include <unistd.h>

#include <iostream>
#include <nlohmann/json.hpp>

#include "cli/answer_printer.h"
#include "cli/commands.h"
#include "cli/kv_type.h"
#include "cli/output.h"
#include "cli/resolve.h"
#include "host/packed_weights.h"
#include "os/thread_pool.h"
#include "tasks/assistant.h"

namespace lathe::cli {
namespace {

struct RunOptions {
  std::string reference;
  std::optional<std::string> prompt;
  std::string system;
  std::optional<std::size_t> max_tokens;
  double temperature = 0;
  std::optional<std::uint64_t> seed;
  kernels::KvType kv_type = kernels::KvType::f16;
};

// Without a reference: the only model there is that generates.
Result<Resolved> choose(LocalStore& store, const std::string& reference) {
  if (!reference.empty()) return host::resolve(store, reference);
  LATHE_TRY(auto models, store.catalogue.models());
  std::erase_if(models, [](const store::ModelRecord& model) { return model.kind == "encoder"; });
  if (models.size() == 1) return host::resolve(store, models.front().name);
  return Error::bad_input(fmt::format("there are {} models; name one", models.size()))
      .at("REF")
      .fix_with(models.empty() ? "lathe import PATH adds one" : "`lathe models` lists them");
}

struct Session {
  Resolved what;
  std::shared_ptr<const tasks::Assistant> assistant;
  tasks::AnswerOptions options;
  std::vector<text::Message> conversation;
};

Result<Session> open_session(const RunOptions& options, const Common& common, Parallel& parallel) {
  LATHE_TRY(LocalStore store, open_store(common));
  Session session;
  LATHE_TRY(session.what, choose(store, options.reference));
  LATHE_TRY(auto model, host::load_model(session.what, parallel, {.kv_type = options.kv_type}));
  LATHE_TRY(session.assistant, tasks::Assistant::make(std::move(model), session.what.adaptations));
  session.options.max_tokens = options.max_tokens;
  session.options.sampling.temperature = options.temperature;
  session.options.sampling.seed = options.seed;
  if (!options.system.empty()) session.conversation.push_back({"system", options.system});
  return session;
}

nlohmann::json to_json(const Session& session, const tasks::PreparedPrompt& prompt,
                       const engine::Answer& answer) {
  auto passages = nlohmann::json::array();
  for (const auto& passage : prompt.passages) {
    passages.push_back({{"title", passage.title}, {"source", passage.source}});
  }
  return {{"reference", session.what.reference},
          {"text", answer.text},
          {"finish_reason", engine::to_string(answer.reason)},
          {"seed", answer.seed},
          {"usage",
           {{"prompt_tokens", answer.usage.prompt_tokens},
            {"completion_tokens", answer.usage.completion_tokens}}},
          {"load_ms", session.assistant->model().load_seconds() * 1000},
          {"first_token_ms", answer.timing.first_token * 1000},
          {"total_ms", answer.timing.total * 1000},
          {"passages", passages},
          {"left_out", prompt.left_out.size()}};
}

Status answer_json(const Session& session) {
  LATHE_TRY(const auto prompt, session.assistant->prepare(session.conversation, session.options));
  LATHE_TRY(const auto answer, session.assistant->engine().generate(
                                   session.assistant->request(prompt, session.options)));
  print_json(to_json(session, prompt, answer));
  return {};
}

// Prints the answer to the conversation so far and adds it; a failure takes the last turn back.
Status answer_aloud(Session& session) {
  const auto made = [&]() -> Result<std::string> {
    LATHE_TRY(const auto prompt, session.assistant->prepare(session.conversation, session.options));
    if (!prompt.left_out.empty()) {
      fmt::print(stderr, "lathe: {} passages or examples did not fit into the prompt\n",
                 prompt.left_out.size());
    }
    LATHE_TRY(const auto generation, session.assistant->engine().submit(
                                         session.assistant->request(prompt, session.options),
                                         std::make_shared<AnswerPrinter>()));
    const engine::Answer& answer = wait_interruptibly(*generation);
    if (answer.error) return *answer.error;
    return answer.text;
  }();
  if (!made.ok()) {
    session.conversation.pop_back();
    return made.error();
  }
  session.conversation.push_back({"assistant", *made});
  return {};
}

constexpr const char* kHelp =
    "/clear forgets the conversation, /exit or Ctrl-D ends it, Ctrl-C stops an answer";

// Whether the line was a command; end says that it was /exit.
bool obey(const std::string& line, const std::string& system, Session& session, bool& end) {
  if (line.empty()) return true;
  if (line == "/exit" || line == "/quit") {
    end = true;
    return true;
  }
  if (line == "/clear") {
    session.conversation.clear();
    if (!system.empty()) session.conversation.push_back({"system", system});
    return true;
  }
  if (line == "/help" || line == "/?") {
    fmt::print(stderr, "{}\n", kHelp);
    return true;
  }
  return false;
}

// Lines of standard input as turns. On a terminal a failed turn is told and the chat goes on; from
// a pipe it ends the program.
Status chat(const RunOptions& options, Session& session) {
  const bool terminal = ::isatty(STDIN_FILENO) == 1;
  if (terminal) fmt::print(stderr, "{}: {}\n", session.what.reference, kHelp);
  bool end = false;
  while (!end) {
    if (terminal) fmt::print(stderr, "> ");
    std::string line;
    if (!std::getline(std::cin, line)) break;
    if (obey(line, options.system, session, end)) continue;
    session.conversation.push_back({"user", line});
    if (const Status answered = answer_aloud(session); !answered.ok()) {
      if (!terminal) return answered;
      fmt::print(stderr, "lathe: {}\n", answered.error().message());
    }
  }
  return {};
}

Status run_run(const RunOptions& options, const Common& common) {
  if (common.json && !options.prompt) {
    return Error::bad_input("a chat has no JSON form").at("--json").fix_with("give a PROMPT");
  }
  os::ThreadPool pool(common.thread_plan());
  LATHE_TRY(Session session, open_session(options, common, pool));
  if (!options.prompt) return chat(options, session);
  session.conversation.push_back({"user", *options.prompt});
  return common.json ? answer_json(session) : answer_aloud(session);
}

}  // namespace

Action add_run(CLI::App& program, const Common& common) {
  auto options = make_options<RunOptions>();
  CLI::App* command = program.add_subcommand("run", "one answer, or a chat in the terminal");
  command->add_option("REF", options->reference,
                      "model, model+adaptation, deployment or a model's path (default: the only "
                      "model)");
  command->add_option("PROMPT", options->prompt, "what to answer; without it, a chat begins");
  command->add_option("--system", options->system, "what the model is told first");
  command->add_option("--max-tokens", options->max_tokens, "of an answer (default: what fits)")
      ->check(CLI::PositiveNumber);
  command->add_option("--temperature", options->temperature, "0 (always the likeliest) to 2")
      ->check(CLI::Range(0.0, 2.0))
      ->capture_default_str();
  command->add_option("--seed", options->seed, "repeats an answer at a temperature");
  add_kv_type(*command, options->kv_type);
  command->footer(
      "examples: lathe run starter \"What is a lathe?\"\n"
      "          lathe run starter+helpdesk-lora+handbook");
  return [options, &common] { return run_run(*options, common); };
}

}  // namespace lathe::cli
