// ATA disks: the command set of ATA/ATAPI-6, chapter 8.

#include "hw/ide/ide_hd.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

namespace vireo::hw {
namespace {

using core::field;

constexpr uint8_t kMaxMultiple = 16;
constexpr uint64_t kMaxLba28 = 0x0fffffff;
constexpr uint16_t kMaxCylinders = 16383;
constexpr uint8_t kPhysicalHeads = 16;
constexpr uint8_t kPhysicalSectors = 63;

enum Subcommand : uint8_t {
  kEnableWriteCache = 0x02,
  kSetTransferMode = 0x03,
  kDisableReadAhead = 0x55,
  kDisableRevert = 0x66,
  kDisableWriteCache = 0x82,
  kEnableReadAhead = 0xaa,
  kEnableRevert = 0xcc,
};

}  // namespace

const IdeHd::Command IdeHd::kCommands[] = {
    {0x10, false, &IdeHd::succeed},  // RECALIBRATE
    {0x20, false, &IdeHd::read_sectors},
    {0x21, false, &IdeHd::read_sectors},
    {0x24, true, &IdeHd::read_sectors},
    {0x25, true, &IdeHd::read_dma},
    {0x27, true, &IdeHd::read_native_max},
    {0x29, true, &IdeHd::read_multiple},
    {0x30, false, &IdeHd::write_sectors},
    {0x31, false, &IdeHd::write_sectors},
    {0x34, true, &IdeHd::write_sectors},
    {0x35, true, &IdeHd::write_dma},
    {0x39, true, &IdeHd::write_multiple},
    {0x40, false, &IdeHd::verify},
    {0x41, false, &IdeHd::verify},
    {0x42, true, &IdeHd::verify},
    {0x70, false, &IdeHd::succeed},  // SEEK
    {0x91, false, &IdeHd::initialize_parameters},
    {0x94, false, &IdeHd::succeed},  // STANDBY IMMEDIATE, IDLE IMMEDIATE, STANDBY, IDLE, by their
    {0x95, false, &IdeHd::succeed},  // old and new codes, and SLEEP
    {0x96, false, &IdeHd::succeed},
    {0x97, false, &IdeHd::succeed},
    {0x98, false, &IdeHd::check_power},
    {0x99, false, &IdeHd::succeed},
    {0xc4, false, &IdeHd::read_multiple},
    {0xc5, false, &IdeHd::write_multiple},
    {0xc6, false, &IdeHd::set_multiple},
    {0xc8, false, &IdeHd::read_dma},
    {0xc9, false, &IdeHd::read_dma},
    {0xca, false, &IdeHd::write_dma},
    {0xcb, false, &IdeHd::write_dma},
    {0xe0, false, &IdeHd::succeed},
    {0xe1, false, &IdeHd::succeed},
    {0xe2, false, &IdeHd::succeed},
    {0xe3, false, &IdeHd::succeed},
    {0xe5, false, &IdeHd::check_power},
    {0xe6, false, &IdeHd::succeed},
    {0xe7, false, &IdeHd::flush},
    {0xea, true, &IdeHd::flush},
    {0xec, false, &IdeHd::identify},
    {0xef, false, &IdeHd::set_features},
    {0xf8, false, &IdeHd::read_native_max},
};

void IdeHd::describe(core::Description<IdeHd>& d) {
  d.type("ide-hd", "ATA disk");
  describe_drive(d);
  d.state(&IdeHd::state_, 1, field("multiple", &State::multiple).max(kMaxMultiple),
          field("heads", &State::heads).min(1).max(16),
          field("sectors-per-track", &State::sectors_per_track).min(1),
          field("write-cache", &State::write_cache));
}

util::Status IdeHd::on_drive_realize() {
  const auto error = [this](std::string_view text) {
    return util::Error(util::ErrorCode::kInvalidArgument, fmt::format("{}: {}", label(), text));
  };
  if (!drive_) return error("the property 'drive' has to name a drive");
  if (!drive_->has_medium()) return error(fmt::format("drive '{}' is empty", drive_->id()));
  if (drive_->read_only()) {
    return error(fmt::format("drive '{}' is read-only, which an ATA disk cannot be", drive_->id()));
  }
  return {};
}

void IdeHd::on_drive_reset() { state_ = {}; }

void IdeHd::run_command(uint8_t command) {
  const auto* const found = std::ranges::find(kCommands, command, &Command::opcode);
  if (found == std::end(kCommands)) return abort();
  extended_ = found->extended;
  (this->*found->run)();
}

void IdeHd::abort(uint8_t error) {
  regs_.error = error;
  complete(kAtaReady | kAtaSeekComplete | kAtaCheck, /*interrupt=*/true);
}

void IdeHd::transfer_done() {
  // The last block of PIO input had its interrupt when it was offered.
  complete(kAtaReady | kAtaSeekComplete, transfer_.mode != Mode::pio_in);
}

void IdeHd::io_failed(bool write) { abort(write ? kAtaAborted : kAtaUncorrectable); }

// Addresses.

uint16_t IdeHd::cylinders() const {
  const uint64_t tracks = uint64_t{state_.heads} * state_.sectors_per_track;
  return static_cast<uint16_t>(std::min<uint64_t>(total_sectors() / tracks, kMaxCylinders));
}

uint32_t IdeHd::sector_count() const {
  if (!extended_) return reg(kAtaCount) ? reg(kAtaCount) : 256;
  const uint32_t count = uint32_t{previous_reg(kAtaCount)} << 8 | reg(kAtaCount);
  return count ? count : 65536;
}

bool IdeHd::first_sector(uint64_t& sector) const {
  const uint32_t low = reg(kAtaLow) | uint32_t{reg(kAtaMid)} << 8 | uint32_t{reg(kAtaHigh)} << 16;
  if (extended_) {
    const uint64_t high = previous_reg(kAtaLow) | uint64_t{previous_reg(kAtaMid)} << 8 |
                          uint64_t{previous_reg(kAtaHigh)} << 16;
    sector = high << 24 | low;
    return true;
  }
  const uint32_t head = regs_.device & 0x0f;
  if (regs_.device & kAtaDeviceLba) {
    sector = head << 24 | low;
    return true;
  }
  const uint32_t cylinder = low >> 8;
  if (reg(kAtaLow) == 0 || reg(kAtaLow) > state_.sectors_per_track || head >= state_.heads) {
    return false;
  }
  sector = (uint64_t{cylinder} * state_.heads + head) * state_.sectors_per_track + reg(kAtaLow) - 1;
  return true;
}

bool IdeHd::range(uint64_t& offset, uint64_t& length) {
  uint64_t sector = 0;
  const uint32_t count = sector_count();
  if (!first_sector(sector) || sector + count > total_sectors()) {
    abort(kAtaIdNotFound);
    return false;
  }
  offset = sector * 512;
  length = uint64_t{count} * 512;
  return true;
}

// Commands.

void IdeHd::start(Mode mode, uint32_t block_size) {
  uint64_t offset = 0, length = 0;
  if (!range(offset, length)) return;
  if (mode == Mode::pio_in || mode == Mode::dma_in) {
    read_medium(mode, offset, length, block_size);
  } else {
    write_medium(mode, offset, length, block_size);
  }
}

void IdeHd::read_multiple() {
  if (state_.multiple == 0) return abort();
  start(Mode::pio_in, state_.multiple * 512u);
}

void IdeHd::write_multiple() {
  if (state_.multiple == 0) return abort();
  start(Mode::pio_out, state_.multiple * 512u);
}

void IdeHd::verify() {
  uint64_t offset = 0, length = 0;
  if (range(offset, length)) succeed();
}

void IdeHd::set_multiple() {
  const uint8_t count = reg(kAtaCount);
  if (count > kMaxMultiple || (count & (count - 1))) return abort();
  state_.multiple = count;
  succeed();
}

void IdeHd::initialize_parameters() {
  if (reg(kAtaCount) == 0) return abort();
  state_.heads = static_cast<uint8_t>((regs_.device & 0x0f) + 1);
  state_.sectors_per_track = reg(kAtaCount);
  succeed();
}

void IdeHd::check_power() {
  reg(kAtaCount) = 0xff;  // active or idle
  succeed();
}

void IdeHd::read_native_max() {
  if (!(regs_.device & kAtaDeviceLba)) return abort();
  const uint64_t all = total_sectors() - 1;
  const uint64_t last = extended_ ? all : std::min(all, kMaxLba28);
  for (unsigned i = 0; i < 3; ++i) {
    regs_.address[i + 1] = static_cast<uint8_t>(last >> 8 * i);
    if (extended_) regs_.previous[i + 1] = static_cast<uint8_t>(last >> (24 + 8 * i));
  }
  if (!extended_) {
    regs_.device = static_cast<uint8_t>((regs_.device & 0xf0) | ((last >> 24) & 0x0f));
  }
  succeed();
}

void IdeHd::set_features() {
  switch (regs_.feature) {
    case kSetTransferMode:
      return set_transfer_mode(reg(kAtaCount)) ? succeed() : abort();
    case kEnableWriteCache:
      state_.write_cache = true;
      return succeed();
    case kDisableWriteCache:
      state_.write_cache = false;
      return flush_medium();
    case kEnableReadAhead:
    case kDisableReadAhead:
    case kEnableRevert:
    case kDisableRevert:
      return succeed();
    default:
      return abort();
  }
}

void IdeHd::identify() {
  std::array<uint16_t, 256> words{};
  const uint64_t sectors = total_sectors();
  const auto put32 = [&](unsigned at, uint64_t value) {
    words[at] = static_cast<uint16_t>(value);
    words[at + 1] = static_cast<uint16_t>(value >> 16);
  };
  identify_common(words);
  words[0] = 0x0040;  // not removable
  words[1] = static_cast<uint16_t>(
      std::min<uint64_t>(sectors / (kPhysicalHeads * kPhysicalSectors), kMaxCylinders));
  words[3] = kPhysicalHeads;
  words[6] = kPhysicalSectors;
  words[47] = 0x8000 | kMaxMultiple;
  words[54] = cylinders();
  words[55] = state_.heads;
  words[56] = state_.sectors_per_track;
  put32(57, uint64_t{cylinders()} * state_.heads * state_.sectors_per_track);
  words[59] = static_cast<uint16_t>(state_.multiple ? 0x100 | state_.multiple : 0);
  put32(60, std::min(sectors, kMaxLba28));
  words[82] = 0x4060;  // NOP, look-ahead, write cache
  words[83] = 0x7400;  // FLUSH CACHE and EXT, 48-bit addresses
  words[84] = 0x4000;
  words[85] = static_cast<uint16_t>(0x4040 | (state_.write_cache ? 0x20 : 0));
  words[86] = 0x3400;
  words[87] = 0x4000;
  put32(100, sectors);
  put32(102, sectors >> 32);
  reply_words(words);
}

REGISTER_DEVICE(IdeHd);

}  // namespace vireo::hw
