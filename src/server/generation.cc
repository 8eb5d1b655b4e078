#include "server/generation.h"

#include <utility>

#include "api/sse.h"
#include "server/errors.h"
#include "server/ids.h"

namespace lathe::server {
namespace {

class AnswerSink final : public GenerationSink {
 public:
  AnswerSink(const GenerationServices& services, api::AnswerHead head, bool stream,
             std::shared_ptr<Responder> responder)
      : services_(services),
        head_(std::move(head)),
        stream_(stream),
        responder_(std::move(responder)),
        start_seconds_(services.clock.seconds()) {}

  // A backend that lets go without an end has a bug; the client still gets an answer.
  ~AnswerSink() override {
    if (!ended_) on_error(Error::internal("a generation was dropped without an end"));
  }

  void on_start(const api::ServedBy& served_by) override {
    LATHE_ASSERT(!started_ && !ended_);
    started_ = true;
    served_by_ = served_by;
    if (!stream_) return;
    responder_->begin({200,
                       "text/event-stream; charset=utf-8",
                       {{"Cache-Control", "no-cache"}, {"X-Accel-Buffering", "no"}}});
    if (const std::string first = api::first_chunk(head_); !first.empty()) {
      responder_->write(api::sse_event(first));
    }
  }

  void on_text(std::string_view utf8) override {
    LATHE_ASSERT(started_ && !ended_);
    if (utf8.empty()) return;
    if (first_token_seconds_ < 0) first_token_seconds_ = elapsed();
    if (stream_) {
      responder_->write(api::sse_event(api::text_chunk(head_, utf8)));
    } else {
      text_ += utf8;
    }
  }

  void on_finish(api::FinishReason reason, const api::Usage& usage) override {
    LATHE_ASSERT(started_ && !ended_);
    ended_ = true;
    services_.metrics.record(GenerationRecord{head_.model, reason, usage, served_by_.load_ms / 1000,
                                              first_token_seconds_, elapsed()});
    if (reason == api::FinishReason::cancelled) return fail(Error::cancelled("cancelled"));
    const api::AnswerEnd end{reason, usage, served_by_};
    if (!stream_) {
      HttpResponse response;
      response.body = api::whole_answer(head_, text_, end);
      return responder_->send(std::move(response));
    }
    for (const std::string& chunk : api::last_chunks(head_, end)) {
      responder_->write(api::sse_event(chunk));
    }
    responder_->write(api::sse_done());
    responder_->end();
  }

  void on_error(Error error) override {
    LATHE_ASSERT(!ended_);
    ended_ = true;
    services_.metrics.record_failure(error.kind);
    fail(error);
  }

  bool congested() const override { return responder_->congested(); }

 private:
  void fail(const Error& error) {
    const char* prompt_field = head_.shape == api::AnswerShape::chat ? "messages" : "prompt";
    const WireError wire =
        error_of_generation(error, prompt_field, responder_->cancellation()->reason());
    if (!stream_ || !started_) return responder_->send(to_response(wire));
    responder_->write(api::sse_event(api::to_json(wire.body)));
    responder_->end();
  }

  double elapsed() const { return services_.clock.seconds() - start_seconds_; }

  const GenerationServices services_;
  const api::AnswerHead head_;
  const bool stream_;
  const std::shared_ptr<Responder> responder_;
  const double start_seconds_;
  api::ServedBy served_by_;
  double first_token_seconds_ = -1;
  std::string text_;
  bool started_ = false;
  bool ended_ = false;
};

}  // namespace

void generate_answer(const GenerationServices& services, GenerationSpec spec, AnswerStyle style,
                     std::shared_ptr<Responder> responder) {
  api::AnswerHead head;
  head.shape = style.shape;
  head.id = make_id(style.shape == api::AnswerShape::chat ? "chatcmpl-" : "cmpl-");
  head.created = services.clock.unix_seconds();
  head.model = spec.model;
  head.include_usage = style.include_usage;
  auto cancellation = responder->cancellation();
  auto sink =
      std::make_shared<AnswerSink>(services, std::move(head), style.stream, std::move(responder));
  services.backend.generate(std::move(spec), std::move(sink), std::move(cancellation));
}

}  // namespace lathe::server
