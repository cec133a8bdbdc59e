// Ports of a virtio serial controller: bytes between a chardev and the port's two queues.

#include "hw/virtio/virtio_serial_port.h"

#include <algorithm>

#include "hw/virtio/virtio_serial.h"

namespace vireo::hw {
namespace {

constexpr unsigned kBurst = 128;
constexpr size_t kMaxInput = 4096;

}  // namespace

VirtioSerial& VirtioSerialPort::controller() const {
  return static_cast<VirtioSerialBus*>(bus())->controller();
}

util::Status VirtioSerialPort::on_realize() {
  if (chardev_) {
    chardev_->set_receiver({.can_receive = [this] { return can_receive(); },
                            .receive = [this](std::span<const uint8_t> bytes) { receive(bytes); },
                            .event = [this](chardev::Event event) { handle_event(event); }});
    chardev_->set_write_ready([this] {
      if (controller().port_running()) transmit();
    });
  }
  controller().announce(*this);
  return {};
}

void VirtioSerialPort::on_unrealize() {
  if (chardev_) {
    chardev_->set_receiver({});
    chardev_->set_write_ready({});
  }
  controller().send_control(index(), kPortRemove, 1);
}

void VirtioSerialPort::set_guest_open(bool open) {
  state_.guest_open = open;
  if (open) accept_input();
}

bool VirtioSerialPort::open_for_input() const {
  // A driver without multiport support has no way to open the port.
  return controller().port_running() && (state_.guest_open || !controller().multiport());
}

size_t VirtioSerialPort::can_receive() {
  if (!open_for_input()) return 0;
  QueueElement element;
  Virtqueue& buffers = controller().receive_queue(index());
  if (!buffers.pop(element)) return 0;
  buffers.unpop();
  return static_cast<size_t>(std::min<uint64_t>(element.writable_length(), kMaxInput));
}

void VirtioSerialPort::receive(std::span<const uint8_t> bytes) {
  QueueElement element;
  Virtqueue& buffers = controller().receive_queue(index());
  std::span<const std::byte> rest = std::as_bytes(bytes);
  bool used = false;
  while (!rest.empty() && open_for_input() && buffers.pop(element)) {
    const size_t part = copy_to_pieces(element.writable, 0, rest);
    buffers.push(element, static_cast<uint32_t>(part));
    rest = rest.subspan(part);
    used = true;
  }
  if (used) controller().notify_receive(index());
}

void VirtioSerialPort::transmit() {
  QueueElement element;
  Virtqueue& buffers = controller().transmit_queue(index());
  unsigned burst = 0;
  bool stuck = false;
  while (!stuck && burst < kBurst && buffers.pop(element)) {
    uint64_t skip = state_.transmitted;
    for (const BufferPiece& piece : element.readable) {
      const uint64_t skipped = std::min<uint64_t>(skip, piece.host.size());
      skip -= skipped;
      const auto part = piece.host.subspan(skipped);
      if (!chardev_ || part.empty()) continue;
      const size_t written =
          chardev_->write({reinterpret_cast<const uint8_t*>(part.data()), part.size()});
      state_.transmitted += written;
      stuck = written < part.size();
      if (stuck) break;
    }
    if (stuck) {
      buffers.unpop();
      break;
    }
    state_.transmitted = 0;
    buffers.push(element, 0);
    ++burst;
  }
  if (burst == kBurst) controller().resume_transmit();
  if (burst != 0) controller().notify_transmit(index());
}

void VirtioSerialPort::handle_event(chardev::Event event) {
  if (event != chardev::Event::opened && event != chardev::Event::closed) return;
  host_open_ = event == chardev::Event::opened;
  controller().send_control(index(), kPortOpen, host_open_);
}

void VirtConsole::describe(core::Description<VirtConsole>& d) {
  d.type("virtconsole", "console port of a virtio serial controller");
  describe_port(d);
}

void VirtSerialPort::describe(core::Description<VirtSerialPort>& d) {
  d.type("virtserialport", "serial port of a virtio serial controller");
  describe_port(d);
}

REGISTER_DEVICE(VirtConsole);
REGISTER_DEVICE(VirtSerialPort);

}  // namespace vireo::hw
