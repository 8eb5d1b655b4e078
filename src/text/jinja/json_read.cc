#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "text/jinja/json.h"

namespace lathe::text::jinja {
namespace {

constexpr std::size_t kMaxDigits = 4300;  // where Python's int() stops, too

// Builds values from the parser's events, without recursion.
class Builder : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool null() override { return add(Value()); }
  bool boolean(bool value) override { return add(Value(value)); }
  bool number_integer(number_integer_t value) override { return add(Value(value)); }
  bool number_unsigned(number_unsigned_t value) override {
    if (value > static_cast<std::uint64_t>(INT64_MAX)) return add_large(std::to_string(value));
    return add(Value(value));
  }
  bool number_float(number_float_t value, const string_t& text) override {
    if (text.find_first_of(".eE") == string_t::npos) return add_large(text);
    return add(Value(value));
  }
  bool string(string_t& value) override { return add(Value(std::move(value))); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(true); }
  bool start_array(std::size_t) override { return open(false); }
  bool key(string_t& value) override {
    open_.back().key = std::move(value);
    return true;
  }
  bool end_object() override {
    auto mapping = std::move(open_.back().mapping);
    open_.pop_back();
    return add(Value(MappingPointer(std::move(mapping))));
  }
  bool end_array() override {
    auto items = std::move(open_.back().items);
    open_.pop_back();
    return add(Value::list(std::move(items)));
  }
  bool parse_error(std::size_t position, const std::string& token,
                   const nlohmann::detail::exception& error) override {
    constexpr int kNumberOverflow = 406;  // an integer so long that it is no finite float either
    if (error.id == kNumberOverflow && token.find_first_of(".eE") == std::string::npos) {
      error_ = Error::limit(fmt::format("a number with too many digits at byte {}", position))
                   .fix_with("write it as a string");
      return false;
    }
    // The library's text ends with what it expected: "…: syntax error while parsing value - …".
    const std::string_view what = error.what();
    const std::size_t detail = what.find("] ");
    error_ = Error::bad_input(
        fmt::format("not JSON at byte {}: {}", position,
                    detail == std::string_view::npos ? what : what.substr(detail + 2)));
    return false;
  }

  Result<Value> take() && {
    if (error_) return std::move(*error_);
    return std::move(value_);
  }
  bool failed() const { return error_.has_value(); }

 private:
  struct Open {
    bool is_object;
    std::shared_ptr<Mapping> mapping;
    std::vector<Value> items;
    std::string key;
  };

  bool open(bool is_object) {
    if (open_.size() >= kMaxValueDepth) {
      error_ = Error::limit(fmt::format("the JSON nests more than {} levels deep", kMaxValueDepth));
      return false;
    }
    open_.push_back({is_object, is_object ? std::make_shared<Mapping>() : nullptr, {}, {}});
    return true;
  }

  bool add(Value value) {
    if (open_.empty()) {
      value_ = std::move(value);
      return true;
    }
    Open& parent = open_.back();
    if (!parent.is_object) {
      parent.items.push_back(std::move(value));
      return true;
    }
    return parent.mapping->set(Value(std::move(parent.key)), std::move(value)).ok();
  }

  bool add_large(const std::string& digits) {
    if (digits.size() <= kMaxDigits) return add(Value::large_integer(digits));
    error_ = Error::limit(fmt::format("the JSON has an integer of more than {} digits", kMaxDigits))
                 .fix_with("write it as a string");
    return false;
  }

  Value value_;
  std::vector<Open> open_;
  std::optional<Error> error_;
};

}  // namespace

Result<Value> read_json(std::string_view text) {
  Builder builder;
  const bool complete = nlohmann::json::sax_parse(text.begin(), text.end(), &builder);
  if (!complete && !builder.failed()) return Error::bad_input("not JSON");
  return std::move(builder).take();
}

}  // namespace lathe::text::jinja
