#include "server/stop_signals.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace lathe::server {
namespace {

TEST(StopSignals, WaitGivesTheFirstSignal) {
  for (const int number : {SIGTERM, SIGINT}) {
    auto stop = StopSignals::install();
    ASSERT_TRUE(stop.ok());
    ::raise(number);
    EXPECT_EQ(stop->wait(), number);
  }
}

TEST(StopSignals, ASecondSignalEndsTheProgram) {
  const pid_t child = ::fork();
  if (child == 0) {
    auto stop = StopSignals::install();
    if (!stop.ok()) ::_exit(1);
    ::raise(SIGTERM);
    stop->wait();
    ::raise(SIGINT);
    ::_exit(2);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(WTERMSIG(status), SIGINT);
}

}  // namespace
}  // namespace lathe::server
