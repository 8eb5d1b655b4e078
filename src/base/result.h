// Errors as values: every function that can fail on input returns Result<T> (Status when there is
// no value). An Error says what is wrong, where, and what to do about it.
//
// Library code never aborts, exits, throws or prints on input; assertions (LATHE_ASSERT) are for
// our own bugs only. Exceptions of libraries are caught at the call and turned into an Error.
//
//   Result<Config> parse(const std::string& path) {
//     LATHE_TRY(std::string text, os::read_file(path));
//     if (text.empty()) return Error::bad_input("the file is empty").at(path).fix_with("download it
//     again");
//     ...
//   }
#pragma once

#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace lathe {

// What kind of failure it is: the server maps it to an HTTP status, the CLI to an exit code.
enum class ErrorKind {
  bad_input,       // the caller's bytes, flags or request are wrong
  not_found,       // a name or path that does not exist
  already_exists,  // a name that is taken
  io,              // the operating system refused: disk full, permission, a vanished file
  unsupported,     // well-formed, but something this build cannot do
  limit,           // a bound was reached: context length, queue, body size
  unavailable,     // try again later
  cancelled,       // the caller went away
  internal,        // our own bug, reported instead of a crash
};

// "bad_input", "not_found", … as users and logs see it.
const char* to_string(ErrorKind kind);

struct Error {
  ErrorKind kind = ErrorKind::internal;
  std::string what;   // one sentence without a full stop: what is wrong
  std::string where;  // file, field, flag or place; may be empty
  std::string fix;    // what the user can do; may be empty

  static Error bad_input(std::string what) {
    return {ErrorKind::bad_input, std::move(what), {}, {}};
  }
  static Error not_found(std::string what) {
    return {ErrorKind::not_found, std::move(what), {}, {}};
  }
  static Error already_exists(std::string what) {
    return {ErrorKind::already_exists, std::move(what), {}, {}};
  }
  static Error io(std::string what) { return {ErrorKind::io, std::move(what), {}, {}}; }
  static Error unsupported(std::string what) {
    return {ErrorKind::unsupported, std::move(what), {}, {}};
  }
  static Error limit(std::string what) { return {ErrorKind::limit, std::move(what), {}, {}}; }
  static Error unavailable(std::string what) {
    return {ErrorKind::unavailable, std::move(what), {}, {}};
  }
  static Error cancelled(std::string what) {
    return {ErrorKind::cancelled, std::move(what), {}, {}};
  }
  static Error internal(std::string what) { return {ErrorKind::internal, std::move(what), {}, {}}; }

  // Adds the place; an outer place goes before an inner one: "model.gguf: tensor blk.0.attn_q".
  Error at(std::string place) &&;
  // Adds the remedy; the innermost (first) one stays.
  Error fix_with(std::string remedy) &&;
  // "where: what; fix" in one line.
  std::string message() const;
};

[[noreturn]] void assertion_failed(const char* expression, const char* file, int line);

// A bug of ours, never of the input's.
#define LATHE_ASSERT(expression) \
  ((expression) ? void(0) : ::lathe::assertion_failed(#expression, __FILE__, __LINE__))

template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  // REQUIRES: ok().
  T& value() & {
    LATHE_ASSERT(ok());
    return *std::get_if<0>(&state_);
  }
  const T& value() const& {
    LATHE_ASSERT(ok());
    return *std::get_if<0>(&state_);
  }
  // By value, so that `for (x : f().value())` iterates over something that lives.
  T value() && {
    LATHE_ASSERT(ok());
    return std::move(*std::get_if<0>(&state_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  // REQUIRES: !ok().
  const Error& error() const& {
    LATHE_ASSERT(!ok());
    return *std::get_if<1>(&state_);
  }
  Error&& error() && {
    LATHE_ASSERT(!ok());
    return std::move(*std::get_if<1>(&state_));
  }

  // The same result, with the place added when it is an error.
  Result at(std::string place) && {
    if (ok()) return std::move(*this);
    return std::move(*this).error().at(std::move(place));
  }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  const Error& error() const& {
    LATHE_ASSERT(!ok());
    return *error_;
  }
  Error&& error() && {
    LATHE_ASSERT(!ok());
    return std::move(*error_);
  }
  Result at(std::string place) && {
    if (ok()) return {};
    return std::move(*error_).at(std::move(place));
  }

 private:
  std::optional<Error> error_;
};

using Status = Result<void>;

#define LATHE_CONCAT_INNER(a, b) a##b
#define LATHE_CONCAT(a, b) LATHE_CONCAT_INNER(a, b)

// LATHE_TRY(auto x, f()): declares x from the value of f(), or returns its error.
#define LATHE_TRY(declaration, expression) \
  LATHE_TRY_INNER(LATHE_CONCAT(lathe_try_, __LINE__), declaration, expression)
#define LATHE_TRY_INNER(result, declaration, expression) \
  auto result = (expression);                            \
  if (!result.ok()) return std::move(result).error();    \
  declaration = std::move(result).value()

// LATHE_CHECK(f()): returns the error of a Status (or of a Result whose value is not needed).
#define LATHE_CHECK(expression)                               \
  do {                                                        \
    if (auto lathe_status = (expression); !lathe_status.ok()) \
      return std::move(lathe_status).error();                 \
  } while (false)

}  // namespace lathe
