#include "models/pass.h"

#include <algorithm>

#include "models/activation.h"

namespace lathe::models {
namespace {

const ops::LoraWeight* lora_of(const BatchSequence& sequence, std::size_t site) {
  if (sequence.adapters == nullptr || site >= sequence.adapters->loras.size()) return nullptr;
  return sequence.adapters->loras[site];
}

// Adds [first, last) to the slices, joined to the one before it when that continues.
void add_slice(std::vector<ops::LoraSlice>& slices, std::size_t first, std::size_t last,
               const ops::LoraWeight* lora) {
  if (lora == nullptr) return;
  if (!slices.empty() && slices.back().lora == lora && slices.back().last == first) {
    slices.back().last = last;
  } else {
    slices.push_back({first, last, lora});
  }
}

// What a token's scaled row becomes.
void change_row(const EmbeddingChange& change, const Decoder& decoder, std::int32_t token,
                std::span<float> row) {
  const std::size_t vocab = decoder.weights().embedding.rows;
  const auto scale = static_cast<float>(decoder.config().embedding_scale);
  const auto at = static_cast<std::size_t>(token);
  const auto take = [&](const float* from) {
    for (std::size_t i = 0; i < row.size(); ++i) row[i] = scale * from[i];
  };
  if (change.table != nullptr) take(change.table + at * row.size());
  for (std::size_t i = 0; i < row.size() && change.a != nullptr; ++i) {
    float sum = 0;
    for (std::size_t r = 0; r < change.rank; ++r)
      sum += change.b[i * change.rank + r] * change.a[r * vocab + at];
    row[i] += scale * change.scale * sum;
  }
  const auto found = std::lower_bound(change.tokens.begin(), change.tokens.end(), token);
  if (found == change.tokens.end() || *found != token) return;
  take(change.rows + static_cast<std::size_t>(found - change.tokens.begin()) * row.size());
}

const NormChange* norm_change_of(const BatchSequence& s, const Norm& norm) {
  if (s.adapters == nullptr || norm.index >= s.adapters->norms.size()) return nullptr;
  return s.adapters->norms[norm.index];
}

// Computes a piece of the rows anew with other weights.
void renorm(ops::Run& run, const formats::DecoderConfig& c, const Norm& own,
            const NormChange& change, const ops::Value& x, const ops::Value& y) {
  LATHE_ASSERT(run.tape == nullptr);
  const ops::VectorWeight& weight = change.weight != nullptr ? *change.weight : own.weight;
  const ops::VectorWeight& bias = change.bias != nullptr ? *change.bias : own.bias;
  const auto epsilon = static_cast<float>(c.norm_eps);
  const ops::Value changed = bias.size > 0 ? ops::layer_norm(run, x, weight, bias, epsilon)
                                           : ops::rms_norm(run, x, weight, epsilon);
  std::copy_n(changed.data, changed.size(), y.data);
}

}  // namespace

Pass::Pass(ops::Run& run, const Decoder& decoder, const Batch& batch)
    : run_(run), decoder_(decoder), batch_(batch) {
  if (config().positions != formats::PositionKind::rotary) return;
  const std::vector<RotaryRow> rows = rotary_rows();
  angles_ = decoder.rotary().angles(false, rows, run.arena);
  for (std::size_t layer = 0; layer < decoder.weights().layers.size(); ++layer) {
    if (formats::window_of(config(), layer) == 0) continue;
    window_angles_ = decoder.rotary().angles(true, rows, run.arena);
    break;
  }
}

std::vector<ops::LoraSlice> Pass::lora_slices(std::size_t site) const {
  std::vector<ops::LoraSlice> slices;
  for (const BatchSequence& s : batch_.sequences) {
    add_slice(slices, s.first, s.first + s.count, lora_of(s, site));
  }
  return slices;
}

std::vector<ops::LoraSlice> Pass::lora_slices_of_rows(std::size_t site,
                                                      std::span<const std::int32_t> rows) const {
  std::vector<ops::LoraSlice> slices;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto row = static_cast<std::size_t>(rows[i]);
    for (const BatchSequence& s : batch_.sequences) {
      if (row >= s.first && row < s.first + s.count) add_slice(slices, i, i + 1, lora_of(s, site));
    }
  }
  return slices;
}

void Pass::change_embeddings(const ops::Value& x) {
  for (const BatchSequence& s : batch_.sequences) {
    const EmbeddingChange* change = s.adapters != nullptr ? s.adapters->embedding : nullptr;
    if (change == nullptr) continue;
    LATHE_ASSERT(run_.tape == nullptr);
    for (std::size_t i = s.first; i < s.first + s.count; ++i) {
      if (batch_.tokens[i] < 0) continue;
      change_row(*change, decoder_, batch_.tokens[i], {x.row(i), x.columns});
    }
  }
}

ops::Value Pass::embed() {
  const DecoderWeights& weights = decoder_.weights();
  std::vector<ops::SoftPromptSlice> prompts;
  for (const BatchSequence& s : batch_.sequences) {
    if (s.adapters != nullptr && s.adapters->soft_prompt != nullptr) {
      prompts.push_back({s.first, s.first + s.count, s.adapters->soft_prompt});
    }
  }
  // Virtual tokens stand behind the scaling of Gemma's embeddings, as with PEFT.
  const ops::Value x = ops::embed(run_, weights.embedding, batch_.tokens, prompts,
                                  static_cast<float>(config().embedding_scale));
  change_embeddings(x);
  if (weights.positions.rows == 0) return x;
  return ops::add(run_, x, ops::embed(run_, weights.positions, batch_.positions, {}));
}

ops::Value Pass::normed(const ops::Value& x, const Norm& norm) {
  const auto epsilon = static_cast<float>(config().norm_eps);
  if (norm.bias.size == 0) return ops::rms_norm(run_, x, norm.weight, epsilon);
  return ops::layer_norm(run_, x, norm.weight, norm.bias, epsilon);
}

void Pass::change_norm(const ops::Value& x, const Norm& norm, const ops::Value& y) {
  for (const BatchSequence& s : batch_.sequences) {
    const NormChange* change = norm_change_of(s, norm);
    if (change == nullptr) continue;
    renorm(run_, config(), norm, *change, x.rows_of(s.first, s.count), y.rows_of(s.first, s.count));
  }
}

ops::Value Pass::norm(const ops::Value& x, const Norm& norm) {
  const ops::Value y = normed(x, norm);
  change_norm(x, norm, y);
  return y;
}

ops::Value Pass::rms_norm(const ops::Value& x, const Norm& norm) { return this->norm(x, norm); }

ops::Value Pass::output_norm(const ops::Value& x, const Norm& norm) {
  const ops::Value y = normed(x, norm);
  for (std::size_t i = 0; i < batch_.outputs.size(); ++i) {
    const auto row = static_cast<std::size_t>(batch_.outputs[i]);
    for (const BatchSequence& s : batch_.sequences) {
      if (row < s.first || row >= s.first + s.count) continue;
      const NormChange* change = norm_change_of(s, norm);
      if (change != nullptr)
        renorm(run_, config(), norm, *change, x.rows_of(i, 1), y.rows_of(i, 1));
    }
  }
  return y;
}

ops::Value Pass::linear(const ops::Value& x, const Linear& linear, const ops::Value* residual) {
  const ops::VectorWeight* bias = linear.bias.size > 0 ? &linear.bias : nullptr;
  const std::vector<ops::LoraSlice> loras = lora_slices(linear.site);
  return ops::linear(
      run_, x, linear.weight,
      {.loras = loras, .bias = bias, .residual = residual, .drawn = batch_.drawn_rows()});
}

std::array<ops::Value, 3> Pass::linear_of_three(const ops::Value& x,
                                                const std::array<const Linear*, 3>& linears) {
  std::array<std::vector<ops::LoraSlice>, 3> loras;
  std::vector<ops::LinearPart> parts;
  for (std::size_t i = 0; i < 3; ++i) {
    const Linear& linear = *linears[i];
    loras[i] = lora_slices(linear.site);
    parts.push_back({linear.weight,
                     {.loras = loras[i],
                      .bias = linear.bias.size > 0 ? &linear.bias : nullptr,
                      .drawn = batch_.drawn_rows()}});
  }
  std::array<ops::Value, 3> made;
  ops::linear_side_by_side(run_, x, parts, made.data());
  return made;
}

bool Pass::is_plain(const Linear& linear) const {
  return linear.bias.size == 0 && lora_slices(linear.site).empty();
}

ops::Value Pass::mlp(const ops::Value& x, const DecoderLayer& layer, const ops::Value* residual) {
  const std::vector<ops::LoraSlice> loras = lora_slices(layer.down.site);
  return ops::mlp(
      run_, x,
      {layer.gate.weight, layer.up.weight, layer.down.weight, kernel_of(config().activation)},
      {.loras = loras,
       .bias = layer.down.bias.size > 0 ? &layer.down.bias : nullptr,
       .residual = residual,
       .drawn = batch_.drawn_rows()});
}

// What a token is drawn from: a drawn row, or that of the last token of a prompt.
bool Pass::is_drawn_from(std::int32_t row) const {
  const auto index = static_cast<std::size_t>(row);
  if (index < batch_.drawn_rows()) return true;
  const auto position = static_cast<std::size_t>(batch_.positions[index]);
  return std::ranges::any_of(batch_.sequences, [&](const BatchSequence& s) {
    return index >= s.first && index < s.first + s.count && position + 1 == s.whole;
  });
}

ops::Value Pass::product_of_rows(const ops::Value& x, const Linear& linear,
                                 std::span<const std::int32_t> rows,
                                 FunctionRef<bool(std::int32_t)> is_drawn) {
  const ops::VectorWeight* bias = linear.bias.size > 0 ? &linear.bias : nullptr;
  const std::vector<ops::LoraSlice> loras = lora_slices_of_rows(linear.site, rows);
  const auto drawn = [&](std::int32_t row) { return is_drawn(row); };
  LATHE_ASSERT(std::is_partitioned(rows.begin(), rows.end(), drawn));
  const auto count = std::count_if(rows.begin(), rows.end(), drawn);
  return ops::linear(run_, x, linear.weight,
                     {.loras = loras, .bias = bias, .drawn = static_cast<std::size_t>(count)});
}

ops::Value Pass::linear_of_rows(const ops::Value& x, const Linear& linear,
                                std::span<const std::int32_t> rows) {
  return product_of_rows(x, linear, rows, [drawn = batch_.drawn_rows()](std::int32_t row) {
    return static_cast<std::size_t>(row) < drawn;
  });
}

ops::Value Pass::head(const ops::Value& x, const Linear& linear) {
  // Where all rows go one way, outputs may stand in any order.
  if (!run_.takes_tiles()) return linear_of_rows(x, linear, batch_.outputs);
  return product_of_rows(x, linear, batch_.outputs,
                         [this](std::int32_t row) { return is_drawn_from(row); });
}

void Pass::rotate(const ops::Value& x, std::size_t layer) {
  const formats::DecoderConfig& c = config();
  const ops::RotatedHeads heads = {static_cast<std::size_t>(c.head_dim),
                                   static_cast<std::size_t>(formats::rotary_dim_of(c))};
  const RotaryAngles& angles = formats::window_of(c, layer) > 0 ? window_angles_ : angles_;
  ops::rotate(run_, x, heads, angles.rows, angles.table);
}

std::vector<RotaryRow> Pass::rotary_rows() const {
  std::vector<RotaryRow> rows(batch_.tokens.size());
  for (const BatchSequence& s : batch_.sequences) {
    if (s.count == 0) continue;
    const auto last = static_cast<std::size_t>(batch_.positions[s.first + s.count - 1]);
    const std::size_t prompt = s.whole > 0 ? s.whole : last + 1;
    for (std::size_t i = s.first; i < s.first + s.count; ++i) {
      const auto position = static_cast<std::size_t>(batch_.positions[i]);
      rows[i] = {position, std::max(prompt, position + 1)};
    }
  }
  return rows;
}

// Positions count from the start of the sequence, so that the prefix's are the first.
void Pass::put_prefixes(const ops::Value& k, const ops::Value& v, std::size_t layer) {
  for (const BatchSequence& s : batch_.sequences) {
    const KvPrefix* prefix = s.adapters != nullptr ? s.adapters->prefix : nullptr;
    if (prefix == nullptr) continue;
    LATHE_ASSERT(run_.tape == nullptr && prefix->width == k.columns);
    for (std::size_t i = s.first; i < s.first + s.count; ++i) {
      const auto position = static_cast<std::size_t>(batch_.positions[i]);
      if (position >= prefix->rows) break;
      std::copy_n(prefix->row(layer, 0, position), k.columns, k.row(i));
      std::copy_n(prefix->row(layer, 1, position), v.columns, v.row(i));
    }
  }
}

ops::Value Pass::attention(const ops::Value& q, const ops::Value& k, const ops::Value& v,
                           const ops::Heads& heads, std::size_t layer) {
  put_prefixes(k, v, layer);
  const bool cached = std::any_of(batch_.sequences.begin(), batch_.sequences.end(),
                                  [](const BatchSequence& s) { return s.cache != nullptr; });
  if (cached) return cached_attention(q, k, v, heads, layer);
  std::vector<ops::SequenceRows> rows;
  for (const BatchSequence& s : batch_.sequences) rows.push_back({s.first, s.first + s.count});
  return ops::attention(run_, q, k, v, heads, rows);
}

ops::Value Pass::cached_attention(const ops::Value& q, const ops::Value& k, const ops::Value& v,
                                  const ops::Heads& heads, std::size_t layer) {
  std::vector<ops::CachedRows> rows;
  for (const BatchSequence& s : batch_.sequences) {
    LATHE_ASSERT(s.cache != nullptr && s.cache->type() == batch_.sequences.front().cache->type());
    rows.push_back({s.first, s.count, s.cache->length(), s.cache->pages(),
                    s.cache->layer_offset(layer), s.drawn});
  }
  return ops::attention_cached(run_, q, k, v, heads, rows, batch_.sequences.front().cache->type());
}

ops::Value Pass::outputs(const ops::Value& x) { return ops::select_rows(run_, x, batch_.outputs); }

}  // namespace lathe::models
