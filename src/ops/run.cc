#include "ops/run.h"

#include <algorithm>
#include <utility>

namespace lathe::ops {
namespace {

std::size_t ceil_div(std::size_t a, std::size_t b) { return (a + b - 1) / b; }

}  // namespace

int Tape::add_value(std::size_t size) {
  sizes_.push_back(size);
  gradients_.push_back(nullptr);
  owned_.emplace_back();
  return static_cast<int>(sizes_.size()) - 1;
}

void Tape::record(int output, std::function<void()> backward) {
  steps_.push_back({output, std::move(backward)});
}

float* Tape::gradient(int id) {
  const Target t = target(id);
  if (t.fresh) std::fill_n(t.data, sizes_[static_cast<std::size_t>(id)], 0.0f);
  return t.data;
}

void Tape::hand_over(int from, int to) {
  const auto source = static_cast<std::size_t>(from);
  const auto i = static_cast<std::size_t>(to);
  LATHE_ASSERT(gradients_[i] == nullptr && sizes_[i] == sizes_[source]);
  gradients_[i] = std::exchange(gradients_[source], nullptr);
  owned_[i] = std::exchange(owned_[source], {});
}

Tape::Target Tape::target(int id) {
  const auto i = static_cast<std::size_t>(id);
  if (gradients_[i] != nullptr) return {gradients_[i], false};
  std::vector<float>& buffer = owned_[i];
  // The smallest free buffer that is large enough, so that large ones stay for large values.
  auto best = pool_.end();
  for (auto it = pool_.begin(); it != pool_.end(); ++it) {
    if (it->capacity() >= sizes_[i] && (best == pool_.end() || it->capacity() < best->capacity()))
      best = it;
  }
  if (best != pool_.end()) {
    buffer = std::move(*best);
    pool_.erase(best);
  } else {
    pool_bytes_ += sizes_[i] * sizeof(float);
    buffer.resize(sizes_[i]);
  }
  gradients_[i] = buffer.data();
  return {gradients_[i], true};
}

void Tape::set_gradient(int id, float* data) { gradients_[static_cast<std::size_t>(id)] = data; }

void Tape::release(int id) {
  const auto i = static_cast<std::size_t>(id);
  if (!owned_[i].empty()) pool_.push_back(std::move(owned_[i]));
  owned_[i] = {};
  gradients_[i] = nullptr;
}

void Tape::backward() {
  for (auto step = steps_.rbegin(); step != steps_.rend(); ++step) {
    step->backward();
    if (step->output >= 0) release(step->output);
  }
  steps_.clear();
  for (std::size_t i = 0; i < sizes_.size(); ++i) release(static_cast<int>(i));
  sizes_.clear();
  gradients_.clear();
  owned_.clear();
}

Value Run::make(std::size_t rows, std::size_t columns, bool learns) {
  Value value = {arena.floats(rows * columns), rows, columns, -1};
  if (tape != nullptr && learns) value.id = tape->add_value(rows * columns);
  return value;
}

template <class Buffer>
bool Run::is_current(Converted<Buffer>& last, const Value& x) {
  LATHE_ASSERT(x.columns % kernels::kPackedBlock == 0);
  if (last.releases == arena.releases() && last.of.data == x.data && last.of.rows == x.rows &&
      last.of.columns == x.columns) {
    return true;
  }
  last.of = x;
  last.releases = arena.releases();
  last.buffer.resize(x.rows, x.columns);
  return false;
}

kernels::QuantisedRows Run::quantised(const Value& x) {
  if (!is_current(quantised_, x)) quantise(x, quantised_.buffer);
  return quantised_.buffer.rows();
}

// The rows of a group share cache lines, so that a thread takes all of them over some columns.
void Run::quantise(const Value& x, kernels::QuantisedBuffer& out) {
  using kernels::kQuantisedBlock, kernels::kQuantisedGroup;
  constexpr std::size_t kWorthATask = 1 << 13;  // values
  const std::size_t blocks = x.columns / kQuantisedBlock;
  const std::size_t per_task =
      std::max<std::size_t>(1, kWorthATask / (std::min(x.rows, kQuantisedGroup) * kQuantisedBlock));
  const std::size_t across = ceil_div(blocks, per_task);
  const auto body = [&](std::size_t task) {
    const std::size_t first_row = task / across * kQuantisedGroup;
    const std::size_t block = task % across * per_task;
    const std::size_t columns = std::min(per_task, blocks - block) * kQuantisedBlock;
    for (std::size_t i = first_row; i < std::min(x.rows, first_row + kQuantisedGroup); ++i)
      table.quantise_row(x.row(i) + block * kQuantisedBlock, columns, out.row(i).from(block));
  };
  parallel.run(ceil_div(x.rows, kQuantisedGroup) * across, body);
}

const kernels::TiledBuffer& Run::tiled(const Value& x) {
  kernels::TiledBuffer& buffer = tiled_.buffer;
  if (!is_current(tiled_, x)) {
    for_rows(x.rows, x.columns, [&](std::size_t first, std::size_t last) {
      for (std::size_t i = first; i < last; ++i) table.tile_row(x.row(i), i, buffer);
    });
  }
  return buffer;
}

void Run::for_rows(std::size_t rows, std::size_t cost,
                   FunctionRef<void(std::size_t, std::size_t)> body) {
  constexpr std::size_t kWorthATask = 1 << 14;  // floats
  const std::size_t per_task =
      std::max<std::size_t>(1, kWorthATask / std::max<std::size_t>(1, cost));
  const std::size_t tasks = ceil_div(rows, per_task);
  if (tasks <= 1 || parallel.width() == 1) return body(0, rows);
  parallel.run(tasks, [&](std::size_t task) {
    body(task * per_task, std::min(rows, (task + 1) * per_task));
  });
}

}  // namespace lathe::ops
