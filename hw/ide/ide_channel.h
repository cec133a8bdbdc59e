#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "core/device/bus.h"

namespace vireo::hw {

class IdeDrive;

/// What a channel needs of its controller.
class IdeHost {
 public:
  virtual ~IdeHost() = default;
  virtual void set_channel_interrupt(unsigned channel, bool level) = 0;
  /// Whether the bus master is started and has memory left.
  virtual bool dma_running(unsigned channel) const = 0;
  /// Moves bytes between `buffer` and the memory that the bus master is programmed for; returns how
  /// many, fewer when it ran out.
  virtual size_t dma_transfer(unsigned channel, std::span<std::byte> buffer, bool to_memory) = 0;
};

/// The saved registers of a channel itself.
struct IdeChannelRegs {
  uint8_t control = 0;
  bool second_selected = false;
};

/// One ATA channel: a cable with two drives (ATA/ATAPI-6). Registers are written to both drives and
/// read from the selected one.
class IdeChannel final : public core::Bus {
 public:
  IdeChannel(core::Device* owner, std::string name, unsigned index, IdeHost& host,
             IdeChannelRegs& regs)
      : Bus("IDE", std::move(name), owner), index_(index), host_(host), regs_(regs) {}

  bool has_room_for(const core::Device& device) const override;
  std::string address_of(const core::Device& device) const override;

  // For the controller: the command block, and the control register at 3F6h or 376h.
  uint64_t read(uint64_t offset, unsigned width);
  void write(uint64_t offset, unsigned width, uint64_t value);
  uint8_t read_alternate_status() const;
  void write_control(uint8_t value);
  /// The bus master was started.
  void dma_started();
  /// A drive's interrupt, or who is selected, changed.
  void update_interrupt();

  // For drives.
  bool dma_running() const { return host_.dma_running(index_); }
  size_t dma_transfer(std::span<std::byte> buffer, bool to_memory) {
    return host_.dma_transfer(index_, buffer, to_memory);
  }

 protected:
  util::Status claim_slot(core::Device& device) override;
  void release_slot(core::Device& device) override;

 private:
  bool empty() const { return drives_[0] == nullptr && drives_[1] == nullptr; }
  IdeDrive* selected() const { return drives_[regs_.second_selected ? 1 : 0]; }
  uint8_t read_register(unsigned offset);
  void write_register(unsigned offset, uint8_t value);
  void execute(uint8_t command);

  unsigned index_;
  IdeHost& host_;
  IdeChannelRegs& regs_;
  std::array<IdeDrive*, 2> drives_{};
};

}  // namespace vireo::hw
