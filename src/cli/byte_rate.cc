#include "cli/byte_rate.h"

#include <fmt/format.h>

#include "cli/output.h"
#include "cli/progress.h"

namespace lathe::cli {
namespace {

// "[######              ]  31 %".
std::string bar(std::uint64_t done, std::uint64_t all) {
  constexpr std::size_t kWidth = 20;
  const double share = all == 0 ? 1 : static_cast<double>(done) / static_cast<double>(all);
  const auto full = static_cast<std::size_t>(share * kWidth);
  return fmt::format("[{}{}] {:3.0f} %", std::string(full, '#'), std::string(kWidth - full, ' '),
                     100 * share);
}

}  // namespace

void ByteRate::measure(std::uint64_t done) {
  const double now = clock_.seconds();
  if (since_ < 0 || done < done_) {
    since_ = now;
    done_ = done;
  }
  const double passed = now - since_;
  if (passed < 1) return;
  const double latest = static_cast<double>(done - done_) / passed;
  rate_ = rate_ == 0 ? latest : 0.7 * rate_ + 0.3 * latest;
  since_ = now;
  done_ = done;
}

std::string ByteRate::text(std::uint64_t done, std::uint64_t all) {
  measure(done);
  std::string line =
      fmt::format("{} {} of {}", bar(done, all), human_bytes(done), human_bytes(all));
  if (rate_ <= 0) return line;
  return line + fmt::format(", {}/s, {} left", human_bytes(static_cast<std::uint64_t>(rate_)),
                            duration(static_cast<double>(all - done) / rate_));
}

}  // namespace lathe::cli
