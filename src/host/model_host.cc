#include "host/model_host.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "base/log.h"
#include "host/packed_weights.h"
#include "host/worker_pool.h"

namespace lathe::host {
namespace {

// Assistants kept beside one model; beyond these the longest unused goes.
constexpr std::size_t kKeptAssistants = 64;

std::string key_of(const Resolved& what) { return path_identity(what.model_path); }

std::string key_of(const std::vector<tasks::AdaptationSource>& adaptations) {
  std::string key;
  for (const tasks::AdaptationSource& source : adaptations) {
    key += path_identity(source.path) + "\n";
  }
  return key;
}

}  // namespace

// The assistants of one model. Its own mutex, held while one is made, so that several requests
// that need it first make it once. Thread-safe.
class Assistants {
 public:
  Result<std::shared_ptr<const tasks::Assistant>> get(
      const std::shared_ptr<tasks::LoadedModel>& model, const Resolved& what) {
    const std::string key = key_of(what.adaptations);
    const std::lock_guard lock(mutex_);
    const auto found = kept_.find(key);
    if (found != kept_.end()) {
      found->second.used = ++uses_;
      return found->second.assistant;
    }
    LATHE_TRY(auto assistant, tasks::Assistant::make(model, what.adaptations));
    if (kept_.size() >= kKeptAssistants) drop_longest_unused();
    kept_[key] = {assistant, ++uses_};
    return assistant;
  }

 private:
  struct Kept {
    std::shared_ptr<const tasks::Assistant> assistant;
    std::uint64_t used = 0;
  };

  void drop_longest_unused() {
    kept_.erase(std::min_element(kept_.begin(), kept_.end(), [](const auto& a, const auto& b) {
      return a.second.used < b.second.used;
    }));
  }

  std::mutex mutex_;
  std::map<std::string, Kept> kept_;
  std::uint64_t uses_ = 0;
};

// One model. All but the assistants and what a pointer to the model leads to is guarded by the
// host's mutex.
struct ModelHost::Entry {
  struct Waiter {
    Resolved what;
    Ready ready;
    double since = 0;
  };

  std::string name;                           // for the log
  std::shared_ptr<tasks::LoadedModel> model;  // null while it is being loaded
  std::vector<Waiter> waiters;                // of the load
  std::size_t users = 0;
  double last_used = 0;
  Assistants assistants;  // after model: they go first
};

class ModelHost::Impl {
 public:
  Impl(const ModelHostOptions& options, Parallel& parallel, const os::Clock& clock)
      : options_(options),
        parallel_(parallel),
        clock_(clock),
        loaders_(std::make_unique<WorkerPool>(options.loaders)),
        reaper_([this] { reap(); }) {}

  ~Impl() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    loaders_.reset();
    reaper_.join();
    for (const auto& [key, entry] : entries_) LATHE_ASSERT(entry->users == 0);
  }

  void acquire(const Resolved& what, Ready ready) {
    const std::string key = key_of(what);
    std::unique_lock lock(mutex_);
    std::unique_ptr<Entry>& entry = entries_[key];
    const bool is_new = entry == nullptr;
    if (is_new) entry = std::make_unique<Entry>();
    if (is_new || entry->model == nullptr) {
      entry->name = what.model_name;
      entry->waiters.push_back({what, std::move(ready), clock_.seconds()});
      lock.unlock();
      if (is_new) loaders_->post([this, key, what] { load(key, what); });
      return;
    }
    Entry* loaded = entry.get();
    ++loaded->users;
    lock.unlock();
    serve(loaded, what, ready, 0);
  }

  bool is_loaded(const Resolved& what) const {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(key_of(what));
    return found != entries_.end() && found->second->model != nullptr;
  }

  ModelHostLoad load_now() {
    ModelHostLoad sum;
    // The engines are asked without the mutex: they may hold their own while they let go of leases.
    const std::vector<Entry*> pinned = pin_all();
    for (const Entry* entry : pinned) {
      const engine::EngineStats stats = entry->model->engine().stats();
      sum.running += stats.running;
      sum.waiting += stats.waiting;
    }
    sum.models = pinned.size();
    {
      const std::lock_guard lock(mutex_);
      for (Entry* entry : pinned) --entry->users;
    }
    changed_.notify_all();
    return sum;
  }

  // REQUIRES: somebody holds it.
  void hold(Entry* entry) {
    const std::lock_guard lock(mutex_);
    ++entry->users;
  }

  void release(Entry* entry) {
    {
      const std::lock_guard lock(mutex_);
      --entry->users;
      entry->last_used = clock_.seconds();
      // Notified under the mutex: once it is given back the host may be gone.
      changed_.notify_all();
    }
  }

 private:
  std::vector<Entry*> pin_all() {
    const std::lock_guard lock(mutex_);
    std::vector<Entry*> pinned;
    for (const auto& [key, entry] : entries_) {
      if (entry->model == nullptr) continue;
      ++entry->users;
      pinned.push_back(entry.get());
    }
    return pinned;
  }

  bool stopping() const {
    const std::lock_guard lock(mutex_);
    return stopping_;
  }

  Result<std::shared_ptr<tasks::LoadedModel>> read(const Resolved& what) const {
    if (stopping()) return Error::unavailable("the server is stopping");
    return load_model(what, parallel_, options_.engine);
  }

  // On a loader's thread.
  void load(const std::string& key, const Resolved& what) {
    auto loaded = read(what);
    std::vector<Entry::Waiter> waiters;
    std::unique_ptr<Entry> failed;
    Entry* entry = nullptr;
    {
      const std::lock_guard lock(mutex_);
      const auto found = entries_.find(key);
      waiters = std::move(found->second->waiters);
      entry = found->second.get();
      if (loaded.ok()) {
        entry->model = std::move(*loaded);  // its only owner beside assistants
        entry->users += waiters.size();
        entry->last_used = clock_.seconds();
      } else {
        failed = std::move(found->second);  // the next request tries again
        entries_.erase(found);
      }
    }
    if (!loaded.ok()) {
      log::warning("{} could not be loaded: {}", failed->name, loaded.error().message());
      for (const auto& waiter : waiters) waiter.ready(loaded.error());
      return;
    }
    log::info("{} loaded in {:.0f} ms", entry->name, entry->model->load_seconds() * 1000);
    for (const auto& waiter : waiters) {
      serve(entry, waiter.what, waiter.ready, (clock_.seconds() - waiter.since) * 1000);
    }
  }

  // Gives out a user that is counted already.
  void serve(Entry* entry, const Resolved& what, const Ready& ready, double load_ms) {
    auto assistant = entry->assistants.get(entry->model, what);
    if (!assistant.ok()) {
      release(entry);
      return ready(std::move(assistant).error());
    }
    ready(Lease(this, entry, *std::move(assistant), load_ms));
  }

  // Takes out the entries whose time is over, and says when the next one's is.
  std::vector<std::unique_ptr<Entry>> take_expired(double now, double& next) {
    std::vector<std::unique_ptr<Entry>> expired;
    for (auto at = entries_.begin(); at != entries_.end();) {
      Entry& entry = *at->second;
      const double end = entry.last_used + options_.idle_seconds;
      if (entry.model == nullptr || entry.users > 0) {
        ++at;
      } else if (end > now) {
        next = std::min(next, end);
        ++at;
      } else {
        expired.push_back(std::move(at->second));
        at = entries_.erase(at);
      }
    }
    return expired;
  }

  // The reaper's thread: models are destroyed here, never on the thread of an engine.
  void reap() {
    constexpr double kLongest = 60;  // seconds; the clock may not be the one that wait_for uses
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      const double now = clock_.seconds();
      double next = now + kLongest;
      std::vector<std::unique_ptr<Entry>> expired = take_expired(now, next);
      if (!expired.empty()) {
        lock.unlock();
        for (const auto& entry : expired) log::info("{} was idle and is let go", entry->name);
        expired.clear();
        lock.lock();
        continue;
      }
      changed_.wait_for(lock, std::chrono::duration<double>(next - now));
    }
  }

  const ModelHostOptions options_;
  Parallel& parallel_;
  const os::Clock& clock_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, std::unique_ptr<Entry>> entries_;  // guarded by mutex_, as the next
  bool stopping_ = false;
  std::unique_ptr<WorkerPool> loaders_;
  std::thread reaper_;  // last: it uses the rest
};

ModelHost::ModelHost(const ModelHostOptions& options, Parallel& parallel, const os::Clock& clock)
    : impl_(std::make_unique<Impl>(options, parallel, clock)) {}
ModelHost::~ModelHost() = default;

void ModelHost::acquire(const Resolved& what, Ready ready) {
  impl_->acquire(what, std::move(ready));
}
bool ModelHost::is_loaded(const Resolved& what) const { return impl_->is_loaded(what); }
ModelHostLoad ModelHost::load() const { return impl_->load_now(); }

ModelHost::Lease::Lease(Lease&& other) noexcept
    : host_(other.host_),
      entry_(std::exchange(other.entry_, nullptr)),
      assistant_(std::move(other.assistant_)),
      load_ms_(other.load_ms_) {}

ModelHost::Lease ModelHost::Lease::share() const {
  host_->hold(entry_);
  return Lease(host_, entry_, assistant_, load_ms_);
}

ModelHost::Lease::~Lease() {
  if (entry_ == nullptr) return;
  assistant_.reset();  // first: the entry must be the model's last owner
  host_->release(entry_);
}

}  // namespace lathe::host
