#include "host/request_log.h"

#include <chrono>
#include <utility>

#include "base/log.h"

namespace lathe::host {
namespace {

constexpr std::size_t kMaxPending = 65'536;
// Requests of this long are written together.
constexpr auto kGather = std::chrono::milliseconds(100);

}  // namespace

RequestLog::RequestLog(store::Catalogue& catalogue)
    : catalogue_(catalogue), thread_([this] { run(); }) {}

RequestLog::~RequestLog() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void RequestLog::add(store::RequestRecord record) {
  {
    const std::lock_guard lock(mutex_);
    if (pending_.size() >= kMaxPending) {
      ++dropped_;
      return;
    }
    pending_.push_back(std::move(record));
  }
  wake_.notify_all();
}

void RequestLog::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopping_ || !pending_.empty(); });
    if (pending_.empty()) return;
    if (!stopping_) wake_.wait_for(lock, kGather, [this] { return stopping_; });
    const std::vector<store::RequestRecord> records = std::exchange(pending_, {});
    const std::size_t dropped = std::exchange(dropped_, 0);
    lock.unlock();
    if (dropped > 0) log::warning("{} requests are missing in the request log", dropped);
    write(records);
    lock.lock();
  }
}

void RequestLog::write(const std::vector<store::RequestRecord>& records) {
  const Status written = catalogue_.record_requests(records);
  if (written.ok()) return;
  log::warning("{} requests could not be written to the request log: {}", records.size(),
               written.error().message());
}

}  // namespace lathe::host
