#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "chardev/chardev.h"
#include "core/device/backend_ref.h"
#include "core/device/bus.h"
#include "hw/virtio/virtio_pci.h"

namespace vireo::hw {

class VirtioSerial;
class VirtioSerialPort;

/// Where the ports of a virtio serial controller sit.
class VirtioSerialBus final : public core::Bus {
 public:
  VirtioSerialBus(VirtioSerial& controller, std::string name);
  VirtioSerial& controller() const { return controller_; }
  bool has_room_for(const core::Device& device) const override;

 protected:
  util::Status claim_slot(core::Device& device) override;
  void release_slot(core::Device& device) override;

 private:
  VirtioSerial& controller_;
};

/// The virtio console device (virtio 1.2, 5.3) with several ports: a pair of queues for each, and a
/// pair for control messages.
class VirtioSerial final : public VirtioPci {
 public:
  static constexpr unsigned kMaxPorts = (kMaxQueues - 2) / 2;

  static void describe(core::Description<VirtioSerial>& d);
  VirtioSerial() : VirtioPci(kVirtioConsole, 0x078000, 2) {}

  // For ports and their bus.
  bool port_running() const { return running(); }
  bool multiport() const;
  unsigned max_ports() const { return max_ports_; }
  VirtioSerialPort* port(unsigned number) const { return ports_[number]; }
  void set_port(unsigned number, VirtioSerialPort* port) { ports_[number] = port; }
  Virtqueue& receive_queue(unsigned port) { return queue(queue_of(port)); }
  Virtqueue& transmit_queue(unsigned port) { return queue(queue_of(port) + 1); }
  void notify_receive(unsigned port) { notify_driver(queue_of(port)); }
  void notify_transmit(unsigned port) { notify_driver(queue_of(port) + 1); }
  void resume_transmit() { resume_later(); }
  /// Tells the driver of a port: `event` is one of ControlEvent.
  void send_control(unsigned port, uint16_t event, uint16_t value, const std::string& text = "");
  /// A port came, or went, after the driver had asked for them.
  void announce(VirtioSerialPort& port);

 protected:
  uint64_t device_features() const override;
  DeviceConfig device_config() const override;
  void queue_notified(unsigned queue) override;
  util::Status on_virtio_realize() override;
  void on_virtio_unrealize() override;
  void on_virtio_reset() override;

 private:
  static constexpr uint16_t kQueueSize = 128;
  struct State {
    bool driver_ready = false;
    std::vector<uint8_t> outbox;  // control messages without a buffer yet: length and bytes each
  };

  static unsigned queue_of(unsigned port) { return port == 0 ? 0 : 2 + 2 * port; }
  void flush_outbox();
  void read_control_messages();
  void handle_control(unsigned port, uint16_t event, uint16_t value);

  uint32_t max_ports_ = kMaxPorts;
  std::array<VirtioSerialPort*, kMaxPorts> ports_{};
  std::unique_ptr<VirtioSerialBus> bus_;
  State state_;
};

}  // namespace vireo::hw
