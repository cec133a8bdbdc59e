#pragma once

#include "hw/virtio/virtio_pci.h"

namespace vireo::hw {

/// The virtio entropy device (virtio 1.2, 5.4), fed by the host's random numbers.
class VirtioRng final : public VirtioPci {
 public:
  static void describe(core::Description<VirtioRng>& d);
  VirtioRng() : VirtioPci(kVirtioEntropy, 0x00ff00, 2) {}

 protected:
  uint64_t device_features() const override { return 0; }
  void queue_notified(unsigned queue) override;
  util::Status on_virtio_realize() override;

 private:
  uint32_t fill(const QueueElement& element);
};

}  // namespace vireo::hw
