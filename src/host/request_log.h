// Records of answered requests on their way to the catalogue: gathered and written by a thread of
// its own, so that no answer waits for the disk. Thread-safe.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "store/catalogue.h"

namespace lathe::host {

class RequestLog {
 public:
  // The catalogue outlives the log.
  explicit RequestLog(store::Catalogue& catalogue);
  // Writes what is left.
  ~RequestLog();

  RequestLog(const RequestLog&) = delete;
  RequestLog& operator=(const RequestLog&) = delete;

  // Never blocks for long. When the disk cannot keep up for very long, records are dropped and the
  // program's log says how many.
  void add(store::RequestRecord record);

 private:
  void run();
  void write(const std::vector<store::RequestRecord>& records);

  store::Catalogue& catalogue_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<store::RequestRecord> pending_;  // guarded by mutex_, as the next two
  std::size_t dropped_ = 0;
  bool stopping_ = false;
  std::thread thread_;  // last: it uses the rest
};

}  // namespace lathe::host
