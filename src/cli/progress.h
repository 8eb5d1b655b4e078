// Progress of long work: one line that is rewritten on a terminal, plain lines now and then
// elsewhere; on standard error, so that standard output stays data.
#pragma once

#include <string>

#include "os/clock.h"

namespace lathe::cli {

class ProgressLine {
 public:
  // every: seconds between plain lines.
  explicit ProgressLine(const os::Clock& clock, double every = 10);
  ~ProgressLine();

  // Shows the text if it is time; last forces it.
  void show(const std::string& text, bool last = false);
  // A line of its own that stays.
  void say(const std::string& text);

 private:
  const os::Clock& clock_;
  double every_;
  double shown_ = -1e9;
  bool terminal_;
  bool open_ = false;  // a line on the terminal waits to be rewritten
};

// "1 h 02 min", "3 min 05 s", "12 s".
std::string duration(double seconds);

}  // namespace lathe::cli
