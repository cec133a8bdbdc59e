// The PIIX3's IDE function: legacy ports, timing registers and bus masters that walk tables of
// physical regions.

#include "hw/ide/piix_ide.h"

#include <fmt/format.h>

#include <algorithm>

#include "util/byte_order.h"
#include "util/log.h"

namespace vireo::hw {
namespace {

using core::field;
using core::Space;

constexpr unsigned kTiming = 0x40;  // two bytes a channel; the top bit lets it answer
constexpr unsigned kSlaveTiming = 0x44;
constexpr uint16_t kDecodeEnable = 0x8000;
constexpr unsigned kBusMasterBar = 4;
constexpr uint64_t kBusMasterSize = 16;

enum MasterRegister : uint8_t { kCommand = 0, kStatus = 2, kTable = 4 };
enum MasterCommand : uint8_t { kStart = 1, kToMemory = 8 };
enum MasterStatus : uint8_t { kActive = 1, kError = 2, kInterrupt = 4, kDriveCapable = 0x60 };

constexpr uint32_t kLastRegion = 0x80000000;

struct LegacyPorts {
  const char* command_region;
  const char* control_region;
  uint16_t command;
  uint16_t control;
};
constexpr LegacyPorts kLegacyPorts[] = {{"primary", "primary-control", 0x1f0, 0x3f6},
                                        {"secondary", "secondary-control", 0x170, 0x376}};

}  // namespace

PiixIde::PiixIde() {
  set_identity({.vendor = 0x8086, .device = 0x7010, .class_code = 0x010180});
  set_writable(kTiming, 4, 0xffffffff);
  // A PIIX3 decodes neither channel after reset. UEFI firmware for virtual PCs takes that for done,
  // and would wait minutes for drives at ports where nothing answers.
  set_config<uint16_t>(kTiming, kDecodeEnable);
  set_config<uint16_t>(kTiming + 2, kDecodeEnable);
  set_writable(kSlaveTiming, 1, 0xff);
}

void PiixIde::describe(core::Description<PiixIde>& d) {
  d.type("piix3-ide", "IDE controller of the PIIX3");
  describe_pci(d);
  d.interrupt("irq", &PiixIde::irqs_);
  d.region("primary", Space::ports, 8, &PiixIde::read_ports<0>, &PiixIde::write_ports<0>);
  d.region("secondary", Space::ports, 8, &PiixIde::read_ports<1>, &PiixIde::write_ports<1>);
  d.region("primary-control", Space::ports, 1, &PiixIde::read_control<0>,
           &PiixIde::write_control<0>);
  d.region("secondary-control", Space::ports, 1, &PiixIde::read_control<1>,
           &PiixIde::write_control<1>);
  d.region("bus-master", Space::ports, kBusMasterSize, &PiixIde::read_bus_master,
           &PiixIde::write_bus_master);
  d.state(&PiixIde::state_, 1,
          field("masters", &State::masters, field("command", &BusMaster::command),
                field("status", &BusMaster::status), field("table", &BusMaster::table),
                field("next-descriptor", &BusMaster::next_descriptor),
                field("address", &BusMaster::address), field("left", &BusMaster::left).max(0x10000),
                field("last", &BusMaster::last)),
          field("channels", &State::channels, field("control", &IdeChannelRegs::control),
                field("second-selected", &IdeChannelRegs::second_selected)),
          field("interrupt", &State::interrupt));
}

util::Status PiixIde::on_pci_realize() {
  add_bar(kBusMasterBar, region("bus-master"), BarKind::io);
  for (unsigned i = 0; i < kChannels; ++i) {
    if (channels_[i]) continue;
    IdeHost& host = *this;
    channels_[i] =
        std::make_unique<IdeChannel>(this, fmt::format("ide.{}", i), i, host, state_.channels[i]);
  }
  return {};
}

void PiixIde::on_pci_unrealize() {
  mapped_ = {};
  for (auto& channel : channels_) channel.reset();
}

util::Status PiixIde::after_pci_load() {
  for (BusMaster& master : state_.masters) {
    if (master.left == 0 && (master.status & kActive) && master.last) master.status &= ~kActive;
  }
  return {};
}

void PiixIde::sync_pci_outputs() {
  map_channels();
  for (unsigned i = 0; i < kChannels; ++i) irqs_[i].set(state_.interrupt[i]);
}

void PiixIde::config_written(uint8_t, unsigned) { map_channels(); }

void PiixIde::enable_channels() {
  config_write(kPciCommand, 2, config_value<uint16_t>(kPciCommand) | kPciCommandIo);
}

void PiixIde::map_channels() {
  for (unsigned i = 0; i < kChannels; ++i) {
    const bool answers = io_decoded() && (config_value<uint16_t>(kTiming + 2 * i) & kDecodeEnable);
    if (mapped_[i] == answers) continue;
    mapped_[i] = answers;
    if (answers) {
      map_region(kLegacyPorts[i].command_region, kLegacyPorts[i].command);
      map_region(kLegacyPorts[i].control_region, kLegacyPorts[i].control);
    } else {
      unmap_region(kLegacyPorts[i].command_region);
      unmap_region(kLegacyPorts[i].control_region);
    }
  }
}

void PiixIde::set_channel_interrupt(unsigned channel, bool level) {
  if (level && !state_.interrupt[channel]) state_.masters[channel].status |= kInterrupt;
  state_.interrupt[channel] = level;
  irqs_[channel].set(level);
}

// Bus masters.

bool PiixIde::dma_running(unsigned channel) const {
  return state_.masters[channel].status & kActive;
}

// The next entry of the table: an address, a length (0 for 64 KiB) and the mark of the last one.
bool PiixIde::next_region(BusMaster& master) {
  std::byte entry[8];
  if (!dma_read(master.next_descriptor, entry)) return false;
  const auto length = util::load_little<uint32_t>(entry + 4);
  master.address = util::load_little<uint32_t>(entry) & ~1u;
  master.left = length & 0xfffe ? length & 0xfffe : 0x10000;
  master.last = length & kLastRegion;
  // The table does not cross a 64 KiB boundary.
  master.next_descriptor =
      (master.next_descriptor & 0xffff0000) | ((master.next_descriptor + 8) & 0xffff);
  return true;
}

size_t PiixIde::dma_transfer(unsigned channel, std::span<std::byte> buffer, bool to_memory) {
  BusMaster& master = state_.masters[channel];
  const auto give_up = [&](const char* why) {
    util::log(util::kLogGuestErrors, "{}: channel {}: {}", label(), channel, why);
    master.status = (master.status & ~kActive) | kError;
  };
  if (to_memory != static_cast<bool>(master.command & kToMemory)) {
    give_up("the bus master goes the other way than the drive");
    return 0;
  }
  size_t done = 0;
  while (done < buffer.size()) {
    if (master.left == 0) {
      if (master.last) {
        master.status &= ~kActive;
        return done;
      }
      if (!next_region(master)) {
        give_up("the region table cannot be read");
        return done;
      }
    }
    const auto part = buffer.subspan(done, std::min<size_t>(buffer.size() - done, master.left));
    if (!(to_memory ? dma_write(master.address, part) : dma_read(master.address, part))) {
      give_up("nothing answers at a region's address");
      return done;
    }
    done += part.size();
    master.address += static_cast<uint32_t>(part.size());
    master.left -= static_cast<uint32_t>(part.size());
  }
  if (master.left == 0 && master.last) master.status &= ~kActive;
  return done;
}

uint64_t PiixIde::read_bus_master(uint64_t offset, unsigned width) {
  uint64_t value = 0;
  for (unsigned i = 0; i < width; ++i) {
    const BusMaster& master = state_.masters[(offset + i) / 8 % kChannels];
    const unsigned at = (offset + i) % 8;
    uint8_t byte = 0;
    if (at == kCommand) byte = master.command;
    if (at == kStatus) byte = master.status;
    if (at >= kTable) byte = static_cast<uint8_t>(master.table >> 8 * (at - kTable));
    value |= uint64_t{byte} << 8 * i;
  }
  return value;
}

void PiixIde::write_bus_master(uint64_t offset, unsigned width, uint64_t value) {
  for (unsigned i = 0; i < width; ++i) {
    const auto at = static_cast<unsigned>(offset) + i;
    write_bus_master_byte(at / 8 % kChannels, at % 8, static_cast<uint8_t>(value >> 8 * i));
  }
}

void PiixIde::write_bus_master_byte(unsigned channel, unsigned offset, uint8_t value) {
  BusMaster& master = state_.masters[channel];
  if (offset == kCommand) return write_command(channel, value);
  if (offset == kStatus) {
    master.status = static_cast<uint8_t>((value & kDriveCapable) | (master.status & kActive) |
                                         (master.status & ~value & (kError | kInterrupt)));
  } else if (offset >= kTable) {
    const unsigned shift = 8 * (offset - kTable);
    master.table = (master.table & ~(0xffu << shift)) | uint32_t{value} << shift;
    master.table &= ~3u;
  }
}

void PiixIde::write_command(unsigned channel, uint8_t value) {
  BusMaster& master = state_.masters[channel];
  const bool start = value & ~master.command & kStart;
  master.command = value & (kStart | kToMemory);
  if (!(value & kStart)) {
    master.status &= ~kActive;
    return;
  }
  if (!start) return;
  master.next_descriptor = master.table;
  master.left = 0;
  master.last = false;
  master.status |= kActive;
  channels_[channel]->dma_started();
}

REGISTER_DEVICE(PiixIde);

}  // namespace vireo::hw
