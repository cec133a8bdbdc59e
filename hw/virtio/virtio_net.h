#pragma once

#include <vector>

#include "core/device/backend_ref.h"
#include "hw/virtio/virtio_pci.h"
#include "net/backend.h"

namespace vireo::hw {

/// A virtio network card (virtio 1.2, 5.1) with one pair of queues. Drivers may leave checksums,
/// and TCP segments larger than the MTU, to it.
class VirtioNet final : public VirtioPci {
 public:
  static void describe(core::Description<VirtioNet>& d);
  VirtioNet() : VirtioPci(kVirtioNet, 0x020000, 3) {}

 protected:
  uint64_t device_features() const override;
  DeviceConfig device_config() const override;
  void queue_notified(unsigned queue) override;
  util::Status on_virtio_realize() override;
  void on_virtio_unrealize() override;

 private:
  static constexpr uint16_t kQueueSize = 256;

  unsigned header_size() const;
  bool can_receive();
  void receive(std::span<const uint8_t> frame);
  std::span<const uint8_t> as_segments(std::span<const uint8_t> frame, std::span<std::byte> head);
  void transmit();
  void send(const QueueElement& element);
  bool send_in_place(const QueueElement& element, uint64_t length);
  bool complete_checksum(std::span<const std::byte> head, std::span<std::byte> frame);

  core::BackendRef<net::Backend> netdev_{"netdev"};
  core::MacAddress mac_{{0x52, 0x54, 0x00, 0x12, 0x34, 0x56}};
  bool csum_ = true, guest_csum_ = true, host_tso4_ = true, guest_tso4_ = true;
  std::vector<QueueElement> receive_elements_;  // kept for their capacity
  QueueElement transmit_element_;
  std::vector<std::byte> frame_;  ///< As large as the largest so far.
  std::vector<uint8_t> segments_;
};

}  // namespace vireo::hw
