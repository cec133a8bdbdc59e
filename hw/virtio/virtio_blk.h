#pragma once

#include <memory>
#include <set>
#include <string>

#include "block/drive.h"
#include "core/device/backend_ref.h"
#include "hw/virtio/virtio_pci.h"

namespace vireo::hw {

/// A virtio block device (virtio 1.2, 5.2) with one queue. Requests run at the same time and end in
/// any order.
class VirtioBlk final : public VirtioPci {
 public:
  static void describe(core::Description<VirtioBlk>& d);
  VirtioBlk() : VirtioPci(kVirtioBlock, 0x010000, 2) {}

 protected:
  uint64_t device_features() const override;
  DeviceConfig device_config() const override;
  void queue_notified(unsigned queue) override;
  util::Status on_virtio_realize() override;
  void on_virtio_unrealize() override;
  void on_virtio_reset() override;
  util::Status after_virtio_load() override;

 private:
  static constexpr uint16_t kQueueSize = 256;
  struct Request;
  struct State {
    std::array<uint8_t, kQueueSize / 8> in_flight{};  // a bit a head
  };

  void start(std::shared_ptr<Request> request);
  void transfer(const std::shared_ptr<Request>& request, uint64_t sector, bool read);
  void erase(const std::shared_ptr<Request>& request, bool write_zeroes);
  void submit(const std::shared_ptr<Request>& request, block::DriveRequest drive_request);
  void complete(Request& request, uint8_t status, uint32_t written);
  void forget_requests();
  void restart_requests();
  bool is_in_flight(uint16_t head) const { return state_.in_flight[head / 8] >> (head % 8) & 1; }
  void set_in_flight(uint16_t head, bool on);

  core::BackendRef<block::Drive> drive_{"drive"};
  std::string serial_;
  uint32_t logical_block_size_ = 512;
  uint32_t physical_block_size_ = 512;
  bool discard_ = true;
  State state_;
  std::set<std::shared_ptr<Request>> requests_;
  bool orphans_ = false;    // state_ is a loaded one: its requests have to be started again
  bool batching_ = false;   // a notification is being worked off: interrupt at its end
  bool completed_ = false;  // something was given back meanwhile
};

}  // namespace vireo::hw
