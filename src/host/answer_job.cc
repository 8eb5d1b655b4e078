#include "host/answer_job.h"

#include <utility>

namespace lathe::host {
namespace {

constexpr int kClientGone = 499;

decode::SamplingOptions sampling_of(const api::SamplingOptions& asked) {
  decode::SamplingOptions options;
  if (asked.temperature) options.temperature = *asked.temperature;
  if (asked.top_p) options.top_p = *asked.top_p;
  if (asked.top_k) options.top_k = *asked.top_k;
  if (asked.seed) options.seed = static_cast<std::uint64_t>(*asked.seed);
  return options;
}

tasks::AnswerOptions options_of(const api::SamplingOptions& asked) {
  tasks::AnswerOptions options;
  options.sampling = sampling_of(asked);
  options.stop = asked.stop;
  if (asked.max_tokens) options.max_tokens = static_cast<std::size_t>(*asked.max_tokens);
  return options;
}

std::vector<text::Message> messages_of(const std::vector<api::Message>& asked) {
  std::vector<text::Message> messages;
  for (const api::Message& message : asked) {
    messages.push_back({api::to_string(message.role), message.content});
  }
  return messages;
}

api::FinishReason reason_of(engine::FinishReason reason) {
  switch (reason) {
    case engine::FinishReason::length:
      return api::FinishReason::length;
    case engine::FinishReason::cancelled:
      return api::FinishReason::cancelled;
    case engine::FinishReason::stop:
    case engine::FinishReason::error:  // goes another way
      break;
  }
  return api::FinishReason::stop;
}

// What is wrong with the files of the store is no fault of the request's, whatever its kind says;
// the details are for the server's log.
Error ours(const Error& error) {
  if (error.kind == ErrorKind::unavailable || error.kind == ErrorKind::unsupported) return error;
  return Error::internal(error.message());
}

int status_of_cancelled(server::CancelReason reason) {
  if (reason == server::CancelReason::client_gone) return kClientGone;
  return reason == server::CancelReason::timed_out ? 504 : 503;
}

}  // namespace

void AnswerJob::start(const AnswerServices& services, server::GenerationSpec spec,
                      std::shared_ptr<server::GenerationSink> sink,
                      std::shared_ptr<server::Cancellation> cancellation) {
  const auto job = std::make_shared<AnswerJob>(services, std::move(spec), std::move(sink),
                                               std::move(cancellation));
  // Not a shared pointer: the request that owns the cancellation is owned by the job's sink.
  job->cancellation_->on_request([weak = job->weak_from_this()] {
    const auto alive = weak.lock();
    if (alive == nullptr) return;
    // Not here: the callback runs in the middle of the server's own work.
    alive->services_.workers.post([alive] { alive->cancel(); });
  });
  services.workers.post([job] { job->find_model(); });
}

AnswerJob::AnswerJob(const AnswerServices& services, server::GenerationSpec spec,
                     std::shared_ptr<server::GenerationSink> sink,
                     std::shared_ptr<server::Cancellation> cancellation)
    : services_(services),
      spec_(std::move(spec)),
      cancellation_(std::move(cancellation)),
      started_(services.clock.seconds()),
      sink_(std::move(sink)) {
  record_.reference = spec_.model;
  record_.started = services.clock.unix_seconds();
  services_.waiting.fetch_add(1);
}

bool AnswerJob::move_on(Phase from, Phase to) {
  const std::lock_guard lock(mutex_);
  if (phase_ != from) return false;
  phase_ = to;
  return true;
}

void AnswerJob::find_model() {
  const auto found = services_.store.catalogue.resolve(spec_.model);
  if (!found.ok()) return fail(Phase::waiting, found.error());
  const auto located = locate(services_.store.home, *found);
  if (!located.ok()) return fail(Phase::waiting, ours(located.error()));
  services_.models.acquire(*located, [job = shared_from_this(), what = *located](auto lease) {
    if (!job->move_on(Phase::waiting, Phase::preparing)) return;  // cancelled meanwhile
    job->record_.deployment = what.deployment;
    job->record_.version = what.version;
    job->prepare(std::move(lease));
  });
}

void AnswerJob::prepare(Result<ModelHost::Lease> lease) {
  if (!lease.ok()) return fail(Phase::preparing, ours(lease.error()));
  // This thread's own hold: the answer may end, and let go of the job's, before submit() returns.
  const ModelHost::Lease hold = std::move(lease).value();
  lease_.emplace(hold.share());
  record_.load_ms = hold.load_ms();
  if (cancellation_->requested()) return fail(Phase::preparing, Error::cancelled("cancelled"));
  const auto generation = submit(hold.assistant());
  if (!generation.ok()) return fail(Phase::preparing, generation.error());
  count_out();
  {
    const std::lock_guard lock(mutex_);
    if (phase_ == Phase::ended) return;
    phase_ = Phase::running;
    generation_ = *generation;
  }
  // The wish may have come while there was no generation to cancel.
  if (cancellation_->requested()) (*generation)->cancel();
}

Result<std::shared_ptr<engine::Generation>> AnswerJob::submit(const tasks::Assistant& assistant) {
  const tasks::AnswerOptions options = options_of(spec_.sampling);
  tasks::PreparedPrompt prompt;
  if (const auto* messages = std::get_if<std::vector<api::Message>>(&spec_.input)) {
    LATHE_TRY(prompt, assistant.prepare(messages_of(*messages), options));
    left_out_ = static_cast<std::int64_t>(prompt.left_out.size());
  } else {
    LATHE_TRY(prompt, assistant.prepare_completion(std::get<std::string>(spec_.input)));
  }
  return assistant.engine().submit(assistant.request(prompt, options), shared_from_this());
}

void AnswerJob::cancel() {
  std::shared_ptr<engine::Generation> generation;
  {
    const std::lock_guard lock(mutex_);
    generation = generation_;
  }
  if (generation != nullptr) return generation->cancel();
  fail(Phase::waiting, Error::cancelled("cancelled"));  // in other phases it ends another way
}

void AnswerJob::on_start() {
  shown_ = true;
  api::ServedBy served_by;
  served_by.load_ms = record_.load_ms;
  served_by.left_out = left_out_;
  if (record_.version > 0) {
    served_by.version = record_.deployment + "@" + std::to_string(record_.version);
  }
  sink_->on_start(served_by);
}

void AnswerJob::on_token(const engine::Delta& delta) { sink_->on_text(delta.text); }

void AnswerJob::on_end(const engine::Answer& answer) {
  {
    const std::lock_guard lock(mutex_);
    phase_ = Phase::ended;
    generation_.reset();
  }
  const bool cancelled = answer.reason == engine::FinishReason::cancelled;
  if (answer.error || (cancelled && !shown_)) {
    const Error error = answer.error.value_or(Error::cancelled("cancelled"));
    return finish(status_of(error), answer.usage, [&] { sink_->on_error(error); });
  }
  if (!shown_) on_start();
  const int status = cancelled ? status_of_cancelled(cancellation_->reason()) : 200;
  finish(status, answer.usage, [&] {
    sink_->on_finish(reason_of(answer.reason),
                     {static_cast<std::int64_t>(answer.usage.prompt_tokens),
                      static_cast<std::int64_t>(answer.usage.completion_tokens)});
  });
}

void AnswerJob::fail(Phase from, const Error& error) {
  if (!move_on(from, Phase::ended)) return;
  finish(status_of(error), {}, [&] { sink_->on_error(error); });
}

template <class LastCall>
void AnswerJob::finish(int status, const engine::Usage& usage, LastCall last_call) {
  count_out();
  lease_.reset();
  record_.status = status;
  record_.prompt_tokens = static_cast<std::int64_t>(usage.prompt_tokens);
  record_.completion_tokens = static_cast<std::int64_t>(usage.completion_tokens);
  record_.latency_ms = (services_.clock.seconds() - started_) * 1000;
  services_.log.add(record_);
  last_call();
  sink_.reset();
}

void AnswerJob::count_out() {
  if (counted_.exchange(false)) services_.waiting.fetch_sub(1);
}

int AnswerJob::status_of(const Error& error) const {
  switch (error.kind) {
    case ErrorKind::not_found:
      return 404;
    case ErrorKind::bad_input:
    case ErrorKind::unsupported:
    case ErrorKind::limit:
      return 400;
    case ErrorKind::already_exists:
      return 409;
    case ErrorKind::unavailable:
      return 503;
    case ErrorKind::cancelled:
      return status_of_cancelled(cancellation_->reason());
    case ErrorKind::io:
    case ErrorKind::internal:
      break;
  }
  return 500;
}

}  // namespace lathe::host
