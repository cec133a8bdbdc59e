// One terminal for several devices.

#include "chardev/mux.h"

#include <algorithm>
#include <deque>

namespace vireo::chardev {

namespace {

constexpr uint8_t kEscape = 0x01;  // C-a
constexpr size_t kMaxHeld = 4096;
constexpr std::string_view kHelp =
    "\r\n"
    "C-a h    this help\r\n"
    "C-a x    exit\r\n"
    "C-a c    switch between serial port and monitor\r\n"
    "C-a b    send a break\r\n"
    "C-a C-a  send C-a\r\n";

}  // namespace

class Mux::End final : public Chardev {
 public:
  explicit End(Mux& mux) : mux_(mux) {}

  size_t write(std::span<const uint8_t> bytes) override { return mux_.stream_->write(bytes); }
  void set_receiver(Receiver receiver) override {
    receiver_ = std::move(receiver);
    mux_.stream_->accept_input();
  }
  void accept_input() override {
    deliver_held();
    mux_.stream_->accept_input();
  }
  /// Hands on a byte, or keeps it until the device takes it.
  void deliver(uint8_t byte) {
    held_.push_back(byte);
    deliver_held();
  }
  size_t held() const { return held_.size(); }
  void set_write_ready(std::function<void()> callback) override {
    write_ready_ = std::move(callback);
  }

  Receiver receiver_;
  std::function<void()> write_ready_;

 private:
  void deliver_held() {
    while (!held_.empty() && receiver_.receive && receiver_.can_receive &&
           receiver_.can_receive() > 0) {
      const uint8_t byte = held_.front();
      held_.pop_front();
      receiver_.receive({&byte, 1});
    }
  }

  Mux& mux_;
  std::deque<uint8_t> held_;
};

Mux::Mux(std::unique_ptr<Chardev> stream, std::function<void()> quit)
    : stream_(std::move(stream)), quit_(std::move(quit)) {
  stream_->set_receiver({.can_receive = [this] { return room(); },
                         .receive = [this](std::span<const uint8_t> bytes) { receive(bytes); },
                         .event = {}});
  stream_->set_write_ready([this] {
    for (const auto& end : ends_) {
      if (end->write_ready_) end->write_ready_();
    }
  });
}

Mux::~Mux() = default;

Chardev& Mux::add_end() {
  ends_.push_back(std::make_unique<End>(*this));
  return *ends_.back();
}

// Bytes are read ahead of a device that does not listen, or C-a x would not work then.
size_t Mux::room() {
  const size_t held = ends_.empty() ? 0 : ends_[focus_]->held();
  return held < kMaxHeld ? kMaxHeld - held : 0;
}

void Mux::receive(std::span<const uint8_t> bytes) {
  for (const uint8_t byte : bytes) {
    if (escaped_) {
      escaped_ = false;
      escape(byte);
    } else if (byte == kEscape) {
      escaped_ = true;
    } else {
      deliver(byte);
    }
  }
}

void Mux::deliver(uint8_t byte) {
  if (!ends_.empty()) ends_[focus_]->deliver(byte);
}

void Mux::escape(uint8_t command) {
  switch (command) {
    case 'x':
      return quit_();
    case 'c':
      return focus_next();
    case 'h':
    case '?':
      return print(kHelp);
    case 'b':
      if (!ends_.empty() && ends_[focus_]->receiver_.event) {
        ends_[focus_]->receiver_.event(Event::break_sent);
      }
      return;
    case kEscape:
      return deliver(kEscape);
    default:
      return;
  }
}

void Mux::focus_next() {
  if (ends_.empty()) return;
  focus_ = (focus_ + 1) % ends_.size();
  if (ends_[focus_]->receiver_.event) ends_[focus_]->receiver_.event(Event::focused);
}

void Mux::print(std::string_view text) {
  stream_->write({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
}

}  // namespace vireo::chardev
