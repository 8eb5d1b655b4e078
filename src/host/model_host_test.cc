#include "host/model_host.h"

#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "base/log.h"
#include "host/adaptation_import.h"
#include "host/testing/tiny_home.h"

namespace lathe::host {
namespace {

class ModelHostTest : public ::testing::Test {
 protected:
  void SetUp() override { log::set_level(log::Level::off); }

  std::unique_ptr<ModelHost> make(double idle_seconds) {
    ModelHostOptions options;
    options.idle_seconds = idle_seconds;
    options.engine.kv_bytes = 8 << 20;
    return std::make_unique<ModelHost>(options, serial_, clock_);
  }
  // acquire() and wait.
  static Result<ModelHost::Lease> get(ModelHost& host, const Resolved& what) {
    std::promise<std::shared_ptr<Result<ModelHost::Lease>>> given;
    host.acquire(what, [&](Result<ModelHost::Lease> lease) {
      given.set_value(std::make_shared<Result<ModelHost::Lease>>(std::move(lease)));
    });
    return std::move(*given.get_future().get());
  }
  Resolved what(const std::string& reference) { return resolve(store_, reference).value(); }
  static bool becomes(const std::function<bool()>& condition) {
    for (int i = 0; i < 2000 && !condition(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return condition();
  }

  testing::TinyHome home_;
  LocalStore store_ = home_.open();
  SerialParallel serial_;
  os::SystemClock clock_;
};

TEST_F(ModelHostTest, LoadsOnceForAllWhoWait) {
  const auto host = make(100);
  EXPECT_FALSE(host->is_loaded(what("tiny")));
  std::vector<std::future<double>> waits;
  for (int i = 0; i < 8; ++i) {
    waits.push_back(
        std::async(std::launch::async, [&] { return get(*host, what("tiny")).value().load_ms(); }));
  }
  double waited = 0;
  for (auto& wait : waits) waited += wait.get();
  EXPECT_GT(waited, 0);
  EXPECT_EQ(host->load().models, 1u);
  EXPECT_EQ(get(*host, what("tiny")).value().load_ms(), 0);
}

TEST_F(ModelHostTest, LetsGoWhenIdleAndNotBefore) {
  const auto host = make(0.05);
  {
    const auto lease = get(*host, what("tiny"));
    ASSERT_TRUE(lease.ok()) << lease.error().message();
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    EXPECT_TRUE(host->is_loaded(what("tiny")));
    const auto shared = lease->share();
    EXPECT_EQ(&shared.assistant(), &lease->assistant());
  }
  EXPECT_TRUE(becomes([&] { return !host->is_loaded(what("tiny")); }));
  EXPECT_GT(get(*host, what("tiny")).value().load_ms(), 0);
}

TEST_F(ModelHostTest, LooksAtModelsDoNotKeepThem) {
  const auto host = make(0.05);
  get(*host, what("tiny")).value();
  EXPECT_TRUE(becomes([&] { return host->load().models == 0; }));
}

TEST_F(ModelHostTest, SharesAnAssistantUntilItsFilesChange) {
  prompting::PromptAdaptation prompt;
  prompt.system = "One.";
  ASSERT_TRUE(add_prompt(store_, "words", prompt).ok());
  const auto host = make(100);
  const auto first = get(*host, what("tiny+words"));
  ASSERT_TRUE(first.ok()) << first.error().message();
  EXPECT_EQ(&get(*host, what("tiny+words")).value().assistant(), &first->assistant());
  EXPECT_NE(&get(*host, what("tiny")).value().assistant(), &first->assistant());
  prompt.system = "Two.";
  ASSERT_TRUE(add_prompt(store_, "words", prompt, store::IfExists::replace).ok());
  EXPECT_NE(&get(*host, what("tiny+words")).value().assistant(), &first->assistant());
  EXPECT_EQ(host->load().models, 1u);
}

TEST_F(ModelHostTest, AReplacedModelIsLoadedBesideTheOld) {
  const auto host = make(100);
  const auto old = get(*host, what("tiny"));
  ASSERT_TRUE(remove_model(store_, "tiny").ok());
  testing::write_model(home_.folder() / "other", 2);
  home_.import("tiny", home_.folder() / "other");
  const auto fresh = get(*host, what("tiny"));
  ASSERT_TRUE(fresh.ok()) << fresh.error().message();
  EXPECT_NE(&fresh->assistant().model(), &old->assistant().model());
  const std::vector<text::Message> hello = {{"user", "hello"}};
  EXPECT_TRUE(old->assistant().answer(hello, {{}, {}, 4}).ok());  // its files are gone, it is not
}

TEST_F(ModelHostTest, AFailedLoadIsToldAndTriedAgain) {
  const Resolved tiny = what("tiny");
  const os::Path weights = tiny.model_path / "model.safetensors";
  const std::string kept = os::read_file(weights).value();
  ASSERT_TRUE(os::write_file_atomically(weights, kept.substr(0, 100)).ok());
  const auto host = make(100);
  EXPECT_FALSE(get(*host, tiny).ok());
  EXPECT_FALSE(host->is_loaded(tiny));
  ASSERT_TRUE(os::write_file_atomically(weights, kept).ok());
  EXPECT_TRUE(get(*host, what("tiny")).ok());
}

TEST_F(ModelHostTest, AnAdaptationThatCannotBeReadDoesNotHoldTheModel) {
  const auto host = make(0.05);
  Resolved broken = what("tiny");
  broken.adaptations.push_back(
      {tasks::AdaptationSource::Kind::prompt, "absent", home_.folder() / "absent.json"});
  EXPECT_EQ(get(*host, broken).error().kind, ErrorKind::not_found);
  EXPECT_TRUE(becomes([&] { return host->load().models == 0; }));
}

}  // namespace
}  // namespace lathe::host
