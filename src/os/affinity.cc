#include "os/affinity.h"

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <numeric>
#include <thread>

#include "base/log.h"

namespace lathe::os {
namespace {

#ifdef __linux__

constexpr std::size_t kLargestSet = std::size_t{1} << 16;  // processors

// A set for `processors` of them. The kernel's own may be larger than cpu_set_t.
class ProcessorSet {
 public:
  explicit ProcessorSet(std::size_t processors)
      : words_((processors + kWordBits - 1) / kWordBits, cpu_set_t{}) {
    CPU_ZERO_S(bytes(), data());
  }
  cpu_set_t* data() { return words_.data(); }
  std::size_t bytes() const { return words_.size() * sizeof(cpu_set_t); }
  void add(std::size_t processor) { CPU_SET_S(processor, bytes(), data()); }
  std::vector<std::size_t> members() {
    std::vector<std::size_t> out;
    for (std::size_t i = 0; i < words_.size() * kWordBits; ++i) {
      if (CPU_ISSET_S(i, bytes(), data())) out.push_back(i);
    }
    return out;
  }

 private:
  static constexpr std::size_t kWordBits = CPU_SETSIZE;
  std::vector<cpu_set_t> words_;
};

std::vector<std::size_t> allowed_by_system() {
  for (std::size_t size = CPU_SETSIZE; size <= kLargestSet; size *= 2) {
    ProcessorSet set(size);
    if (::sched_getaffinity(0, set.bytes(), set.data()) == 0) return set.members();
    if (errno != EINVAL) break;  // EINVAL: the kernel's set is larger
  }
  return {};
}

#else

std::vector<std::size_t> allowed_by_system() { return {}; }

#endif

}  // namespace

std::vector<std::size_t> allowed_processors() {
  std::vector<std::size_t> allowed = allowed_by_system();
  if (allowed.empty()) {
    allowed.resize(std::max(1u, std::thread::hardware_concurrency()));
    std::iota(allowed.begin(), allowed.end(), std::size_t{0});
  }
  return allowed;
}

void confine_thread([[maybe_unused]] std::span<const std::size_t> processors) {
#ifdef __linux__
  if (processors.empty()) return;
  ProcessorSet set(*std::max_element(processors.begin(), processors.end()) + 1);
  for (const std::size_t i : processors) set.add(i);
  if (::sched_setaffinity(0, set.bytes(), set.data()) != 0)
    log::warning("a thread could not be kept on its processors: {}", std::strerror(errno));
#endif
}

}  // namespace lathe::os
