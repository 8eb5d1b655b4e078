#include "host/local_backend.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <thread>

#include "base/log.h"
#include "host/testing/tiny_home.h"

namespace lathe::host {
namespace {

// Keeps what it is told, and fails the test when it is told out of order.
class Listener final : public server::GenerationSink {
 public:
  void on_start(const api::ServedBy& served_by) override {
    const std::lock_guard lock(mutex_);
    EXPECT_FALSE(started_ || ended_);
    started_ = true;
    served_by_ = served_by;
  }
  void on_text(std::string_view utf8) override {
    const std::lock_guard lock(mutex_);
    EXPECT_TRUE(started_ && !ended_);
    text_ += utf8;
    changed_.notify_all();
  }
  void on_finish(api::FinishReason reason, const api::Usage& usage) override {
    const std::lock_guard lock(mutex_);
    EXPECT_TRUE(started_ && !ended_);
    reason_ = reason;
    usage_ = usage;
    ended_ = true;
    changed_.notify_all();
  }
  void on_error(Error error) override {
    const std::lock_guard lock(mutex_);
    EXPECT_FALSE(ended_);
    error_ = std::move(error);
    ended_ = true;
    changed_.notify_all();
  }
  bool congested() const override { return false; }

  void wait() {
    wait_for([this] { return ended_; });
  }
  void wait_for_text() {
    wait_for([this] { return !text_.empty() || ended_; });
  }

  std::string text_;
  api::ServedBy served_by_;
  api::Usage usage_;
  std::optional<api::FinishReason> reason_;
  std::optional<Error> error_;

 private:
  template <class Condition>
  void wait_for(Condition condition) {
    std::unique_lock lock(mutex_);
    ASSERT_TRUE(changed_.wait_for(lock, std::chrono::seconds(60), condition));
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool started_ = false;
  bool ended_ = false;
};

class LocalBackendTest : public ::testing::Test {
 protected:
  void SetUp() override {
    log::set_level(log::Level::off);
    options_.models.engine.kv_bytes = 8 << 20;
    restart();
  }
  void restart() {
    backend_.reset();
    backend_ = std::make_unique<LocalBackend>(home_.open(), options_, serial_, clock_);
  }
  std::shared_ptr<Listener> ask(const std::string& model, const std::string& text,
                                std::int64_t max_tokens) {
    server::GenerationSpec spec;
    spec.model = model;
    spec.input = std::vector<api::Message>{{api::Role::user, text}};
    spec.sampling.max_tokens = max_tokens;
    auto listener = std::make_shared<Listener>();
    cancellation_ = std::make_shared<server::Cancellation>();
    backend_->generate(std::move(spec), listener, cancellation_);
    return listener;
  }
  std::vector<store::RequestRecord> records(std::size_t count) {
    std::vector<store::RequestRecord> found;
    for (int i = 0; i < 1000 && found.size() < count; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      found = store_.catalogue.requests({std::nullopt, 100}).value();
    }
    return found;
  }

  testing::TinyHome home_;
  LocalStore store_ = home_.open();
  SerialParallel serial_;
  os::SystemClock clock_;
  LocalBackendOptions options_;
  std::unique_ptr<LocalBackend> backend_;
  std::shared_ptr<server::Cancellation> cancellation_;
};

TEST_F(LocalBackendTest, AnswersAndRecords) {
  const auto first = ask("tiny", "hello", 5);
  first->wait();
  ASSERT_FALSE(first->error_) << first->error_->message();
  EXPECT_GT(first->served_by_.load_ms, 0);
  EXPECT_GT(first->usage_.prompt_tokens, 5);
  const auto second = ask("tiny", "hello", 5);
  second->wait();
  EXPECT_EQ(second->served_by_.load_ms, 0);
  EXPECT_EQ(second->text_, first->text_);
  const auto found = records(2);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].reference, "tiny");
  EXPECT_EQ(found[0].status, 200);
  EXPECT_EQ(found[0].prompt_tokens, second->usage_.prompt_tokens);
  EXPECT_EQ(found[0].load_ms, 0);
  EXPECT_GT(found[1].load_ms, 0);
  for (int i = 0; i < 1000 && first.use_count() > 1; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_EQ(first.use_count(), 1);  // let go of
}

TEST_F(LocalBackendTest, SaysWhichVersionAnswers) {
  ASSERT_TRUE(store_.catalogue.deploy("desk", store::parse_reference("tiny").value()).ok());
  const auto listener = ask("desk", "hello", 2);
  listener->wait();
  EXPECT_EQ(listener->served_by_.version, "desk@1");
  EXPECT_TRUE(backend_->deployment("desk").value().loaded);
  EXPECT_EQ(backend_->deployments().value().size(), 1u);
  EXPECT_EQ(backend_->versions("desk").value().front().reference, "tiny");
  EXPECT_EQ(backend_->models().value().size(), 2u);
  EXPECT_EQ(backend_->model("desk").value().id, "desk");
  EXPECT_EQ(backend_->model("nothing").error().kind, ErrorKind::not_found);
}

TEST_F(LocalBackendTest, ErrorsAreOfTheirKind) {
  const auto unknown = ask("tinny", "hello", 2);
  unknown->wait();
  EXPECT_EQ(unknown->error_->kind, ErrorKind::not_found);
  const auto path = ask(home_.source().string(), "hello", 2);
  path->wait();
  EXPECT_NE(path->error_->kind, ErrorKind::internal);
  const auto too_long = ask("tiny", std::string(5000, 'x'), 2);
  too_long->wait();
  EXPECT_EQ(too_long->error_->kind, ErrorKind::limit);
  EXPECT_NE(too_long->error_->message().find("4096"), std::string::npos);
  const auto found = records(3);
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].status, 400);
  EXPECT_EQ(found[2].status, 404);
}

TEST_F(LocalBackendTest, AFullQueueIsUnavailable) {
  options_.max_waiting = 0;
  restart();
  const auto listener = ask("tiny", "hello", 2);
  listener->wait();
  EXPECT_EQ(listener->error_->kind, ErrorKind::unavailable);
}

TEST_F(LocalBackendTest, ACancelledAnswerEndsAndLetsGo) {
  const auto listener = ask("tiny", "hello", 3000);
  listener->wait_for_text();
  cancellation_->request(server::CancelReason::client_gone);
  listener->wait();
  if (listener->reason_ != api::FinishReason::cancelled) GTEST_SKIP() << "it ended by itself";
  EXPECT_LT(listener->usage_.completion_tokens, 3000);
  EXPECT_EQ(records(1).front().status, 499);
  EXPECT_EQ(backend_->load().running, 0);
  EXPECT_EQ(backend_->load().waiting, 0);
}

TEST_F(LocalBackendTest, CancelledBeforeItBeganHasOneEndAndNoStart) {
  for (int i = 0; i < 20; ++i) {
    restart();
    const auto listener = ask("tiny", "hello", 3000);
    std::this_thread::sleep_for(std::chrono::microseconds(i * 200));
    cancellation_->request(server::CancelReason::client_gone);
    listener->wait();
    const bool cancelled = listener->error_ ? listener->error_->kind == ErrorKind::cancelled
                                            : listener->reason_ == api::FinishReason::cancelled;
    EXPECT_TRUE(cancelled || listener->reason_ == api::FinishReason::stop);
    EXPECT_EQ(backend_->load().waiting, 0);
  }
}

}  // namespace
}  // namespace lathe::host
