#pragma once

#include <cstring>
#include <memory>
#include <vector>

#include "core/testing/test_machine.h"
#include "hw/pci/pci_bus.h"
#include "hw/virtio/virtio_pci.h"

namespace vireo::hw::testing {

/// A driver's view of one virtio PCI device in a test machine: bus, BARs, rings in RAM. Uses the
/// modern interface unless told otherwise.
class VirtioTestDriver {
 public:
  static constexpr uint64_t kBar = 0x80000000;
  static constexpr uint16_t kPorts = 0xc000;
  static constexpr uint64_t kRings = 0x10000;  // 0x1000 a queue
  static constexpr uint64_t kBuffers = 0x80000;
  static constexpr uint16_t kQueueSize = 8;

  struct Buffer {
    uint64_t address;
    uint32_t length;
    bool writable;
  };

  explicit VirtioTestDriver(std::unique_ptr<PciDevice> device) : device_(std::move(device)) {
    bus_.connect_pirq(PciBus::pirq_of(0, 0), irq.input());
    bus_.set_msi_receiver([this](uint64_t, uint32_t data) { messages.push_back(data); });
  }
  ~VirtioTestDriver() {
    if (device_->realized()) device_->unrealize();
  }

  util::Status plug_in() {
    VIREO_TRY(device_->attach(bus_));
    VIREO_TRY(device_->realize(machine.environment()));
    map();
    return {};
  }
  void map() {
    device_->config_write(0x10, 4, kPorts);
    device_->config_write(0x14, 4, 0x90000000);
    device_->config_write(0x20, 4, static_cast<uint32_t>(kBar));
    device_->config_write(0x24, 4, 0);
    device_->config_write(kPciCommand, 2, 7);
  }
  PciDevice& device() { return *device_; }
  PciBus& bus() { return bus_; }

  template <class T>
  T common(unsigned offset) {
    return machine.memory.load<T>(kBar + offset);
  }
  template <class T>
  void set_common(unsigned offset, std::type_identity_t<T> value) {
    machine.memory.store<T>(kBar + offset, value);
  }
  template <class T>
  T config(unsigned offset) {
    return machine.memory.load<T>(kBar + 0x2000 + offset);
  }
  uint8_t isr() { return machine.memory.load<uint8_t>(kBar + 0x1000); }
  uint8_t status() { return common<uint8_t>(0x14); }
  void notify(unsigned queue) {
    machine.memory.store<uint16_t>(kBar + 0x3000 + 4 * queue, static_cast<uint16_t>(queue));
  }

  /// Negotiates what the device offers of `wanted` and VERSION_1, and starts `queues` queues.
  void start(uint64_t wanted, unsigned queues) {
    set_common<uint8_t>(0x14, 0);
    set_common<uint8_t>(0x14, 3);
    const uint64_t features = (wanted | virtio_bit(kVirtioVersion1)) & offered();
    for (uint32_t half = 0; half < 2; ++half) {
      set_common<uint32_t>(0x08, half);
      set_common<uint32_t>(0x0c, static_cast<uint32_t>(features >> 32 * half));
    }
    set_common<uint8_t>(0x14, 0x0b);
    available_.assign(queues, 0);
    next_descriptor_.assign(queues, 0);
    for (unsigned i = 0; i < queues; ++i) start_queue(i);
    set_common<uint8_t>(0x14, 0x0f);
  }
  uint64_t offered() {
    set_common<uint32_t>(0, 0);
    uint64_t features = common<uint32_t>(4);
    set_common<uint32_t>(0, 1);
    return features | uint64_t{common<uint32_t>(4)} << 32;
  }

  uint64_t descriptors(unsigned queue) const { return kRings + 0x1000 * queue; }
  uint64_t available(unsigned queue) const { return descriptors(queue) + 0x200; }
  uint64_t used(unsigned queue) const { return descriptors(queue) + 0x400; }
  uint16_t used_index(unsigned queue) { return machine.memory.load<uint16_t>(used(queue) + 2); }
  uint32_t used_length(unsigned queue, unsigned slot) {
    return machine.memory.load<uint32_t>(used(queue) + 8 + 8 * (slot % kQueueSize));
  }

  void set_descriptor(uint64_t table, unsigned index, uint64_t address, uint32_t length,
                      uint16_t flags, uint16_t next) {
    const uint64_t at = table + 16 * index;
    machine.memory.store<uint64_t>(at, address);
    machine.memory.store<uint32_t>(at + 8, length);
    machine.memory.store<uint16_t>(at + 12, flags);
    machine.memory.store<uint16_t>(at + 14, next);
  }
  /// Makes `head` available without notifying.
  void offer(unsigned queue, uint16_t head) {
    uint16_t& index = available_[queue];
    machine.memory.store<uint16_t>(available(queue) + 4 + 2 * (index % kQueueSize), head);
    machine.memory.store<uint16_t>(available(queue) + 2, ++index);
  }
  /// A chain of buffers, made available; returns its head.
  uint16_t add(unsigned queue, const std::vector<Buffer>& buffers) {
    const uint16_t head = next_descriptor_[queue] % kQueueSize;
    for (size_t i = 0; i < buffers.size(); ++i) {
      const unsigned index = next_descriptor_[queue]++ % kQueueSize;
      const bool last = i + 1 == buffers.size();
      const auto flags = static_cast<uint16_t>((last ? 0 : 1) | (buffers[i].writable ? 2 : 0));
      set_descriptor(descriptors(queue), index, buffers[i].address, buffers[i].length, flags,
                     static_cast<uint16_t>((index + 1) % kQueueSize));
    }
    offer(queue, head);
    return head;
  }

  std::vector<uint8_t> bytes(uint64_t address, size_t length) {
    std::vector<uint8_t> copy(length);
    machine.memory.read(address, std::as_writable_bytes(std::span(copy)));
    return copy;
  }
  void put(uint64_t address, std::string_view text) {
    machine.memory.write(address, std::as_bytes(std::span(text)));
  }

  core::testing::TestMachine machine;
  core::testing::IrqProbe irq;
  std::vector<uint32_t> messages;

 private:
  void start_queue(unsigned queue) {
    set_common<uint16_t>(0x16, static_cast<uint16_t>(queue));
    set_common<uint16_t>(0x18, kQueueSize);
    set_common<uint32_t>(0x20, static_cast<uint32_t>(descriptors(queue)));
    set_common<uint32_t>(0x28, static_cast<uint32_t>(available(queue)));
    set_common<uint32_t>(0x30, static_cast<uint32_t>(used(queue)));
    for (uint64_t at = 0; at < 0x1000; at += 8)
      machine.memory.store<uint64_t>(descriptors(queue) + at, 0);
    set_common<uint16_t>(0x1c, 1);
  }

  PciBus bus_{nullptr, machine.memory.root()};
  std::unique_ptr<PciDevice> device_;
  std::vector<uint16_t> available_;
  std::vector<uint16_t> next_descriptor_;
};

}  // namespace vireo::hw::testing
