// A Backend for tests: one thread that steps all sequences in turn, as an engine does, with
// behaviour chosen by the name of the model:
//
//   echo         answers with the last message (or the prompt), one word a step
//   endless      "tick " at every step until it is cancelled
//   flood        64 KiB at every step, whether the client reads or not, 16 MiB in all
//   polite       the same, but pauses while the client is congested
//   silent       never starts; ends when it is cancelled
//   half         one word, then an error
//   dropped      lets go of the sink without an end
//   missing full long broken     the errors not_found, unavailable, limit, internal
//   anything else                not_found
#pragma once

#include <fmt/format.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <sstream>
#include <thread>
#include <vector>

#include "server/backend.h"

namespace lathe::server::testing {

class FakeBackend final : public Backend {
 public:
  FakeBackend() : engine_([this] { run(); }) {}

  ~FakeBackend() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    engine_.join();
  }

  void generate(GenerationSpec spec, std::shared_ptr<GenerationSink> sink,
                std::shared_ptr<Cancellation> cancellation) override {
    if (auto error = refusal(spec.model)) return sink->on_error(std::move(*error));
    if (spec.model == "dropped") return;
    cancellation->on_request([this] { wake_.notify_all(); });
    const std::lock_guard lock(mutex_);
    last_spec_ = spec;
    sequences_.push_back({std::move(spec), std::move(sink), std::move(cancellation), {}, 0, false});
    ++alive_;
    wake_.notify_all();
  }

  // Of the model "echo": {number of the input, its length} for each.
  void embed(EmbeddingSpec spec, EmbeddingDone done, std::shared_ptr<Cancellation>) override {
    if (auto error = refusal(spec.model)) return done(std::move(*error));
    api::EmbeddingAnswer answer;
    for (std::size_t i = 0; i < spec.inputs.size(); ++i) {
      const auto length =
          std::visit([](const auto& input) { return input.size(); }, spec.inputs[i]);
      answer.vectors.push_back({static_cast<float>(i), static_cast<float>(length)});
      answer.tokens += static_cast<std::int64_t>(length);
    }
    done(answer);
  }

  Result<std::vector<api::ModelCard>> models() override {
    return std::vector<api::ModelCard>{{"echo", 100, "lathe"}, {"org/name", 200, "lathe"}};
  }
  Result<api::ModelCard> model(const std::string& id) override {
    const auto cards = models().value();
    for (const auto& card : cards) {
      if (card.id == id) return card;
    }
    return Error::not_found(fmt::format("there is no model '{}'", id));
  }
  Result<std::vector<api::DeploymentCard>> deployments() override {
    return std::vector<api::DeploymentCard>{{"helpdesk", "2", "echo", 300, false}};
  }
  Result<api::DeploymentCard> deployment(const std::string& name) override {
    if (name == "helpdesk") return deployments().value().front();
    return Error::not_found(fmt::format("there is no deployment '{}'", name));
  }
  Result<std::vector<api::VersionCard>> versions(const std::string& deployment_name) override {
    LATHE_CHECK(deployment(deployment_name));
    return std::vector<api::VersionCard>{{"helpdesk", "1", "missing", 200, false},
                                         {"helpdesk", "2", "echo", 300, true}};
  }
  Status ready() override {
    if (is_ready) return {};
    return Error::unavailable("the store is not open yet");
  }
  BackendLoad load() override {
    const std::lock_guard lock(mutex_);
    return {alive_, 0, 1};
  }

  GenerationSpec last_spec() {
    const std::lock_guard lock(mutex_);
    return last_spec_;
  }
  std::int64_t running() { return load().running; }

  std::atomic<bool> is_ready{true};
  std::atomic<int> cancelled{0};  // sequences ended by cancellation
  std::atomic<int> pauses{0};     // steps left out for a congested client
  std::atomic<int> widest{0};     // the most sequences in one step

 private:
  struct Sequence {
    GenerationSpec spec;
    std::shared_ptr<GenerationSink> sink;
    std::shared_ptr<Cancellation> cancellation;
    std::vector<std::string> words;
    std::size_t made = 0;
    bool started = false;
  };

  static std::optional<Error> refusal(const std::string& model) {
    if (model == "full") return Error::unavailable("the queue is full: 8 of 8 requests wait");
    if (model == "broken") return Error::internal("secret detail");
    if (model == "long") {
      return Error::limit("the prompt has 5000 tokens and the context holds 512");
    }
    for (const char* known : {"echo", "endless", "flood", "polite", "silent", "half", "dropped"}) {
      if (model == known) return std::nullopt;
    }
    return Error::not_found(fmt::format("there is no model '{}'", model));
  }

  static std::vector<std::string> words_of(const Sequence& sequence) {
    const auto* messages = std::get_if<std::vector<api::Message>>(&sequence.spec.input);
    std::istringstream text(messages ? messages->back().content
                                     : std::get<std::string>(sequence.spec.input));
    std::vector<std::string> words;
    for (std::string word; text >> word;) words.push_back(words.empty() ? word : " " + word);
    return words;
  }

  static void finish(Sequence& sequence, api::FinishReason reason) {
    sequence.sink->on_finish(reason, {3, static_cast<std::int64_t>(sequence.made)});
    sequence.sink.reset();
  }

  void step(Sequence& sequence) {
    const std::string& model = sequence.spec.model;
    if (sequence.cancellation->requested()) {
      ++cancelled;
      if (sequence.started) return finish(sequence, api::FinishReason::cancelled);
      sequence.sink->on_error(Error::cancelled("cancelled"));
      return sequence.sink.reset();
    }
    if (model == "silent") return;
    if (!sequence.started) {
      sequence.started = true;
      sequence.words = words_of(sequence);
      sequence.sink->on_start({1.5, "helpdesk@2"});
    }
    if (model == "echo") return echo(sequence);
    if (model == "half") return fail_halfway(sequence);
    if (model == "polite" && sequence.sink->congested()) {
      ++pauses;
      return;
    }
    ++sequence.made;
    if (model == "endless") return sequence.sink->on_text("tick ");
    if (sequence.made > 256) return finish(sequence, api::FinishReason::stop);
    sequence.sink->on_text(std::string(64 << 10, 'x'));
  }

  static void echo(Sequence& sequence) {
    const auto most = sequence.spec.sampling.max_tokens;
    if (most && static_cast<std::int64_t>(sequence.made) >= *most) {
      return finish(sequence, api::FinishReason::length);
    }
    if (sequence.made >= sequence.words.size()) return finish(sequence, api::FinishReason::stop);
    sequence.sink->on_text(sequence.words[sequence.made++]);
  }

  static void fail_halfway(Sequence& sequence) {
    sequence.sink->on_text("half");
    sequence.sink->on_error(Error::unavailable("the instance went away"));
    sequence.sink.reset();
  }

  void run() {
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      widest = std::max(widest.load(), static_cast<int>(alive_));
      std::vector<Sequence> batch = std::move(sequences_);
      sequences_.clear();
      lock.unlock();
      for (Sequence& sequence : batch) step(sequence);
      const auto ended =
          std::erase_if(batch, [](const Sequence& sequence) { return !sequence.sink; });
      lock.lock();
      alive_ -= static_cast<std::int64_t>(ended);
      for (Sequence& sequence : batch) sequences_.push_back(std::move(sequence));
      wake_.wait_for(lock, std::chrono::milliseconds(1));
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Sequence> sequences_;
  std::int64_t alive_ = 0;
  GenerationSpec last_spec_;
  bool stopping_ = false;
  std::thread engine_;  // last: it uses the rest
};

}  // namespace lathe::server::testing
