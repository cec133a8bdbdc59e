#pragma once

#include <cstdint>
#include <string>

#include "chardev/chardev.h"
#include "core/device/backend_ref.h"
#include "core/device/description.h"

namespace vireo::hw {

class VirtioSerial;

/// Events of control messages (virtio 1.2, 5.3.6.2).
enum ControlEvent : uint16_t {
  kDeviceReady = 0,
  kPortAdd = 1,
  kPortRemove = 2,
  kPortReady = 3,
  kConsolePort = 4,
  kPortOpen = 6,
  kPortName = 7,
};

/// One port of a virtio serial controller, connected to a byte stream.
class VirtioSerialPort : public core::Device {
 public:
  template <class D>
  static void describe_port(core::Description<D>& d) {
    d.bus("virtio-serial-bus");
    d.property("chardev", &VirtioSerialPort::chardev_, "where the bytes go to and come from");
    d.property("nr", &VirtioSerialPort::number_, "port number; -1 for the first free one");
    d.property("name", &VirtioSerialPort::name_, "what the guest finds it by");
    using core::field;
    d.state(&VirtioSerialPort::state_, 1, field("guest-open", &State::guest_open),
            field("transmitted", &State::transmitted));
  }

  virtual bool is_console() const = 0;
  /// The property; the bus turns -1 into a number when the port is attached.
  int32_t number() const { return number_; }
  void set_number(unsigned number) { number_ = static_cast<int32_t>(number); }
  const std::string& name() const { return name_; }
  bool host_open() const { return host_open_; }

  // For the controller.
  void set_guest_open(bool open);
  void controller_reset() { state_ = {}; }
  /// Sends what the guest made available.
  void transmit();
  /// The guest made room.
  void accept_input() const {
    if (chardev_) chardev_->accept_input();
  }

 protected:
  util::Status on_realize() override;
  void on_unrealize() override;

 private:
  struct State {
    bool guest_open = false;
    uint64_t transmitted = 0;  // bytes of the next buffer that have gone out already
  };

  VirtioSerial& controller() const;
  unsigned index() const { return static_cast<unsigned>(number_); }
  bool open_for_input() const;
  size_t can_receive();
  void receive(std::span<const uint8_t> bytes);
  void handle_event(chardev::Event event);

  core::BackendRef<chardev::Chardev> chardev_{"chardev"};
  int32_t number_ = -1;
  std::string name_;
  bool host_open_ = true;
  State state_;
};

/// A port that the guest uses as a console (hvc0).
class VirtConsole final : public VirtioSerialPort {
 public:
  static void describe(core::Description<VirtConsole>& d);
  bool is_console() const override { return true; }
};

/// A port that programs in the guest open by name.
class VirtSerialPort final : public VirtioSerialPort {
 public:
  static void describe(core::Description<VirtSerialPort>& d);
  bool is_console() const override { return false; }
};

}  // namespace vireo::hw
