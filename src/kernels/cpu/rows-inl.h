// What rows.cc and attention.cc share: loads and stores of the last, partial vector, dot product,
// softmax. Compiled once for each target, hence the guard that Highway toggles. Include after
// hwy/highway.h.
#if defined(LATHE_KERNELS_CPU_ROWS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LATHE_KERNELS_CPU_ROWS_INL_H_
#undef LATHE_KERNELS_CPU_ROWS_INL_H_
#else
#define LATHE_KERNELS_CPU_ROWS_INL_H_
#endif

#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace lathe::kernels::cpu {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

// Calls body(i, count) for each vector of [0, n); count is the vector's length, less for the last
// one.
template <class Body>
HWY_INLINE void for_each_vector(std::size_t n, const Body& body) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) body(i, lanes);
  if (i < n) body(i, n - i);
}

// The lanes past count are zero. Masked loads read nothing past the end where the processor has
// them; with SSE4 Highway would read the whole vector, so the rest goes through a small buffer.
HWY_INLINE V load(const float* p, std::size_t count) {
  const D d;
  if (count == hn::Lanes(d)) return hn::LoadU(d, p);
#if HWY_TARGET <= HWY_AVX2
  return hn::MaskedLoad(hn::FirstN(d, count), d, p);
#else
  HWY_ALIGN float rest[hn::MaxLanes(d)] = {};
  for (std::size_t i = 0; i < count; ++i) rest[i] = p[i];
  return hn::Load(d, rest);
#endif
}

HWY_INLINE void store(V v, float* p, std::size_t count) {
  const D d;
  if (count == hn::Lanes(d)) return hn::StoreU(v, d, p);
#if HWY_TARGET <= HWY_AVX2
  hn::BlendedStore(v, hn::FirstN(d, count), d, p);
#else
  HWY_ALIGN float rest[hn::MaxLanes(d)];
  hn::Store(v, d, rest);
  for (std::size_t i = 0; i < count; ++i) p[i] = rest[i];
#endif
}

HWY_INLINE V tanh(V x) {
  const D d;
  const V one = hn::Set(d, 1.0f);
  // Past 9 the tangent is 1 in f32, and the exponential would overflow.
  const V bounded = hn::Min(hn::Max(x, hn::Set(d, -9.0f)), hn::Set(d, 9.0f));
  const V e = hn::Exp(d, hn::Add(bounded, bounded));
  return hn::Sub(one, hn::Div(hn::Set(d, 2.0f), hn::Add(e, one)));
}

HWY_INLINE void soft_cap(float* x, float scale, float cap, std::size_t n) {
  const D d;
  const V inner = hn::Set(d, scale / cap);
  const V outer = hn::Set(d, cap);
  for_each_vector(n, [&](std::size_t i, std::size_t c) HWY_ATTR {
    store(hn::Mul(outer, tanh(hn::Mul(inner, load(x + i, c)))), x + i, c);
  });
}

HWY_INLINE float sum_lanes(V v) {
  const D d;
  return hn::GetLane(hn::SumOfLanes(d, v));
}

HWY_INLINE float dot(const float* x, const float* y, std::size_t n) {
  const D d;
  V sum = hn::Zero(d);
  for_each_vector(n, [&](std::size_t i, std::size_t c)
                         HWY_ATTR { sum = hn::MulAdd(load(x + i, c), load(y + i, c), sum); });
  return sum_lanes(sum);
}

// y += a * x.
HWY_INLINE void add_scaled(const float* x, float a, std::size_t n, float* y) {
  const D d;
  const V factor = hn::Set(d, a);
  for_each_vector(n, [&](std::size_t i, std::size_t c) HWY_ATTR {
    store(hn::MulAdd(factor, load(x + i, c), load(y + i, c)), y + i, c);
  });
}

HWY_INLINE float largest(const float* x, std::size_t n) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  if (n < lanes) {
    float m = x[0];
    for (std::size_t i = 1; i < n; ++i) m = HWY_MAX(m, x[i]);
    return m;
  }
  V m = hn::LoadU(d, x);
  for (std::size_t i = lanes; i + lanes <= n; i += lanes) m = hn::Max(m, hn::LoadU(d, x + i));
  m = hn::Max(m, hn::LoadU(d, x + n - lanes));
  return hn::GetLane(hn::MaxOfLanes(d, m));
}

// y = exp(scale * (x - shift)), or only its sum when y is null; returns the sum.
HWY_INLINE float exponentials(const float* x, float scale, float shift, std::size_t n, float* y) {
  const D d;
  const V s = hn::Set(d, scale);
  const V m = hn::Set(d, shift);
  V sum = hn::Zero(d);
  for_each_vector(n, [&](std::size_t i, std::size_t c) HWY_ATTR {
    V e = hn::Exp(d, hn::Mul(s, hn::Sub(load(x + i, c), m)));
    if (c < hn::Lanes(d)) e = hn::IfThenElseZero(hn::FirstN(d, c), e);
    if (y != nullptr) store(e, y + i, c);
    sum = hn::Add(sum, e);
  });
  return sum_lanes(sum);
}

HWY_INLINE void multiply_by(float* x, float factor, std::size_t n) {
  const D d;
  const V f = hn::Set(d, factor);
  for_each_vector(n, [&](std::size_t i, std::size_t c)
                         HWY_ATTR { store(hn::Mul(load(x + i, c), f), x + i, c); });
}

HWY_INLINE void softmax(float* x, float scale, std::size_t n) {
  const float sum = exponentials(x, scale, largest(x, n), n, x);
  multiply_by(x, 1.0f / sum, n);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace lathe::kernels::cpu
HWY_AFTER_NAMESPACE();

#endif  // LATHE_KERNELS_CPU_ROWS_INL_H_
