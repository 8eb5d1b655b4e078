#include "adapters/tuned_modules.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "text/regex.h"

namespace lathe::adapters {
namespace {

using formats::PeftTensor;
using Role = PeftTensor::Role;

constexpr std::size_t kLengthRows = 64;  // of the identity at a time

Error no_place(const std::string& module) {
  return Error::bad_input(
             fmt::format("the adapter changes '{}', which this model does not have", module))
      .fix_with("use the adapter with the model it was trained on");
}

Status check_shape(const tensor::TensorView& view, const tensor::Shape& wanted) {
  if (view.shape == wanted) return {};
  return Error::bad_input(fmt::format("the tensor has shape {}; this model needs {}",
                                      tensor::to_string(view.shape), tensor::to_string(wanted)))
      .fix_with("use the adapter with the model it was trained on");
}

std::vector<float> values_of(const ops::MatrixWeight& matrix) {
  std::vector<float> values(matrix.rows * matrix.columns);
  for (std::size_t row = 0; row < matrix.rows; ++row)
    ops::read_row(matrix, row, values.data() + row * matrix.columns);
  return values;
}

std::int64_t extent(std::size_t size) { return static_cast<std::int64_t>(size); }

// As re.match(r"(.*\.)?(KEY)$", name) does.
Result<bool> names(const std::string& key, const std::string& module) {
  LATHE_TRY(const text::Regex regex,
            text::Regex::compile("\\A(?:.*\\.)?(?:" + key + ")\\z").at(key));
  text::Regex::Matcher matcher(regex, module);
  LATHE_TRY(const auto match, matcher.next());
  return match.has_value();
}

// The scale of a module where patterns are regular expressions.
Result<double> scale_of(const formats::LoraConfig& config, const formats::LoraPair& pair) {
  if (!config.has_regex_patterns()) return pair.scale;
  double alpha = config.alpha;
  bool found = false;
  for (const auto& [key, value] : config.alpha_pattern) {
    LATHE_TRY(const bool fits, names(key, pair.module));
    if (fits && found && value != alpha)
      return Error::unsupported("alpha_pattern has two values for this module").at(pair.module);
    if (fits) alpha = value;
    found = found || fits;
  }
  const auto rank = static_cast<double>(pair.a.shape[0]);
  return alpha / (config.rslora ? std::sqrt(rank) : rank);
}

// What PEFT would not load is refused.
Status check_target(const formats::LoraConfig& config, const std::string& module) {
  if (config.target_regex.empty()) return {};
  LATHE_TRY(const text::Regex regex,
            text::Regex::compile("\\A(?:" + config.target_regex + ")\\z").at("target_modules"));
  text::Regex::Matcher matcher(regex, module);
  LATHE_TRY(const auto match, matcher.next().at("target_modules"));
  if (match) return {};
  return Error::bad_input("target_modules does not name this module").at(module);
}

}  // namespace

bool TunedModules::is_needed(const formats::PeftAdapter& peft) {
  return peft.config().kind == formats::PeftConfig::Kind::ia3 || !peft.others().empty() ||
         peft.config().lora.has_regex_patterns() || !peft.config().lora.target_regex.empty();
}

TunedModules::TunedModules(const models::Decoder& decoder)
    : decoder_(decoder),
      tensors_(formats::expected_tensors(decoder.config())),
      by_site_(decoder.sites().size(), nullptr),
      by_norm_(decoder.norms().size(), nullptr) {}

models::SequenceAdapters TunedModules::view() const {
  models::SequenceAdapters view;
  view.loras = by_site_;
  view.norms = by_norm_;
  if (changes_embedding_) view.embedding = &embedding_;
  return view;
}

Status TunedModules::save(const os::Path& folder, const std::string&) const {
  return Error::unsupported("an adapter with more than low-rank updates cannot be written")
      .at(folder.string())
      .fix_with("copy its folder");
}

ops::LoraWeight& TunedModules::change(std::size_t site) {
  for (ops::LoraWeight& one : changes_) {
    if (&one == by_site_[site]) return one;
  }
  changes_.emplace_back();
  by_site_[site] = &changes_.back();
  return changes_.back();
}

const float* TunedModules::keep(std::vector<float> values) {
  values_.push_back(std::move(values));
  return values_.back().data();
}

const ops::VectorWeight* TunedModules::keep_vector(std::vector<float> values, float offset) {
  ops::VectorWeight vector;
  vector.size = values.size();
  vector.data = keep(std::move(values));
  vector.offset = offset;
  vectors_.push_back(vector);
  return &vectors_.back();
}

const ops::MatrixWeight* TunedModules::keep_matrix(const std::vector<float>& values,
                                                   std::size_t rows, std::size_t columns) {
  const kernels::Table& table = kernels::active();
  values_.emplace_back(kernels::panel_floats(table, columns, rows));
  SerialParallel serial;
  kernels::pack(table, {values.data(), 1, columns}, columns, rows, values_.back().data(), serial);
  ops::MatrixWeight matrix;
  matrix.rows = rows;
  matrix.columns = columns;
  matrix.panels = values_.back().data();
  matrices_.push_back(matrix);
  return &matrices_.back();
}

Status TunedModules::add_pair(const formats::PeftAdapter& peft, const formats::LoraPair& pair) {
  const auto sites = decoder_.sites();
  const auto found = std::find(sites.begin(), sites.end(), pair.module);
  if (found == sites.end()) return no_place(pair.module);
  const auto site = static_cast<std::size_t>(found - sites.begin());
  LATHE_CHECK(check_target(peft.config().lora, pair.module));
  const auto [out, in] = decoder_.site_shape(site);
  const std::int64_t rank = pair.a.shape[0];
  LATHE_CHECK(check_shape(pair.a, {rank, extent(in)}).at(pair.module + ".lora_A"));
  LATHE_CHECK(check_shape(pair.b, {extent(out), rank}).at(pair.module + ".lora_B"));
  LATHE_TRY(std::vector<float> a, tensor::to_f32(pair.a));
  LATHE_TRY(std::vector<float> b, tensor::to_f32(pair.b));
  LATHE_TRY(const double scale, scale_of(peft.config().lora, pair));
  ops::LoraWeight& weight = change(site);
  weight.a.rows = weight.b.columns = static_cast<std::size_t>(rank);
  weight.a.columns = in;
  weight.b.rows = out;
  weight.a.f32 = keep(std::move(a));
  weight.b.f32 = keep(std::move(b));
  weight.scale = static_cast<float>(scale);
  return {};
}

// Columns of W come out of products with stretches of the identity, whatever form W is kept in.
std::vector<float> TunedModules::row_lengths(std::size_t site) const {
  const ops::LoraWeight& change = *by_site_[site];
  const ops::MatrixWeight& own =
      change.weight != nullptr ? *change.weight : decoder_.linear(site).weight;
  const std::size_t out = own.rows, in = own.columns, rank = change.a.rows;
  std::vector<double> squares(out, 0);
  SerialParallel serial;
  for (std::size_t first = 0; first < in; first += kLengthRows) {
    const std::size_t count = std::min(kLengthRows, in - first);
    tensor::Arena arena;
    ops::Run run(kernels::active(), serial, arena);
    const ops::Value identity = run.make(count, in, false);
    std::fill_n(identity.data, identity.size(), 0.0f);
    for (std::size_t i = 0; i < count; ++i) identity.row(i)[first + i] = 1;
    const ops::Value columns = ops::linear(run, identity, own);
    for (std::size_t i = 0; i < count; ++i) {
      for (std::size_t o = 0; o < out; ++o) {
        double value = columns.row(i)[o];
        for (std::size_t r = 0; r < rank; ++r)
          value += static_cast<double>(change.scale) * change.b.f32[o * rank + r] *
                   change.a.f32[r * in + first + i];
        squares[o] += value * value;
      }
    }
  }
  std::vector<float> lengths;
  for (const double square : squares) lengths.push_back(static_cast<float>(std::sqrt(square)));
  return lengths;
}

Status TunedModules::add_magnitude(std::size_t site, const std::vector<float>& magnitude) {
  if (by_site_[site] == nullptr || !by_site_[site]->low_rank())
    return Error::bad_input("there is a magnitude, but no lora_A and lora_B");
  std::vector<float> factors = row_lengths(site);
  for (std::size_t i = 0; i < factors.size(); ++i) {
    if (!(factors[i] > 0))
      return Error::bad_input(fmt::format("row {} of the updated matrix has no length", i));
    factors[i] = magnitude[i] / factors[i];
  }
  change(site).out_factors = keep(std::move(factors));
  return {};
}

// What is one number for each output (or input) of a linear module.
Status TunedModules::add_vector(const formats::PeftConfig& config, const PeftTensor& t,
                                std::size_t site) {
  const auto [out, in] = decoder_.site_shape(site);
  const bool of_input = t.role == Role::ia3 && t.view.shape == tensor::Shape{1, extent(in)};
  if (t.role == Role::ia3) {
    LATHE_CHECK(check_target(config.lora, t.module));
    if (!of_input) LATHE_CHECK(check_shape(t.view, {extent(out), 1}));
  } else {
    LATHE_CHECK(check_shape(t.view, {extent(out)}));
  }
  LATHE_TRY(std::vector<float> values, tensor::to_f32(t.view));
  const ops::VectorWeight& own = decoder_.linear(site).bias;
  if (t.role == Role::magnitude) return add_magnitude(site, values);
  if (t.role == Role::bias) {
    if (own.size == 0) return no_place(t.module + ".bias");
    change(site).bias = keep_vector(std::move(values));
  } else if (t.role == Role::lora_bias) {
    if (config.lora.dora) return Error::unsupported("lora_bias together with use_dora");
    for (std::size_t i = 0; i < out; ++i)
      values[i] = change(site).scale * values[i] + (own.size > 0 ? own.data[i] : 0.0f);
    change(site).bias = keep_vector(std::move(values));
  } else if (of_input) {
    change(site).in_factors = keep(std::move(values));
  } else {
    if (own.size > 0) {  // the whole output is scaled
      std::vector<float> bias(own.data, own.data + out);
      for (std::size_t i = 0; i < out; ++i) bias[i] *= values[i];
      change(site).bias = keep_vector(std::move(bias));
    }
    change(site).out_factors = keep(std::move(values));
  }
  return {};
}

Status TunedModules::add_weight(const PeftTensor& t, std::size_t site) {
  const auto [out, in] = decoder_.site_shape(site);
  const auto expected = std::find_if(tensors_.begin(), tensors_.end(), [&](const auto& one) {
    return one.name == t.module + ".weight";
  });
  const bool turned = expected != tensors_.end() && expected->stored_transposed;
  LATHE_CHECK(check_shape(t.view, turned ? tensor::Shape{extent(in), extent(out)}
                                         : tensor::Shape{extent(out), extent(in)}));
  LATHE_TRY(std::vector<float> stored, tensor::to_f32(t.view));
  if (turned) {
    std::vector<float> values(stored.size());
    for (std::size_t i = 0; i < in; ++i) {
      for (std::size_t o = 0; o < out; ++o) values[o * in + i] = stored[i * out + o];
    }
    stored = std::move(values);
  }
  change(site).weight = keep_matrix(stored, out, in);
  return {};
}

Status TunedModules::add_norm(const PeftTensor& t, std::size_t norm) {
  const auto expected = std::find_if(tensors_.begin(), tensors_.end(), [&](const auto& one) {
    return one.name == t.module + (t.role == Role::bias ? ".bias" : ".weight");
  });
  if (expected == tensors_.end() || (t.role != Role::weight && t.role != Role::bias))
    return no_place(t.module);
  LATHE_CHECK(check_shape(t.view, expected->shape));
  LATHE_TRY(std::vector<float> values, tensor::to_f32(t.view));
  auto found = std::find_if(norms_.begin(), norms_.end(),
                            [&](const models::NormChange& one) { return &one == by_norm_[norm]; });
  if (found == norms_.end()) {
    norms_.emplace_back();
    by_norm_[norm] = &norms_.back();
    found = norms_.end() - 1;
  }
  const auto offset = static_cast<float>(decoder_.config().norm_offset);
  if (t.role == Role::bias) {
    found->bias = keep_vector(std::move(values));
  } else {
    found->weight = keep_vector(std::move(values), offset);
  }
  return {};
}

// Rows of single tokens, of a tied head too.
Status TunedModules::add_token_rows(const formats::PeftConfig& config,
                                    const std::vector<float>& rows) {
  const ops::MatrixWeight& table = decoder_.weights().embedding;
  const std::size_t width = table.columns;
  const std::vector<std::int64_t>& ids = config.lora.token_ids;
  std::vector<std::size_t> order(ids.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](auto x, auto y) { return ids[x] < ids[y]; });
  std::vector<float> sorted;
  std::vector<float> head;
  const bool tied = decoder_.config().tied_embeddings;
  if (tied) head = values_of(table);
  for (const std::size_t i : order) {
    if (ids[i] >= extent(table.rows))
      return Error::bad_input(
          fmt::format("trainable_token_indices has {}, outside the vocabulary", ids[i]));
    tokens_.push_back(static_cast<std::int32_t>(ids[i]));
    sorted.insert(sorted.end(), rows.begin() + extent(i * width),
                  rows.begin() + extent((i + 1) * width));
    if (tied)
      std::copy_n(rows.data() + i * width, width,
                  head.data() + static_cast<std::size_t>(ids[i]) * width);
  }
  embedding_.tokens = tokens_;
  embedding_.rows = keep(std::move(sorted));
  if (tied) change(decoder_.weights().head.site).weight = keep_matrix(head, table.rows, width);
  return {};
}

// In place of the table. A tied head is another name of the same tensor, unless the adapter saves
// the embedding as a module of its own; most files hold the model's own values once more.
void TunedModules::put_table(const formats::PeftConfig& config, const std::string& module,
                             std::vector<float> values) {
  const ops::MatrixWeight& own = decoder_.weights().embedding;
  if (values == values_of(own)) return;
  const bool saved =
      std::any_of(config.lora.modules_to_save.begin(), config.lora.modules_to_save.end(),
                  [&](const std::string& name) { return module.ends_with(name); });
  if (decoder_.config().tied_embeddings && !saved)
    change(decoder_.weights().head.site).weight = keep_matrix(values, own.rows, own.columns);
  embedding_.table = keep(std::move(values));
}

Status TunedModules::add_embedding(const formats::PeftConfig& config, const PeftTensor& t) {
  const ops::MatrixWeight& table = decoder_.weights().embedding;
  const std::int64_t vocab = extent(table.rows), width = extent(table.columns);
  const std::int64_t rank = t.view.shape.empty() ? 0 : t.view.shape.front();
  LATHE_TRY(std::vector<float> values, tensor::to_f32(t.view));
  changes_embedding_ = true;
  switch (t.role) {
    case Role::weight:
      LATHE_CHECK(check_shape(t.view, {vocab, width}));
      put_table(config, t.module, std::move(values));
      return {};
    case Role::embedding_a:
      if (config.lora.dora) return Error::unsupported("use_dora on embeddings");
      LATHE_CHECK(check_target(config.lora, t.module));
      LATHE_CHECK(check_shape(t.view, {rank, vocab}));
      embedding_.rank = static_cast<std::size_t>(rank);
      embedding_.scale = static_cast<float>(config.lora.scale_of(t.module));
      if (config.lora.has_regex_patterns())
        return Error::unsupported("patterns that are regular expressions, on embeddings");
      if (config.lora.rank_of(t.module) != rank)
        return Error::bad_input(
            fmt::format("its rank is {}, the config says {}", rank, config.lora.rank_of(t.module)));
      embedding_.a = keep(std::move(values));
      return {};
    case Role::embedding_b:
      LATHE_CHECK(check_shape(t.view, {width, extent(embedding_.rank)}));
      embedding_.b = keep(std::move(values));
      return {};
    case Role::token_rows:
      LATHE_CHECK(check_shape(t.view, {extent(config.lora.token_ids.size()), width}));
      return add_token_rows(config, values);
    default:
      return no_place(t.module);
  }
}

Status TunedModules::add_other(const formats::PeftConfig& config, const PeftTensor& t) {
  if (t.module == formats::module_of(tensors_.front())) return add_embedding(config, t);
  const auto norms = decoder_.norms();
  const auto norm = std::find(norms.begin(), norms.end(), t.module);
  if (norm != norms.end()) return add_norm(t, static_cast<std::size_t>(norm - norms.begin()));
  const auto sites = decoder_.sites();
  const auto found = std::find(sites.begin(), sites.end(), t.module);
  if (found == sites.end()) return no_place(t.module);
  const auto site = static_cast<std::size_t>(found - sites.begin());
  if (t.role == Role::weight) return add_weight(t, site);
  if (t.role == Role::embedding_a || t.role == Role::embedding_b || t.role == Role::token_rows)
    return no_place(t.module);
  return add_vector(config, t, site);
}

Result<std::unique_ptr<TunedModules>> TunedModules::load(const models::Decoder& decoder,
                                                         const formats::PeftAdapter& peft) {
  std::unique_ptr<TunedModules> adapter(new TunedModules(decoder));
  for (const formats::LoraPair& pair : peft.lora()) LATHE_CHECK(adapter->add_pair(peft, pair));
  // Whole weights first: a magnitude is that of the matrix as the adapter has it.
  for (const bool weights : {true, false}) {
    for (const PeftTensor& t : peft.others()) {
      if ((t.role == Role::weight) != weights) continue;
      LATHE_CHECK(adapter->add_other(peft.config(), t).at(t.module));
    }
  }
  if ((adapter->embedding_.a == nullptr) != (adapter->embedding_.b == nullptr))
    return Error::bad_input("one of lora_embedding_A and lora_embedding_B is missing");
  return adapter;
}

}  // namespace lathe::adapters
