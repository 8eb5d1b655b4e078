#include "host/model_pull.h"

#include <fmt/format.h>

#include <mutex>

#include "formats/encoder_source.h"
#include "formats/weight_summary.h"
#include "host/forecast.h"
#include "host/model_import.h"
#include "host/pull_header.h"
#include "host/pull_source.h"
#include "host/staged_folder.h"
#include "hub/download.h"
#include "os/thread_pool.h"
#include "store/names.h"
#include "tasks/loaded_model.h"

namespace lathe::host {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kSpareDisk = std::uint64_t{64} << 20;  // left free for everything else

double gigabytes(std::uint64_t bytes) { return static_cast<double>(bytes) / 1e9; }

Error offline(const std::string& name) {
  return Error::unavailable(fmt::format("'{}' is not in the store, and this is offline", name))
      .fix_with("leave out --offline and LATHE_OFFLINE, or import the model from a path");
}

// Adds up what comes, and tells.
class Counter {
 public:
  explicit Counter(const PullEvents& events) : events_(events) {}

  void start(std::uint64_t kept, std::uint64_t all) {
    const std::lock_guard lock(mutex_);
    done_ = static_cast<std::int64_t>(kept);
    all_ = all;
  }
  void add(std::int64_t bytes) {
    const std::lock_guard lock(mutex_);
    done_ += bytes;
    const auto done = static_cast<std::uint64_t>(std::max<std::int64_t>(0, done_));
    if (events_.on_bytes && all_ > 0) events_.on_bytes(std::min(done, all_), all_);
  }

 private:
  const PullEvents& events_;
  std::mutex mutex_;  // guards the rest, and lets one thread tell at a time
  std::int64_t done_ = 0;
  std::uint64_t all_ = 0;  // 0: not known yet
};

// Names of the files that no model needs and whoever reads its card does.
std::vector<std::string> cards_of(const hub::Selection& selection) {
  std::vector<std::string> cards;
  for (const hub::RemoteFile& file : selection.texts) {
    if (file.path.starts_with("README") || file.path.starts_with("LICENSE"))
      cards.push_back(file.path);
  }
  return cards;
}

// Bytes of the weights once loaded.
Result<std::uint64_t> memory_of(const os::Path& path, const store::ModelRecord& model,
                                const ConversionOptions& conversion) {
  ModelSizes sizes;
  sizes.parameters = model.parameters;
  LATHE_TRY(const os::Path file, tasks::model_path(path));
  if (formats::is_encoder(file)) return weight_bytes(sizes, tensor::DType::f32);
  LATHE_TRY(const formats::ModelSource source, formats::ModelSource::open(file));
  LATHE_TRY(const auto types, formats::weights_by_type(source));
  sizes.vocab_size = source.config().vocab_size;
  sizes.hidden_size = source.config().hidden_size;
  sizes.tied_embeddings = source.config().tied_embeddings;
  const auto stored = types.empty() ? tensor::DType::f32 : types.front().dtype;
  return weight_bytes(sizes, conversion.type.value_or(stored));
}

class Pull {
 public:
  Pull(LocalStore& store, const hub::Target& target, const PullOptions& options, Parallel& parallel,
       const PullEvents& events, std::string name)
      : store_(store),
        target_(target),
        options_(options),
        parallel_(parallel),
        events_(events),
        name_(std::move(name)),
        client_(options.http),
        connections_(options.connections),
        counter_(events),
        received_([this](std::int64_t bytes) { counter_.add(bytes); }),
        downloader_(client_, connections_, received_) {}

  Result<PullResult> run() {
    LATHE_TRY(const os::Path home, download_folder());
    LATHE_TRY(const FolderLock lock, FolderLock::take(home));
    LATHE_TRY(const bool there, is_there());  // another pull may have ended meanwhile
    if (there) return found();
    folder_ = home / "files";
    LATHE_CHECK(list());
    LATHE_CHECK(check_disk(selection_.bytes()));
    LATHE_CHECK(fetch_texts());
    LATHE_CHECK(fetch_headers(downloader_, selection_, folder_));
    LATHE_CHECK(look());
    if (options_.only_look) return PullResult{};
    LATHE_CHECK(fetch_weights());
    LATHE_TRY(store::ModelRecord made, take_in());
    std::error_code ignored;  // what stays takes room and does no harm
    fs::remove_all(folder_, ignored);
    return PullResult{std::move(made), false};
  }

  // Whether the store has what is asked for. already_exists: the name is another model's.
  Result<bool> is_there() {
    const auto model = store_.catalogue.model(name_);
    if (!model.ok()) return false;
    if (options_.force || options_.only_look) return false;
    if (came_from(*model, target_)) return true;
    if (came_from_repository(*model, target_)) return false;  // another revision is wanted
    return Error::already_exists(
               fmt::format("there is a model '{}' already, which came from elsewhere", name_))
        .fix_with("give another --name, or replace it with --force");
  }

  Result<PullResult> found() {
    LATHE_TRY(store::ModelRecord model, store_.catalogue.model(name_));
    return PullResult{std::move(model), true};
  }

 private:
  Result<os::Path> download_folder() const {
    LATHE_TRY(const os::Path model, store_.home.model_folder(name_));
    os::Path folder = store_.home.folder() / "downloads" / model.filename();
    LATHE_CHECK(os::make_directories(folder));
    return folder;
  }

  Status list() {
    if (const auto* file = std::get_if<hub::FileTarget>(&target_)) {
      LATHE_TRY(hub::RemoteFile found, hub::examine(client_, file->url, file->name));
      selection_.form = hub::Selection::Form::gguf;
      selection_.weights = {std::move(found)};
      return {};
    }
    const auto& wanted = std::get<hub::RepositoryTarget>(target_);
    LATHE_TRY(repository_, hub::read_repository(client_, wanted));
    LATHE_TRY(selection_, hub::select_files(repository_, wanted.choice));
    return {};
  }

  Status fetch_texts() {
    LATHE_CHECK(downloader_.fetch_small(selection_.texts, folder_));
    if (!selection_.has_index) return {};
    LATHE_TRY(const std::string index, os::read_file(folder_ / hub::kWeightsIndex));
    LATHE_CHECK(hub::select_shards(repository_, index, selection_));
    return check_disk(selection_.bytes());
  }

  Status check_disk(std::uint64_t bytes) {
    LATHE_TRY(const std::uint64_t free, available_disk(store_.home.folder()));
    LATHE_TRY(const std::uint64_t kept, hub::bytes_kept(selection_.weights, folder_));
    if (bytes <= free + kept && kSpareDisk <= free + kept - bytes) return {};
    return Error::io(fmt::format("the model takes {:.2f} GB on disk, and {:.2f} GB are free",
                                 gigabytes(bytes), gigabytes(free + kept)))
        .at(store_.home.folder().string())
        .fix_with("make room, or keep the store elsewhere with --home DIR");
  }

  os::Path model_path() const {
    if (selection_.form == hub::Selection::Form::gguf)
      return folder_ / selection_.weights.front().path;
    return folder_;
  }

  // Everything that an import would refuse is refused here.
  Status look() {
    PullPreview preview;
    LATHE_TRY(preview.model, describe_model(model_path()));
    preview.model.name = name_;
    preview.origin = origin_text(target_, repository_);
    preview.licence = repository_.licence;
    preview.download_bytes = selection_.bytes();
    LATHE_TRY(preview.kept_bytes, hub::bytes_kept(selection_.weights, folder_));
    LATHE_TRY(preview.disk_available, available_disk(store_.home.folder()));
    LATHE_TRY(preview.memory_bytes, memory_of(model_path(), preview.model, options_.conversion));
    LATHE_TRY(preview.memory_available, available_memory());
    if (events_.on_preview) events_.on_preview(preview);
    if (preview.memory_bytes <= preview.memory_available || options_.any_memory ||
        options_.only_look)
      return {};
    return Error::limit(fmt::format("the weights take {:.1f} GB of memory once loaded, and {:.1f} "
                                    "GB are available here",
                                    gigabytes(preview.memory_bytes),
                                    gigabytes(preview.memory_available)))
        .at(preview.origin)
        .fix_with(
            "choose a smaller or quantised model, or fetch it nevertheless with "
            "--any-memory");
  }

  Status fetch_weights() {
    LATHE_TRY(const std::uint64_t kept, hub::bytes_kept(selection_.weights, folder_));
    std::uint64_t all = 0;
    for (const hub::RemoteFile& file : selection_.weights) all += file.size;
    if (kept > 0 && events_.on_note)
      events_.on_note(fmt::format("{:.2f} of {:.2f} GB are here from an earlier run",
                                  gigabytes(kept), gigabytes(all)));
    counter_.start(kept, all);
    return downloader_.fetch(selection_.weights, folder_);
  }

  Result<store::ModelRecord> take_in() {
    const bool replaces = store_.catalogue.model(name_).ok();
    return take_in_model(
        store_,
        {.path = model_path(),
         .name = name_,
         .cards = cards_of(selection_),
         .details = details_of(target_, repository_, selection_),
         .conversion = options_.conversion,
         .if_exists = replaces ? store::IfExists::replace : store::IfExists::refuse},
        parallel_);
  }

  LocalStore& store_;
  const hub::Target& target_;
  const PullOptions& options_;
  Parallel& parallel_;
  const PullEvents& events_;
  const std::string name_;
  hub::HttpClient client_;
  os::ThreadPool connections_;
  Counter counter_;
  std::function<void(std::int64_t)> received_;
  hub::Downloader downloader_;
  os::Path folder_;
  hub::Repository repository_;
  hub::Selection selection_;
};

}  // namespace

Result<PullResult> pull_model(LocalStore& store, const hub::Target& target,
                              const PullOptions& options, Parallel& parallel,
                              const PullEvents& events) {
  const std::string name = options.name.empty() ? hub::default_name(target) : options.name;
  LATHE_CHECK(store::check_model_name(name));
  Pull pull(store, target, options, parallel, events, name);
  LATHE_TRY(const bool there, pull.is_there());
  if (there) return pull.found();
  if (options.offline) return offline(name);
  return pull.run();
}

}  // namespace lathe::host
