// Attention of one query head over a paged cache: two passes over the positions, keys then values.
#include "kernels/cpu/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/attention.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>

#include "kernels/cpu/fill.h"
#include "kernels/cpu/rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lathe::kernels::cpu {
namespace HWY_NAMESPACE {
namespace {

// Calls body(row, t) for each position that the query sees, page by page.
template <class Body>
HWY_INLINE void for_each_row(const PagedRows& rows, const AttendOne& args, const Body& body) {
  for (std::size_t t = args.first; t < args.length;) {
    const std::size_t page = t / rows.page_rows;
    const float* row = rows.pages[page] + t % rows.page_rows * rows.row_stride + args.head_offset;
    const std::size_t end = HWY_MIN(args.length, (page + 1) * rows.page_rows);
    for (; t < end; ++t, row += rows.row_stride) body(row, t);
  }
}

void attend(const AttendOne& args) {
  for_each_row(args.keys, args, [&](const float* key, std::size_t t) HWY_ATTR {
    args.scores[t] = dot(args.query, key, args.head_dim);
  });
  float* seen = args.scores + args.first;
  const std::size_t count = args.length - args.first;
  if (args.key_bias != nullptr) add_scaled(args.key_bias + args.first, 1, count, seen);
  if (args.softcap > 0) soft_cap(seen, args.scale, args.softcap, count);
  softmax(seen, args.softcap > 0 ? 1.0f : args.scale, count);
  std::fill_n(args.out, args.head_dim, 0.0f);
  for_each_row(args.values, args, [&](const float* value, std::size_t t) HWY_ATTR {
    add_scaled(value, args.scores[t], args.head_dim, args.out);
  });
}

}  // namespace

void fill_attention(Table& table) { table.attend = attend; }

}  // namespace HWY_NAMESPACE
}  // namespace lathe::kernels::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lathe::kernels::cpu {

HWY_EXPORT(fill_attention);
void fill_attention(Table& table) { HWY_DYNAMIC_DISPATCH(fill_attention)(table); }

}  // namespace lathe::kernels::cpu
#endif
