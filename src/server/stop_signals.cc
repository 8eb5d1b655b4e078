#include "server/stop_signals.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

namespace lathe::server {
namespace {

// A handler may only write; the reader waits in a usual thread.
volatile std::sig_atomic_t g_writer = -1;

void on_signal(int number) {
  const int saved = errno;
  const auto byte = static_cast<unsigned char>(number);
  [[maybe_unused]] const ssize_t written = ::write(g_writer, &byte, 1);
  errno = saved;
}

}  // namespace

Result<StopSignals> StopSignals::install() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    return Error::io(std::string("cannot make a pipe for signals: ") + std::strerror(errno));
  }
  g_writer = ends[1];
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);
  ::sigaction(SIGTERM, &action, nullptr);
  ::sigaction(SIGINT, &action, nullptr);
  return StopSignals(ends[0]);
}

StopSignals::~StopSignals() {
  if (reader_ < 0) return;
  ::signal(SIGTERM, SIG_DFL);
  ::signal(SIGINT, SIG_DFL);
  ::close(g_writer);
  g_writer = -1;
  ::close(reader_);
}

int StopSignals::wait() {
  unsigned char byte = 0;
  while (::read(reader_, &byte, 1) < 0 && errno == EINTR) {
  }
  // A second signal of either kind ends the program.
  ::signal(SIGTERM, SIG_DFL);
  ::signal(SIGINT, SIG_DFL);
  return byte;
}

}  // namespace lathe::server
