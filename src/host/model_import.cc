#include "host/model_import.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "formats/hf_texts.h"
#include "host/model_description.h"
#include "host/model_files.h"
#include "host/model_output.h"
#include "host/packed_weights.h"
#include "host/staged_folder.h"
#include "store/names.h"

namespace lathe::host {
namespace {

namespace fs = std::filesystem;

using Details = nlohmann::json;

void add_certificates(const std::vector<evaluation::Certificate>& certificates, Details& details) {
  if (certificates.empty()) return;
  Details list = Details::array();
  for (const evaluation::Certificate& c : certificates) list.push_back(evaluation::to_json(c));
  details["certificates"] = std::move(list);
}

// Both objects in one.
std::string with_details(const std::string& known, const std::string& more) {
  Details all = Details::parse(known, nullptr, false);
  const Details added = Details::parse(more, nullptr, false);
  if (!all.is_object()) all = Details::object();
  if (added.is_object()) all.update(added);
  return all.dump(-1, ' ', false, Details::error_handler_t::replace);
}

// An open model, be it one that generates or an encoder.
struct Examined {
  store::ModelRecord record;  // see describe()
  std::vector<FileToCopy> files;
  std::optional<formats::ModelSource> generator;  // none: an encoder
};

Result<Examined> examine(const os::Path& path) {
  Examined found;
  if (formats::is_encoder(path)) {
    LATHE_TRY(const formats::EncoderSource source, formats::EncoderSource::open(path));
    LATHE_TRY(found.record, describe(source));
    LATHE_CHECK(describe_types(source, found.record));
    LATHE_TRY(found.files, files_of(source));
    return found;
  }
  LATHE_TRY(formats::ModelSource source, formats::ModelSource::open(path));
  LATHE_TRY(found.record, describe(source));
  LATHE_CHECK(describe_types(source, found.record));
  LATHE_TRY(found.files, files_of(source));
  LATHE_TRY(const auto certificates, evaluation::find_certificates(source));
  Details details = Details::object();
  add_certificates(certificates, details);
  found.record.details = details.dump(-1, ' ', false, Details::error_handler_t::replace);
  found.generator = std::move(source);
  return found;
}

Result<Details> write_converted(const formats::ModelSource& source, const os::Path& to,
                                const ConversionOptions& options, Parallel& parallel) {
  using Target = formats::ConversionPlan::Target;
  const bool as_gguf = source.gguf() != nullptr || tensor::is_block_type(*options.type);
  const Target target = as_gguf ? Target::gguf : Target::folder;
  LATHE_TRY(const Conversion conversion, convert(source, target, to, options, parallel));
  const OutputFacts facts{conversion.certificates, {}};
  if (options.progress) options.progress("writing the weights");
  const formats::ModelSource& result = conversion.model.model();
  LATHE_CHECK(as_gguf ? write_gguf(result, to / "model.gguf", facts)
                      : write_folder(result, to, facts));
  if (as_gguf && source.gguf() == nullptr) {
    LATHE_TRY(const auto readme, formats::find_readme(source.path()));
    if (readme) LATHE_CHECK(os::write_file_atomically(to / "README.md", *readme));
  }
  Details details = Details::object();
  details["conversion"] = to_json(conversion.model.report(), options.type);
  add_certificates(conversion.certificates, details);
  return details;
}

Status check_convertible(const Examined& found, const ConversionOptions& conversion) {
  if (!conversion.type || found.generator) return {};
  return Error::unsupported("encoders are stored in the types that they have")
      .fix_with("leave out --quantize");
}

Error model_taken(const std::string& name) {
  return Error::already_exists(fmt::format("there is a model '{}' already", name))
      .fix_with(fmt::format("give another --name, or remove it: lathe models rm {}", name));
}

}  // namespace

std::string default_model_name(const os::Path& path) {
  const os::Path clean = (path / "").lexically_normal().parent_path();
  return clean.extension() == ".gguf" ? clean.stem().string() : clean.filename().string();
}

Result<store::ModelRecord> describe_model(const os::Path& path) {
  LATHE_TRY(const os::Path file, tasks::model_path(path));
  LATHE_TRY(Examined found, examine(file));
  return std::move(found.record);
}

namespace {

// Where staged files become a model of the store.
struct Placing {
  LocalStore& store;
  const os::Path& target;
  const ConversionOptions& conversion;
  store::IfExists if_exists = store::IfExists::refuse;
};

// The record lacks what the copy shows. Its size is that of the model's own files.
Result<store::ModelRecord> record_staged(const Placing& placing, StagedFolder staged,
                                         store::ModelRecord record, Parallel& parallel) {
  LocalStore& store = placing.store;
  const os::Path& target = placing.target;
  LATHE_CHECK(describe_weights(staged.path(), parallel, record));
  record.size_bytes = static_cast<std::int64_t>(disk_bytes(staged.path()));
  LATHE_TRY(record.path, store.home.relative(target));
  LATHE_CHECK(pack_weights(staged.path(), parallel, [&](std::uint64_t done, std::uint64_t all) {
    if (placing.conversion.packing) placing.conversion.packing(done, all);
  }));
  // What keeps a tokenizer from being made is told by whoever needs it.
  const Status tokenizer = pack_tokenizer(staged.path());
  if (!tokenizer.ok() && tokenizer.error().kind == ErrorKind::io) return tokenizer.error();
  LATHE_CHECK(staged.commit());
  if (const Status added = store.catalogue.add_model(record, placing.if_exists); !added.ok()) {
    std::error_code ignored;
    fs::remove_all(target, ignored);
    return added.error();
  }
  return store.catalogue.model(record.name);
}

// Where the files of a model go that replaces another: beside them, so that until the record
// changes, in one step, the old model is whole. Names hold no "@".
os::Path place_beside(const os::Path& model_taken) {
  std::error_code code;
  for (int n = 2;; ++n) {
    os::Path place = model_taken.string() + fmt::format("@{}", n);
    if (!fs::exists(place, code)) return place;
  }
}

Status link_or_copy(const os::Path& from, const os::Path& to) {
  LATHE_CHECK(os::make_directories(to.parent_path()));
  std::error_code code;
  fs::create_hard_link(from, to, code);
  if (!code) return {};
  return copy_file(from, to, [](std::uint64_t) {});
}

}  // namespace

Result<store::ModelRecord> import_model(LocalStore& store, const os::Path& path,
                                        const std::string& name, Parallel& parallel,
                                        FunctionRef<void(std::uint64_t, std::uint64_t)> progress,
                                        const ConversionOptions& conversion) {
  LATHE_TRY(const os::Path target, store.home.model_folder(name));
  LATHE_TRY(const os::Path file, tasks::model_path(path));
  LATHE_TRY(Examined found, examine(file));
  LATHE_CHECK(check_convertible(found, conversion).at(path.string()));

  LATHE_TRY(StagedFolder staged, StagedFolder::begin(target));
  if (store.catalogue.model(name).ok()) return model_taken(name);
  if (conversion.type) {
    LATHE_TRY(const Details details,
              write_converted(*found.generator, staged.path(), conversion, parallel));
    found.record.details = details.dump(-1, ' ', false, Details::error_handler_t::replace);
  } else {
    LATHE_CHECK(copy_all(found.files, staged.path(), progress));
  }
  found.record.name = name;
  return record_staged({store, target, conversion}, std::move(staged), std::move(found.record),
                       parallel);
}

Result<store::ModelRecord> take_in_model(LocalStore& store, const ModelToTakeIn& model,
                                         Parallel& parallel) {
  LATHE_TRY(os::Path target, store.home.model_folder(model.name));
  LATHE_TRY(const os::Path file, tasks::model_path(model.path));
  LATHE_TRY(Examined found, examine(file));
  LATHE_CHECK(check_convertible(found, model.conversion).at(model.name));
  const os::Path folder = fs::is_directory(model.path) ? model.path : model.path.parent_path();
  for (const std::string& card : model.cards) {
    const bool is_there = std::any_of(found.files.begin(), found.files.end(),
                                      [&](const FileToCopy& each) { return each.name == card; });
    if (!is_there) found.files.push_back({folder / card, card});
  }

  const auto old = store.catalogue.model(model.name);
  if (old.ok() && model.if_exists == store::IfExists::refuse) return model_taken(model.name);
  if (old.ok()) target = place_beside(target);
  LATHE_TRY(StagedFolder staged, StagedFolder::begin(target));
  if (model.conversion.type) {
    LATHE_TRY(const Details details,
              write_converted(*found.generator, staged.path(), model.conversion, parallel));
    found.record.details = details.dump(-1, ' ', false, Details::error_handler_t::replace);
  } else {
    for (const FileToCopy& each : found.files)
      LATHE_CHECK(link_or_copy(each.from, staged.path() / each.name));
  }
  found.record.name = model.name;
  found.record.details = with_details(found.record.details, model.details);
  LATHE_TRY(const store::ModelRecord made,
            record_staged({store, target, model.conversion, model.if_exists}, std::move(staged),
                          std::move(found.record), parallel));
  if (old.ok()) {
    LATHE_TRY(const os::Path before, store.home.absolute(old->path));
    std::error_code ignored;  // nobody's record points to it any more
    fs::remove_all(before, ignored);
  }
  return made;
}

Status remove_model(LocalStore& store, const std::string& name) {
  LATHE_TRY(const store::ModelRecord record, store.catalogue.model(name));
  LATHE_TRY(const os::Path path, store.home.absolute(record.path));
  LATHE_TRY(const FolderLock lock, FolderLock::take(store.home.folder() / "models"));
  LATHE_CHECK(store.catalogue.remove_model(name));
  std::error_code code;
  fs::remove_all(path, code);
  if (code) return Error::io("cannot remove the files: " + code.message()).at(path.string());
  return {};
}

}  // namespace lathe::host
