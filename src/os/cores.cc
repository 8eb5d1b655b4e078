#include "os/cores.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "base/log.h"
#include "os/affinity.h"
#include "os/cgroup.h"
#include "os/system_text.h"

namespace lathe::os {
namespace {

using Processors = std::vector<std::size_t>;

// The list in a file; nothing when it is not there or not understood.
std::optional<Processors> read_processors(const Path& path) {
  const auto text = system_text(path);
  if (!text) return {};
  auto list = parse_processors(*text);
  if (!list) log::warning("{} is not a list of processors; it is passed over", path.string());
  return list;
}

Path folder_of(const Path& root, std::size_t processor) {
  return root / fmt::format("sys/devices/system/cpu/cpu{}", processor);
}

// What tells its core from others: the first hardware thread of it, allowed or not.
std::size_t core_of(const Path& root, std::size_t processor) {
  const Path topology = folder_of(root, processor) / "topology";
  for (const char* name : {"core_cpus_list", "thread_siblings_list"}) {  // since and before 5.3
    const auto siblings = read_processors(topology / name);
    if (!siblings) continue;
    if (std::binary_search(siblings->begin(), siblings->end(), processor)) return siblings->front();
    log::warning("{} does not name its own processor; it is passed over",
                 (topology / name).string());
  }
  return processor;
}

// Intel's hybrid processors name their fast ones.
void mark_slow_by_kind(const Path& root, std::vector<Core>& cores) {
  const auto fast = read_processors(root / "sys/devices/cpu_core/cpus");
  if (!fast || fast->empty()) return;
  for (Core& core : cores)
    core.slow = !std::binary_search(fast->begin(), fast->end(), core.processors.front());
}

// Arm's have a capacity, 1024 for the fastest. Between the largest and the middle ones of a
// processor there is a third of speed, between these and the small ones more than half.
void mark_slow_by_capacity(const Path& root, std::vector<Core>& cores) {
  std::vector<std::size_t> capacities;
  for (const Core& core : cores) {
    const Path path = folder_of(root, core.processors.front()) / "cpu_capacity";
    const auto text = system_text(path);
    const auto capacity = text ? parse_number(*text) : std::nullopt;
    if (text && !capacity) log::warning("{} is not a number; it is passed over", path.string());
    if (!capacity) return;  // all or none
    capacities.push_back(*capacity);
  }
  const std::size_t most = *std::max_element(capacities.begin(), capacities.end());
  for (std::size_t i = 0; i < cores.size(); ++i)
    cores[i].slow = cores[i].slow || capacities[i] < most - most / 2;
}

std::vector<Core> read_cores(const Path& root, std::span<const std::size_t> allowed) {
  std::map<std::size_t, Core> by_first;
  for (const std::size_t processor : allowed)
    by_first[core_of(root, processor)].processors.push_back(processor);
  std::vector<Core> cores;
  for (auto& [first, core] : by_first) cores.push_back(std::move(core));
  mark_slow_by_kind(root, cores);
  mark_slow_by_capacity(root, cores);
  return cores;
}

// The fast ones, or all when there are no others.
std::vector<const Core*> fast_cores(const Machine& machine) {
  std::vector<const Core*> fast, all;
  for (const Core& core : machine.cores) {
    all.push_back(&core);
    if (!core.slow) fast.push_back(&core);
  }
  return fast.empty() ? all : fast;
}

std::size_t default_threads(const Machine& machine) {
  std::size_t threads = fast_cores(machine).size();
  if (machine.quota > 0)
    threads = std::min(threads, static_cast<std::size_t>(std::llround(machine.quota)));
  return std::clamp<std::size_t>(threads, 1, kMostThreads);
}

}  // namespace

Machine read_machine(const Path& root, std::span<const std::size_t> allowed) {
  return {read_cores(root, allowed), cgroup_processors(root)};
}

const Machine& this_machine() {
  static const Machine machine = read_machine("/", allowed_processors());
  return machine;
}

ThreadPlan plan_threads(const Machine& machine, std::size_t wanted, Placement placement) {
  ThreadPlan plan;
  plan.threads = wanted > 0 ? std::min(wanted, kMostThreads) : default_threads(machine);
  const std::vector<const Core*> fast = fast_cores(machine);
  if (placement == Placement::pinned) {
    for (const Core* core : fast) plan.own.push_back(core->processors);
    for (const Core& core : machine.cores) {
      if (core.slow && fast.front()->slow != core.slow) plan.own.push_back(core.processors);
    }
    return plan;
  }
  if (fast.size() == machine.cores.size() || plan.threads > fast.size()) return plan;
  for (const Core* core : fast)
    plan.processors.insert(plan.processors.end(), core->processors.begin(), core->processors.end());
  return plan;
}

}  // namespace lathe::os
