#include "host/embedder_host.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace lathe::host {
namespace {

// What is wrong with the files of the store is no fault of the request's.
Error as_ours(const Error& error) {
  return error.kind == ErrorKind::unsupported ? error : Error::internal(error.message());
}

using Tokens = std::vector<std::int32_t>;

Result<Tokens> tokens_of(const tasks::Embedder& embedder, const api::EmbeddingInput& input) {
  if (const auto* text = std::get_if<std::string>(&input)) return embedder.tokens_of(*text);
  const Tokens& tokens = std::get<Tokens>(input);
  const auto most = static_cast<std::size_t>(embedder.config().max_tokens);
  if (tokens.size() <= most) return tokens;
  return Error::limit(
      fmt::format("the input has {} tokens, the model takes {}", tokens.size(), most));
}

int status_of(const Error& error) {
  switch (error.kind) {
    case ErrorKind::not_found:
      return 404;
    case ErrorKind::bad_input:
    case ErrorKind::unsupported:
    case ErrorKind::limit:
      return 400;
    case ErrorKind::cancelled:
    case ErrorKind::unavailable:
      return 503;
    default:
      return 500;
  }
}

}  // namespace

EmbedderHost::EmbedderHost(const EmbedderHostOptions& options, LocalStore& store, RequestLog& log,
                           Parallel& parallel, const os::Clock& clock)
    : options_(options), store_(store), log_(log), parallel_(parallel), clock_(clock) {}

void EmbedderHost::embed(server::EmbeddingSpec spec, server::EmbeddingDone done,
                         std::shared_ptr<server::Cancellation> cancellation) {
  if (waiting_.fetch_add(1) >= options_.max_waiting) {
    waiting_.fetch_sub(1);
    return done(Error::unavailable("the queue of embeddings is full").fix_with("try again later"));
  }
  worker_.post([this, spec = std::move(spec), done = std::move(done), cancellation,
                arrived = clock_.seconds()] {
    waiting_.fetch_sub(1);
    if (cancellation->requested()) return done(Error::cancelled("cancelled"));
    store::RequestRecord record;
    record.reference = spec.model;
    record.started = clock_.unix_seconds();
    const Result<api::EmbeddingAnswer> made = answer(spec, record);
    record.status = made.ok() ? 200 : status_of(made.error());
    record.prompt_tokens = made.ok() ? made->tokens : 0;
    record.latency_ms = (clock_.seconds() - arrived) * 1000;
    log_.add(record);
    done(made);
  });
}

Result<api::EmbeddingAnswer> EmbedderHost::answer(const server::EmbeddingSpec& spec,
                                                  store::RequestRecord& record) {
  LATHE_TRY(const store::ResolvedReference found, store_.catalogue.resolve(spec.model));
  record.deployment = found.deployment;
  record.version = found.version;
  if (found.model.kind != "encoder" || !found.adaptations.empty())
    return Error::bad_input(fmt::format("'{}' makes no embeddings", spec.model))
        .fix_with("name an encoder");
  const auto located = locate(store_.home, found);
  if (!located.ok()) return as_ours(located.error());
  const double started = clock_.seconds();
  const auto embedder = find(*located);
  if (!embedder.ok()) return as_ours(embedder.error());
  record.load_ms = (clock_.seconds() - started) * 1000;
  api::EmbeddingAnswer answer;
  std::vector<Tokens> texts;
  for (std::size_t i = 0; i < spec.inputs.size(); ++i) {
    LATHE_TRY(Tokens tokens, tokens_of(**embedder, spec.inputs[i]).at(fmt::format("input[{}]", i)));
    answer.tokens += static_cast<std::int64_t>(tokens.size());
    texts.push_back(std::move(tokens));
  }
  LATHE_TRY(answer.vectors, (*embedder)->embed(texts));
  return answer;
}

Result<EmbedderHost::Shared> EmbedderHost::find(const Resolved& model) {
  const std::string key = path_identity(model.model_path);
  const auto at = std::find_if(loaded_.begin(), loaded_.end(),
                               [&](const Loaded& loaded) { return loaded.key == key; });
  if (at != loaded_.end()) {
    std::rotate(at, at + 1, loaded_.end());
    return loaded_.back().embedder;
  }
  LATHE_TRY(Shared embedder, tasks::Embedder::load(model.model_path, parallel_));
  if (loaded_.size() >= options_.models) loaded_.erase(loaded_.begin());
  loaded_.push_back({key, embedder});
  log::info("{} loaded", model.model_name);
  return embedder;
}

}  // namespace lathe::host
