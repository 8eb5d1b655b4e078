// Reads the fields of one JSON object of a request. Every field that is read is marked as known;
// finish() gives the first error, or names a field that nobody read. Readers go on after an error
// with absent values, so that parsers are straight lines. Not thread-safe; the object outlives it.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/result.h"

namespace lathe::api {

class ObjectReader {
 public:
  // path is where the object stands in the request: "" or "messages[0]". A value that is not an
  // object is an error.
  ObjectReader(const nlohmann::json& object, std::string path);

  // The field; nullptr when it is absent or null.
  const nlohmann::json* field(std::string_view name);

  std::optional<bool> boolean(std::string_view name);
  std::optional<std::int64_t> integer(std::string_view name, std::int64_t least, std::int64_t most);
  std::optional<double> number(std::string_view name, double least, double most);
  // Not empty and at most max_bytes long.
  std::string required_string(std::string_view name, std::size_t max_bytes);

  // Fields that cannot change the answer: any value passes.
  void harmless(std::initializer_list<std::string_view> names);
  // A field of which only the values that change nothing are supported (null is always one).
  void only_neutral(std::string_view name,
                    std::initializer_list<std::string_view> neutral_json = {});

  // Notes an error at a field; the first one stays.
  void fail(std::string_view name, Error error);
  // Notes an error that carries its place already.
  void fail_as_is(Error error);
  bool failed() const { return error_.has_value(); }
  // "messages[0].content"
  std::string path_of(std::string_view name) const;

  // REQUIRES: every known field has been read.
  Status finish() const;

 private:
  void wrong_type(std::string_view name, std::string_view wanted, const nlohmann::json& got);

  const nlohmann::json* object_;
  std::string path_;
  std::set<std::string, std::less<>> known_;
  std::optional<Error> error_;
};

}  // namespace lathe::api
