#pragma once

#include <cassert>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace vireo::util {

/// What went wrong, for code that must decide; the message is for people.
enum class ErrorCode {
  kInvalidArgument,  ///< The user or a file gave a value that makes no sense here.
  kNotFound,         ///< A named thing (file, device, option) does not exist.
  kUnsupported,      ///< Makes sense, but this build or host cannot do it.
  kIo,               ///< The host refused or failed an I/O operation.
  kCorrupt,          ///< A file, image or stream contradicts its format.
  kNoMemory,         ///< The host cannot provide the memory asked for.
  kBusy,             ///< In use by somebody else.
};

/// An error: a stable code and one sentence saying what was wrong, where, and what would be right.
class [[nodiscard]] Error {
 public:
  Error(ErrorCode code, std::string message) : code_(code), message_(std::move(message)) {}

  ErrorCode code() const { return code_; }
  const std::string& message() const { return message_; }

  /// The same error seen from one layer up: "context: message".
  Error with_context(std::string_view context) && {
    message_.insert(0, std::string(context) + ": ");
    return std::move(*this);
  }

 private:
  ErrorCode code_;
  std::string message_;
};

/// A value or an Error; member names follow std::expected.
template <class T>
class [[nodiscard]] Result {
 public:
  using value_type = T;
  Result(T value) : content_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : content_(std::in_place_index<1>, std::move(error)) {}

  bool has_value() const { return content_.index() == 0; }
  explicit operator bool() const { return has_value(); }
  T& value() & { return assert(has_value()), *std::get_if<0>(&content_); }
  const T& value() const& { return assert(has_value()), *std::get_if<0>(&content_); }
  T&& value() && { return assert(has_value()), std::move(*std::get_if<0>(&content_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  Error& error() & { return assert(!has_value()), *std::get_if<1>(&content_); }
  const Error& error() const& { return assert(!has_value()), *std::get_if<1>(&content_); }
  Error&& error() && { return assert(!has_value()), std::move(*std::get_if<1>(&content_)); }
  template <class U>
  T value_or(U&& fallback) const& {
    return has_value() ? value() : static_cast<T>(std::forward<U>(fallback));
  }

 private:
  std::variant<T, Error> content_;
};

/// Success or an Error.
template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  bool has_value() const { return !error_; }
  explicit operator bool() const { return has_value(); }
  void value() const { assert(has_value()); }
  Error& error() & { return assert(error_), *error_; }
  const Error& error() const& { return assert(error_), *error_; }
  Error&& error() && { return assert(error_), std::move(*error_); }

 private:
  std::optional<Error> error_;
};

using Status = Result<void>;

}  // namespace vireo::util

/// Leaves the enclosing function with the error of `expression`, a Result or Status, if it has one.
#define VIREO_TRY(expression)                                            \
  do {                                                                   \
    auto vireo_try_result_ = (expression);                               \
    if (!vireo_try_result_) return std::move(vireo_try_result_).error(); \
  } while (false)

/// Declares `name` as the value of the Result `expression`, or leaves with its error.
#define VIREO_TRY_ASSIGN(name, expression)                       \
  auto name##_result_ = (expression);                            \
  if (!name##_result_) return std::move(name##_result_).error(); \
  auto& name = *name##_result_
