// An ATA channel: how two drives share one set of registers (ATA/ATAPI-6, 7 and 9).

#include "hw/ide/ide_channel.h"

#include <fmt/format.h>

#include "hw/ide/ide_drive.h"
#include "util/bits.h"

namespace vireo::hw {
namespace {

// What a cable without drives reads: the host pulls DD7, BSY of the status, down
// (ATA/ATAPI-6, 5.2).
constexpr uint8_t kNobody = 0x7f;

}  // namespace

bool IdeChannel::has_room_for(const core::Device& device) const {
  const int32_t unit = static_cast<const IdeDrive&>(device).unit();
  if (unit < 0) return drives_[0] == nullptr || drives_[1] == nullptr;
  return unit < 2 && drives_[static_cast<unsigned>(unit)] == nullptr;
}

std::string IdeChannel::address_of(const core::Device& device) const {
  return std::to_string(static_cast<const IdeDrive&>(device).unit());
}

util::Status IdeChannel::claim_slot(core::Device& device) {
  auto& drive = static_cast<IdeDrive&>(device);
  int32_t unit = drive.unit();
  if (unit < 0) unit = drives_[0] == nullptr ? 0 : 1;
  if (unit > 1) {
    return util::Error(util::ErrorCode::kInvalidArgument,
                       fmt::format("{}: unit {} is neither 0 nor 1", drive.label(), unit));
  }
  IdeDrive*& place = drives_[static_cast<unsigned>(unit)];
  if (place != nullptr) {
    return util::Error(util::ErrorCode::kBusy,
                       fmt::format("unit {} of {} is taken by '{}'", unit, name(), place->label()));
  }
  place = &drive;
  drive.set_unit(static_cast<unsigned>(unit));
  return {};
}

// Also called from the destructor of Device, when the drive is a Device only.
void IdeChannel::release_slot(core::Device& device) {
  for (IdeDrive*& drive : drives_) {
    if (drive == &device) drive = nullptr;
  }
  update_interrupt();
}

void IdeChannel::update_interrupt() {
  const IdeDrive* const drive = selected();
  host_.set_channel_interrupt(
      index_, drive != nullptr && drive->interrupt() && !(regs_.control & kAtaInterruptOff));
}

void IdeChannel::dma_started() {
  if (IdeDrive* drive = selected()) drive->dma_started();
}

uint64_t IdeChannel::read(uint64_t offset, unsigned width) {
  if (offset == kAtaData && width > 1) {
    IdeDrive* const drive = selected();
    return drive != nullptr ? drive->read_data(width) : util::low_mask(8 * width);
  }
  uint64_t value = 0;
  for (unsigned i = 0; i < width; ++i) {
    value |= uint64_t{read_register(static_cast<unsigned>(offset) + i)} << 8 * i;
  }
  return value;
}

uint8_t IdeChannel::read_register(unsigned offset) {
  if (empty()) return kNobody;
  IdeDrive* const drive = selected();
  // The first drive answers for an absent second one.
  if (drive == nullptr) return 0;
  if (offset == kAtaData) return static_cast<uint8_t>(drive->read_data(1));
  if (offset == kAtaStatus) {
    const uint8_t status = drive->status();
    drive->clear_interrupt();
    update_interrupt();
    return status;
  }
  return drive->read_register(offset, regs_.control & kAtaHighOrder);
}

uint8_t IdeChannel::read_alternate_status() const {
  if (empty()) return kNobody;
  const IdeDrive* const drive = selected();
  return drive != nullptr ? drive->status() : 0;
}

void IdeChannel::write(uint64_t offset, unsigned width, uint64_t value) {
  if (offset == kAtaData) {
    if (IdeDrive* drive = selected()) drive->write_data(static_cast<uint32_t>(value), width);
    return;
  }
  for (unsigned i = 0; i < width && offset + i <= kAtaStatus; ++i) {
    write_register(static_cast<unsigned>(offset) + i, static_cast<uint8_t>(value >> 8 * i));
  }
}

void IdeChannel::write_register(unsigned offset, uint8_t value) {
  regs_.control &= ~kAtaHighOrder;
  if (offset == kAtaStatus) return execute(value);
  // A drive at work keeps its registers.
  for (IdeDrive* drive : drives_) {
    if (drive != nullptr && (!drive->busy() || offset == kAtaDevice)) {
      drive->write_register(offset, value);
    }
  }
  if (offset == kAtaDevice) {
    regs_.second_selected = value & kAtaDeviceOne;
    update_interrupt();
  }
}

void IdeChannel::execute(uint8_t command) {
  if (command == kAtaExecuteDiagnostic) {
    for (IdeDrive* drive : drives_) {
      if (drive != nullptr) drive->reset_device();
    }
    regs_.second_selected = false;
    if (IdeDrive* first = selected()) first->raise_interrupt();
    update_interrupt();
    return;
  }
  IdeDrive* const drive = selected();
  if (drive == nullptr || (drive->busy() && command != kAtaDeviceReset)) return;
  drive->clear_interrupt();
  update_interrupt();
  drive->execute(command);
}

void IdeChannel::write_control(uint8_t value) {
  const uint8_t changed = value ^ regs_.control;
  regs_.control = value;
  for (IdeDrive* drive : drives_) {
    if (drive == nullptr || !(changed & kAtaSoftReset)) continue;
    if (value & kAtaSoftReset) {
      drive->hold_in_reset();
    } else {
      drive->reset_device();
    }
  }
  if (changed & kAtaSoftReset) regs_.second_selected = false;
  update_interrupt();
}

}  // namespace vireo::hw
