// The monitor's line editor.

#include "monitor/hmp.h"

#include "monitor/commands.h"

namespace vireo::monitor {

namespace {
constexpr std::string_view kPrompt = "(vireo) ";
constexpr size_t kMaxLine = 4096;
}  // namespace

Hmp::Hmp(Control& control, std::function<void(std::string_view)> print)
    : control_(control), print_(std::move(print)) {}

// A raw terminal wants a carriage return with each line feed.
void Hmp::emit(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') out += '\r';
    out += c;
  }
  print_(out);
}

void Hmp::greet() {
  if (!greeted_) emit("Vireo monitor - type 'help' for more information\n");
  greeted_ = true;
  emit(kPrompt);
  emit(line_);
}

void Hmp::begin_session() {
  line_.clear();
  escape_state_ = 0;
  greeted_ = false;
  greet();
}

void Hmp::execute(std::string_view line) { emit(run_command(control_, line)); }

void Hmp::input(std::span<const uint8_t> bytes) {
  for (const uint8_t byte : bytes) type(byte);
}

void Hmp::type(uint8_t byte) {
  // Cursor keys are ESC [ A and so on.
  if (escape_state_ == 1) {
    escape_state_ = byte == '[' ? 2 : 0;
    return;
  }
  if (escape_state_ == 2) {
    escape_state_ = 0;
    if (byte == 'A') recall(-1);
    if (byte == 'B') recall(1);
    return;
  }
  if (byte == 0x1b) {
    escape_state_ = 1;
  } else if (byte == '\r' || byte == '\n') {
    accept_line();
  } else if (byte == 0x7f || byte == '\b') {
    if (line_.empty()) return;
    line_.pop_back();
    emit("\b \b");
  } else if (byte == 0x15) {  // C-u
    replace_line("");
  } else if (byte >= ' ' && line_.size() < kMaxLine) {
    line_ += static_cast<char>(byte);
    emit(line_.substr(line_.size() - 1));
  }
}

void Hmp::accept_line() {
  emit("\n");
  const std::string line = std::move(line_);
  line_.clear();
  if (!line.empty() && (history_.empty() || history_.back() != line)) history_.push_back(line);
  history_place_ = history_.size();
  execute(line);
  emit(kPrompt);
}

void Hmp::recall(int direction) {
  if (direction < 0 ? history_place_ == 0 : history_place_ >= history_.size()) return;
  history_place_ = direction < 0 ? history_place_ - 1 : history_place_ + 1;
  replace_line(history_place_ < history_.size() ? history_[history_place_] : "");
}

void Hmp::replace_line(std::string text) {
  for (size_t i = 0; i < line_.size(); ++i) emit("\b \b");
  line_ = std::move(text);
  emit(line_);
}

}  // namespace vireo::monitor
