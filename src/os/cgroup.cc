#include "os/cgroup.h"

#include <algorithm>
#include <functional>
#include <sstream>

#include "base/log.h"
#include "os/system_text.h"

namespace lathe::os {
namespace {

double lesser_quota(double a, double b) { return a == 0 || b == 0 ? a + b : std::min(a, b); }

double not_a_quota(const Path& path) {
  log::warning("{} is not a quota of processor time; it is passed over", path.string());
  return 0;
}

double quota_of(std::string_view quota, std::string_view period, const Path& path) {
  const auto time = parse_number(quota), per = parse_number(period);
  if (!time || !per || *time == 0 || *per == 0) return not_a_quota(path);
  return static_cast<double>(*time) / static_cast<double>(*per);
}

// cgroup v2, cpu.max: "quota period" or "max period", in microseconds.
double quota_v2(const Path& group) {
  const Path path = group / "cpu.max";
  const auto text = system_text(path);
  if (!text) return 0;  // the root has none, nor has a group without the controller
  const std::size_t space = text->find(' ');
  const std::string_view quota = std::string_view(*text).substr(0, space);
  if (quota == "max") return 0;
  if (space == text->npos) return not_a_quota(path);
  return quota_of(quota, std::string_view(*text).substr(space + 1), path);
}

// cgroup v1: microseconds in two files; -1 is no quota.
double quota_v1(const Path& group) {
  const Path path = group / "cpu.cfs_quota_us";
  const auto quota = system_text(path);
  if (!quota || *quota == "-1") return 0;
  const auto period = system_text(group / "cpu.cfs_period_us");
  return quota_of(*quota, period.value_or(""), path);
}

// The group itself and all above it. In a container the path may be the host's, of which nothing
// is seen but the mount: what does not exist is passed.
double least_quota(const Path& mount, const Path& group, double (*quota)(const Path&)) {
  double least = quota(mount);
  Path at = mount;
  for (const Path& part : group.relative_path()) {
    if (part == "..") break;  // a group outside of what the process sees
    at /= part;
    least = lesser_quota(least, quota(at));
  }
  return least;
}

bool names_cpu(std::string_view controllers) {
  return ("," + std::string(controllers) + ",").find(",cpu,") != std::string::npos;
}

}  // namespace

double cgroup_processors(const Path& root) {
  const Path mounts = root / "sys/fs/cgroup";
  std::istringstream groups(system_text(root / "proc/self/cgroup").value_or(""));
  double least = 0;
  // Lines "0::/path" of v2 and "4:cpu,cpuacct:/path" of v1.
  for (std::string line; std::getline(groups, line);) {
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (second == line.npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const Path group = line.substr(second + 1);
    if (controllers.empty()) {
      least = lesser_quota(least, least_quota(mounts, group, quota_v2));
      least = lesser_quota(least, least_quota(mounts / "unified", group, quota_v2));
    } else if (names_cpu(controllers)) {
      least = lesser_quota(least, least_quota(mounts / "cpu", group, quota_v1));
    }
  }
  return least;
}

}  // namespace lathe::os
