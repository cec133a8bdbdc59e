// The 82077AA's commands that move data between the disk and memory, or the FIFO.

#include <algorithm>
#include <utility>

#include "hw/floppy/floppy_controller.h"
#include "util/log.h"

namespace vireo::hw {
namespace {

constexpr uint32_t kSectorSize = 512;
constexpr uint8_t kSizeCode = 2;  // 128 << 2 bytes

constexpr uint8_t kMultiTrack = 0x80;  // bits of a command
constexpr uint8_t kDoubleDensity = 0x40;
constexpr uint8_t kImpliedSeek = 0x40;  // of CONFIGURE
constexpr uint8_t kAbnormal = 0x40;     // ST0
enum Status1 : uint8_t {
  kNoAddressMark = 0x01,
  kNotWritable = 0x02,
  kNoData = 0x04,
  kDataError = 0x20,
  kEndOfCylinder = 0x80
};
constexpr uint8_t kWrongCylinder = 0x10;  // ST2
// Parameters of the commands that move data.
enum Parameter : uint8_t { kUnit = 1, kCylinder, kHead, kSector, kSize, kLastSector };
enum FormatParameter : uint8_t { kFormatSize = 2, kFormatCount = 3, kFormatFiller = 5 };

}  // namespace

// A request to the disk; `owner` is null once the controller has forgotten it.
struct FloppyController::Request {
  FloppyController* owner;
  std::vector<uint8_t> bytes;
};

block::Drive* FloppyController::medium(unsigned drive) const {
  block::Drive* const disk = drive == 0 ? drive_a_.get() : drive == 1 ? drive_b_.get() : nullptr;
  return disk != nullptr && disk->has_medium() ? disk : nullptr;
}

const FloppyFormat* FloppyController::format(unsigned drive) const {
  const block::Drive* const disk = medium(drive);
  return disk != nullptr ? find_floppy_format(disk->size()) : nullptr;
}

// Start.

/// What all commands that look for something on a track need; they fail here without it.
bool FloppyController::check_access(Direction direction) {
  const unsigned drive = regs_.fifo[kUnit] & 3;
  const unsigned head = regs_.fifo[kUnit] >> 2 & 1;
  const FloppyFormat* const layout = format(drive);
  transfer_ = {.direction = direction,
               .drive = static_cast<uint8_t>(drive),
               .cylinder = regs_.drives[drive].track,
               .head = static_cast<uint8_t>(head)};
  const bool readable = layout != nullptr && layout->rate == regs_.rate &&
                        (regs_.fifo[0] & kDoubleDensity) && head < layout->heads &&
                        regs_.drives[drive].track < layout->tracks;
  if (!readable) {
    fail(kNoAddressMark);
  } else if (direction != Direction::read && medium(drive)->read_only()) {
    fail(kNotWritable);
  } else {
    return true;
  }
  return false;
}

void FloppyController::fail(uint8_t status1, uint8_t status2) {
  const Transfer& t = transfer_;
  const uint8_t result[] = {static_cast<uint8_t>(kAbnormal | t.head << 2 | t.drive),
                            status1,
                            status2,
                            t.cylinder,
                            t.head,
                            t.sector,
                            kSizeCode};
  finish(result);
  set_interrupt(true);
}

void FloppyController::start(Direction direction, bool verify) {
  const auto& fifo = regs_.fifo;
  if (regs_.configuration[0] & kImpliedSeek) move_to(fifo[kUnit] & 3, fifo[kCylinder]);
  if (!check_access(direction)) return;
  const FloppyFormat& layout = *format(transfer_.drive);
  transfer_.sector = std::max<uint8_t>(fifo[kSector], 1);
  transfer_.last_sector = std::clamp<uint8_t>(fifo[kLastSector], 1, layout.sectors);
  transfer_.both_heads = (fifo[0] & kMultiTrack) && layout.heads > 1;
  transfer_.verify = verify;
  const bool found = fifo[kHead] == transfer_.head && fifo[kSize] == kSizeCode &&
                     fifo[kSector] != 0 && fifo[kSector] <= layout.sectors;
  if (fifo[kCylinder] != transfer_.cylinder) return fail(kNoData, kWrongCylinder);
  if (!found) return fail(kNoData);
  // Beyond EOT nothing stops it before the track's end.
  transfer_.last_sector = std::max(transfer_.last_sector, transfer_.sector);
  regs_.phase = Phase::execution;
  begin_track();
}

// Sectors in physical order, whatever their number: the first is the one behind the index hole.
void FloppyController::run_read_track() {
  regs_.fifo[kSector] = 1;
  start(Direction::read);
}

void FloppyController::run_verify() { start(Direction::read, /*verify=*/true); }

void FloppyController::run_read_id() {
  if (!check_access(Direction::read)) return;
  end_transfer(0, 0);
}

// The host gives cylinder, head, number and size of each sector; images have them in order.
void FloppyController::run_format() {
  if (!check_access(Direction::format)) return;
  const FloppyFormat& layout = *format(transfer_.drive);
  if (regs_.fifo[kFormatSize] != kSizeCode || regs_.fifo[kFormatCount] == 0 ||
      regs_.fifo[kFormatCount] > layout.sectors) {
    return fail(kNoData);
  }
  transfer_.last_sector = layout.sectors;
  transfer_.buffer.resize(size_t{regs_.fifo[kFormatCount]} * 4);
  regs_.phase = Phase::execution;
  if (programmed_io()) set_interrupt(true);
  continue_transfer();
}

// Execution.

void FloppyController::begin_track() {
  Transfer& t = transfer_;
  const size_t bytes = size_t{kSectorSize} * (t.last_sector - t.sector + 1u);
  t.buffer.assign(bytes, 0);
  t.position = 0;
  if (t.direction == Direction::read) {
    t.io = Io::read;
    return launch_io();
  }
  if (programmed_io()) set_interrupt(true);
  continue_transfer();
}

void FloppyController::dma_ready() { continue_transfer(); }

void FloppyController::continue_transfer() {
  if (regs_.phase == Phase::execution && transfer_.io == Io::none && !programmed_io()) {
    move_by_dma();
  }
}

void FloppyController::move_by_dma() {
  Transfer& t = transfer_;
  const auto* const isa = dynamic_cast<IsaBus*>(bus());
  if (isa == nullptr || isa->dma() == nullptr) return;
  bool terminal_count = false;
  t.position += static_cast<uint32_t>(
      isa->dma()->transfer(dma_channel_, t.buffer.data() + t.position, t.buffer.size() - t.position,
                           t.direction == Direction::read, terminal_count));
  t.terminal_count = terminal_count;
  if (terminal_count || t.position == t.buffer.size()) host_is_done();
}

/// The host has given or taken what it wants of this track.
void FloppyController::host_is_done() {
  Transfer& t = transfer_;
  if (t.direction == Direction::read) return track_done();
  if (t.direction == Direction::format) {
    const FloppyFormat& layout = *format(t.drive);
    t.buffer.assign(size_t{kSectorSize} * layout.sectors, regs_.fifo[kFormatFiller]);
    t.position = static_cast<uint32_t>(t.buffer.size());
    t.terminal_count = true;
  }
  // The rest of a sector that was begun is written as zeros.
  const uint32_t sectors = (t.position + kSectorSize - 1) / kSectorSize;
  t.buffer.resize(size_t{sectors} * kSectorSize);
  if (sectors == 0) return track_done();
  t.io = Io::write;
  launch_io();
}

void FloppyController::track_done() {
  Transfer& t = transfer_;
  const uint32_t sectors = (t.position + kSectorSize - 1) / kSectorSize;
  t.sector = static_cast<uint8_t>(t.sector + sectors);
  const bool at_end = t.sector > t.last_sector;
  if (t.terminal_count || (at_end && t.verify && !(t.both_heads && t.head == 0))) {
    return end_transfer(0, 0);
  }
  if (at_end && t.both_heads && t.head == 0) {
    t.head = 1;
    t.sector = 1;
    return begin_track();
  }
  end_transfer(kAbnormal, kEndOfCylinder);
}

// The result names the sector after the last one (table 5-6).
void FloppyController::end_transfer(uint8_t status0, uint8_t status1) {
  Transfer& t = transfer_;
  const uint8_t head = t.head;
  if (t.sector > t.last_sector) {
    t.sector = 1;
    if (!t.both_heads || t.head == 1) ++t.cylinder;
    if (t.both_heads) t.head ^= 1;
  }
  const uint8_t result[] = {static_cast<uint8_t>(status0 | head << 2 | t.drive),
                            status1,
                            0,
                            t.cylinder,
                            t.head,
                            t.sector,
                            kSizeCode};
  finish(result);
  set_interrupt(true);
}

void FloppyController::abandon_transfer() {
  if (request_) request_->owner = nullptr;
  request_.reset();
  transfer_.io = Io::none;
}

// Disk requests.

uint64_t FloppyController::medium_offset(unsigned sector) const {
  const FloppyFormat& layout = *format(transfer_.drive);
  const uint64_t track = uint64_t{transfer_.cylinder} * layout.heads + transfer_.head;
  return (track * layout.sectors + sector - 1) * kSectorSize;
}

void FloppyController::launch_io() {
  auto request = std::make_shared<Request>(Request{this, transfer_.buffer});
  request_ = request;
  const bool write = transfer_.io == Io::write;
  medium(transfer_.drive)
      ->submit({.kind = write ? block::DriveRequest::Kind::write : block::DriveRequest::Kind::read,
                .offset = medium_offset(transfer_.sector),
                .buffers = {std::as_writable_bytes(std::span(request->bytes))},
                .done = [request](util::Status status) {
                  if (request->owner != nullptr) request->owner->io_done(status, request->bytes);
                }});
}

void FloppyController::io_done(const util::Status& status, std::vector<uint8_t>& bytes) {
  request_.reset();
  const Io io = std::exchange(transfer_.io, Io::none);
  if (!status) {
    util::log(util::kLogGuestErrors, "{}: {}", label(), status.error().message());
    return fail(kDataError);
  }
  if (io == Io::write) return track_done();
  transfer_.buffer = std::move(bytes);
  if (transfer_.verify) {
    transfer_.position = static_cast<uint32_t>(transfer_.buffer.size());
    return track_done();
  }
  if (programmed_io()) set_interrupt(true);
  continue_transfer();
}

// Without DMA, bytes go through the FIFO.

bool FloppyController::data_ready() const {
  return transfer_.io == Io::none && transfer_.position < transfer_.buffer.size();
}

uint8_t FloppyController::read_data_byte() {
  Transfer& t = transfer_;
  if (!programmed_io() || t.direction != Direction::read || !data_ready()) return 0;
  const uint8_t value = t.buffer[t.position++];
  if (t.position == t.buffer.size()) host_is_done();
  return value;
}

void FloppyController::write_data_byte(uint8_t value) {
  Transfer& t = transfer_;
  if (!programmed_io() || t.direction == Direction::read || !data_ready()) return;
  t.buffer[t.position++] = value;
  if (t.position == t.buffer.size()) host_is_done();
}

}  // namespace vireo::hw
