#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace vireo::monitor {

class Control;

/// The human monitor: reads command lines from a byte stream and prints what they give. Input and
/// output are those of a terminal in raw mode.
class Hmp {
 public:
  Hmp(Control& control, std::function<void(std::string_view)> print);

  /// Bytes that the user typed.
  void input(std::span<const uint8_t> bytes);
  /// Shows the greeting (once a user) and the prompt: the user looks here.
  void greet();
  /// Another user has come: what the one before has left on the line is gone.
  void begin_session();
  /// Carries out one command line; output goes through `print` with "\n" line ends.
  void execute(std::string_view line);

 private:
  void type(uint8_t byte);
  void accept_line();
  void recall(int direction);
  void replace_line(std::string text);
  void emit(std::string_view text);

  Control& control_;
  std::function<void(std::string_view)> print_;
  std::string line_;
  std::vector<std::string> history_;
  size_t history_place_ = 0;
  int escape_state_ = 0;
  bool greeted_ = false;
};

}  // namespace vireo::monitor
