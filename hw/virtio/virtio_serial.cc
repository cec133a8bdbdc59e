// The virtio serial controller: control messages and the bus of its ports (virtio 1.2, 5.3).

#include "hw/virtio/virtio_serial.h"

#include <fmt/format.h>

#include <algorithm>

#include "hw/virtio/virtio_serial_port.h"
#include "util/log.h"

namespace vireo::hw {
namespace {

using core::field;

constexpr unsigned kMultiport = 1;  // feature
constexpr unsigned kConfigMaxPorts = 4;
constexpr unsigned kControlReceive = 2;  // queues
constexpr unsigned kControlTransmit = 3;
constexpr size_t kControlSize = 8;
// Beyond what all ports can have to say at once, messages are lost.
constexpr size_t kMaxOutbox = 16 << 10;
constexpr size_t kMaxName = 255 - kControlSize;

}  // namespace

VirtioSerialBus::VirtioSerialBus(VirtioSerial& controller, std::string name)
    : Bus("virtio-serial-bus", std::move(name), &controller), controller_(controller) {}

bool VirtioSerialBus::has_room_for(const core::Device& device) const {
  const int32_t wanted = static_cast<const VirtioSerialPort&>(device).number();
  for (unsigned i = 0; i < controller_.max_ports(); ++i) {
    if (controller_.port(i) == nullptr && (wanted < 0 || static_cast<unsigned>(wanted) == i)) {
      return true;
    }
  }
  return false;
}

util::Status VirtioSerialBus::claim_slot(core::Device& device) {
  auto& port = static_cast<VirtioSerialPort&>(device);
  int32_t wanted = port.number();
  // Port 0 is a console by tradition: drivers without multiport support know no other.
  const unsigned first = port.is_console() ? 0 : 1;
  for (unsigned i = first; wanted < 0 && i < controller_.max_ports(); ++i) {
    if (controller_.port(i) == nullptr) wanted = static_cast<int32_t>(i);
  }
  const unsigned number = static_cast<unsigned>(wanted);
  if (wanted < 0 || number >= controller_.max_ports()) {
    return util::Error(util::ErrorCode::kInvalidArgument,
                       wanted < 0 ? fmt::format("no free port on {}", name())
                                  : fmt::format("{} has no port {}: there are 0 to {}", name(),
                                                number, controller_.max_ports() - 1));
  }
  if (controller_.port(number) != nullptr) {
    return util::Error(util::ErrorCode::kBusy,
                       fmt::format("port {} of {} is taken by '{}'", number, name(),
                                   controller_.port(number)->label()));
  }
  port.set_number(number);
  controller_.set_port(number, &port);
  return {};
}

// Also called from the destructor of Device, when the port is a Device only.
void VirtioSerialBus::release_slot(core::Device& device) {
  for (unsigned i = 0; i < controller_.max_ports(); ++i) {
    if (controller_.port(i) == &device) controller_.set_port(i, nullptr);
  }
}

void VirtioSerial::describe(core::Description<VirtioSerial>& d) {
  d.type("virtio-serial-pci", "virtio controller of console and serial ports");
  describe_virtio(d);
  d.property("max_ports", &VirtioSerial::max_ports_, "1 to 15");
  d.state(&VirtioSerial::state_, 1, field("driver-ready", &State::driver_ready),
          field("outbox", &State::outbox).max(kMaxOutbox));
}

util::Status VirtioSerial::on_virtio_realize() {
  if (max_ports_ == 0 || max_ports_ > kMaxPorts) {
    return util::Error(
        util::ErrorCode::kInvalidArgument,
        fmt::format("{}: max_ports {} is none of 1 to {}", label(), max_ports_, kMaxPorts));
  }
  for (unsigned i = 0; i < 2 + 2 * max_ports_; ++i) add_queue(kQueueSize);
  if (!bus_) {
    bus_ = std::make_unique<VirtioSerialBus>(*this,
                                             id().empty() ? "virtio-serial-bus.0" : id() + ".0");
  }
  return {};
}

void VirtioSerial::on_virtio_unrealize() { bus_.reset(); }

void VirtioSerial::on_virtio_reset() {
  state_ = {};
  for (VirtioSerialPort* port : ports_) {
    if (port != nullptr) port->controller_reset();
  }
}

uint64_t VirtioSerial::device_features() const { return virtio_bit(kMultiport); }

bool VirtioSerial::multiport() const { return has_feature(kMultiport); }

VirtioPci::DeviceConfig VirtioSerial::device_config() const {
  DeviceConfig config{};
  util::store_little<uint32_t>(&config[kConfigMaxPorts], max_ports_);
  return config;
}

void VirtioSerial::queue_notified(unsigned index) {
  if (index == kControlReceive) return flush_outbox();
  if (index == kControlTransmit) return read_control_messages();
  const unsigned number = index < kControlReceive ? 0 : index / 2 - 1;
  VirtioSerialPort* const port = ports_[number];
  if (port == nullptr || !port->realized()) return;
  if (index % 2 == 0) {
    port->accept_input();
  } else {
    port->transmit();
  }
}

void VirtioSerial::send_control(unsigned port, uint16_t event, uint16_t value,
                                const std::string& text) {
  if (!multiport() || !state_.driver_ready) return;
  const size_t name_length = std::min(text.size(), kMaxName);
  const size_t length = kControlSize + name_length;
  const size_t at = state_.outbox.size();
  if (at + 1 + length > kMaxOutbox) return;
  state_.outbox.resize(at + 1 + length);
  uint8_t* const message = &state_.outbox[at];
  message[0] = static_cast<uint8_t>(length);
  util::store_little<uint32_t>(message + 1, port);
  util::store_little<uint16_t>(message + 5, event);
  util::store_little<uint16_t>(message + 7, value);
  std::copy_n(text.data(), name_length, message + 1 + kControlSize);
  flush_outbox();
}

void VirtioSerial::flush_outbox() {
  QueueElement element;
  Virtqueue& buffers = queue(kControlReceive);
  std::vector<uint8_t>& outbox = state_.outbox;
  size_t sent = 0;
  while (running() && sent < outbox.size() && sent + 1 + outbox[sent] <= outbox.size() &&
         buffers.pop(element)) {
    const std::span<const uint8_t> message(&outbox[sent + 1], outbox[sent]);
    const size_t length = copy_to_pieces(element.writable, 0, std::as_bytes(message));
    buffers.push(element, static_cast<uint32_t>(length));
    sent += 1 + message.size();
  }
  if (sent == 0) return;
  outbox.erase(outbox.begin(), outbox.begin() + static_cast<ptrdiff_t>(sent));
  notify_driver(kControlReceive);
}

void VirtioSerial::read_control_messages() {
  QueueElement element;
  Virtqueue& messages = queue(kControlTransmit);
  unsigned burst = 0;
  while (burst < kQueueSize && messages.pop(element)) {
    std::byte message[kControlSize];
    const bool whole = copy_from_pieces(element.readable, 0, message) == kControlSize;
    messages.push(element, 0);
    ++burst;
    if (!whole) continue;
    handle_control(util::load_little<uint32_t>(message), util::load_little<uint16_t>(message + 4),
                   util::load_little<uint16_t>(message + 6));
  }
  if (burst == kQueueSize) resume_later();
  if (burst != 0) notify_driver(kControlTransmit);
}

void VirtioSerial::handle_control(unsigned number, uint16_t event, uint16_t value) {
  if (event == kDeviceReady) {
    state_.driver_ready = value != 0;
    for (VirtioSerialPort* port : ports_) {
      if (port != nullptr) announce(*port);
    }
    return;
  }
  VirtioSerialPort* const port = number < kMaxPorts ? ports_[number] : nullptr;
  if (port == nullptr || !port->realized()) {
    util::log(util::kLogGuestErrors, "{}: control message {} for port {}", label(), event, number);
    return;
  }
  if (event == kPortReady && value != 0) {
    if (port->is_console()) send_control(number, kConsolePort, 1);
    if (!port->name().empty()) send_control(number, kPortName, 1, port->name());
    if (port->host_open()) send_control(number, kPortOpen, 1);
  } else if (event == kPortOpen) {
    port->set_guest_open(value != 0);
  }
}

void VirtioSerial::announce(VirtioSerialPort& port) {
  send_control(static_cast<unsigned>(port.number()), kPortAdd, 1);
}

REGISTER_DEVICE(VirtioSerial);

}  // namespace vireo::hw
