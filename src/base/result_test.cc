#include "base/result.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <type_traits>

namespace lathe {
namespace {

Result<int> half(int x) {
  if (x % 2 != 0) return Error::bad_input("the number is odd").fix_with("give an even one");
  return x / 2;
}

Result<int> quarter(int x) {
  LATHE_TRY(int h, half(x).at("first"));
  LATHE_TRY(int q, half(h).at("second"));
  return q;
}

Status check_quarter(int x) {
  LATHE_CHECK(quarter(x).at("quarter"));
  return {};
}

TEST(Result, ValuesPassThrough) { EXPECT_EQ(quarter(8).value(), 2); }

TEST(Result, ErrorsCarryEveryPlaceAndTheInnermostFix) {
  const Status status = check_quarter(6);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().kind, ErrorKind::bad_input);
  EXPECT_EQ(status.error().message(), "quarter: second: the number is odd; give an even one");
}

TEST(Result, HoldsMoveOnlyValues) {
  auto make = []() -> Result<std::unique_ptr<int>> { return std::make_unique<int>(7); };
  auto use = [&]() -> Result<int> {
    LATHE_TRY(std::unique_ptr<int> p, make());
    return *p;
  };
  EXPECT_EQ(use().value(), 7);
}

TEST(Result, TheValueOfATemporaryOutlivesIt) {
  const auto make = []() -> Result<std::string> {
    return std::string("longer than a small string");
  };
  static_assert(!std::is_reference_v<decltype(make().value())>);
  std::string copied;
  for (const char c : make().value()) copied += c;  // dangled when value() gave a reference
  EXPECT_EQ(copied, make().value());
}

}  // namespace
}  // namespace lathe
