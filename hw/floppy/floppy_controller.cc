// The 82077AA's registers and all commands but those that move data.

#include "hw/floppy/floppy_controller.h"

#include <fmt/format.h>

#include <algorithm>

#include "util/log.h"

namespace vireo::hw {
namespace {

using core::field;
using core::Space;

enum Output : uint8_t { kSelect = 0x03, kNotReset = 0x04, kDmaGate = 0x08 };
enum MainStatus : uint8_t {
  kBusy = 0x10,
  kNonDma = 0x20,
  kToHost = 0x40,
  kReady = 0x80,
};
enum Status0 : uint8_t { kAbnormal = 0x40, kInvalid = 0x80, kSeekEnd = 0x20, kCheck = 0x10 };
enum Status3 : uint8_t { kTwoSided = 0x08, kTrack0 = 0x10, kAlways = 0x20, kProtected = 0x40 };
constexpr uint8_t kSoftReset = 0x80;
constexpr uint8_t kDiskChanged = 0x80;
constexpr uint8_t kVersion = 0x90;  // 82077AA, or another that knows its commands
constexpr unsigned kMostTracks = 85;
constexpr unsigned kRecalibrateSteps = 79;

}  // namespace

const FloppyController::Command FloppyController::kCommands[] = {
    {0x9f, 0x02, 8, &FloppyController::run_read_track},
    {0xff, 0x03, 2, &FloppyController::run_specify},
    {0xff, 0x04, 1, &FloppyController::run_sense_drive},
    {0x1f, 0x05, 8, &FloppyController::run_write},
    {0x1f, 0x06, 8, &FloppyController::run_read},
    {0xff, 0x07, 1, &FloppyController::run_recalibrate},
    {0xff, 0x08, 0, &FloppyController::run_sense_interrupt},
    {0x1f, 0x09, 8, &FloppyController::run_write},  // deleted data; images know no such marks
    {0xbf, 0x0a, 1, &FloppyController::run_read_id},
    {0x1f, 0x0c, 8, &FloppyController::run_read},
    {0xbf, 0x0d, 5, &FloppyController::run_format},
    {0xff, 0x0e, 0, &FloppyController::run_dump},
    {0xff, 0x0f, 2, &FloppyController::run_seek},
    {0xff, 0x10, 0, &FloppyController::run_version},
    {0xff, 0x12, 1, &FloppyController::run_perpendicular},
    {0xff, 0x13, 3, &FloppyController::run_configure},
    {0x7f, 0x14, 0, &FloppyController::run_lock},
    {0x1f, 0x16, 8, &FloppyController::run_verify},
    {0xbf, 0x8f, 2, &FloppyController::run_relative_seek},
};

void FloppyController::describe(core::Description<FloppyController>& d) {
  d.type("isa-fdc", "floppy disk controller with up to two drives");
  d.bus("isa");
  d.property("iobase", &FloppyController::iobase_, "first I/O port");
  d.property("irq", &FloppyController::irq_number_, "interrupt");
  d.property("dma", &FloppyController::dma_channel_, "DMA channel, 0 to 3");
  d.property("driveA", &FloppyController::drive_a_, "the disk in the first drive");
  d.property("driveB", &FloppyController::drive_b_, "the disk in the second drive");
  d.interrupt("irq", &FloppyController::irq_);
  d.registers("", Space::ports, 2, "DOR", &FloppyController::read_output,
              &FloppyController::write_output);
  d.registers("", Space::ports, 3, "TDR", &FloppyController::read_tape,
              &FloppyController::write_tape);
  d.registers("", Space::ports, 4, "MSR", &FloppyController::read_status,
              &FloppyController::write_rate_select);
  d.registers("", Space::ports, 5, "FIFO", &FloppyController::read_fifo,
              &FloppyController::write_fifo);
  // Apart, for the port between is the disk controller's.
  d.registers("input", Space::ports, 0, "DIR", &FloppyController::read_input,
              &FloppyController::write_configuration);
  d.state(&FloppyController::regs_, 1, field("output", &Regs::output), field("tape", &Regs::tape),
          field("rate", &Regs::rate).max(3),
          field("phase", &Regs::phase).max(static_cast<uint64_t>(Phase::result)),
          field("fifo", &Regs::fifo), field("length", &Regs::length).max(kFifo),
          field("position", &Regs::position).max(kFifo), field("interrupt", &Regs::interrupt),
          field("reset-senses", &Regs::reset_senses).max(4), field("seek-ended", &Regs::seek_ended),
          field("seek-status", &Regs::seek_status), field("seeking", &Regs::seeking).max(0x0f),
          field("timing", &Regs::timing), field("configuration", &Regs::configuration),
          field("locked", &Regs::locked), field("perpendicular", &Regs::perpendicular),
          field("drives", &Regs::drives, field("track", &DriveState::track).max(kMostTracks),
                field("changed", &DriveState::changed)));
  d.state("transfer", &FloppyController::transfer_, 1,
          field("direction", &Transfer::direction).max(static_cast<uint64_t>(Direction::format)),
          field("io", &Transfer::io).max(static_cast<uint64_t>(Io::write)),
          field("drive", &Transfer::drive).max(3), field("cylinder", &Transfer::cylinder),
          field("head", &Transfer::head).max(1), field("sector", &Transfer::sector).min(1),
          field("last-sector", &Transfer::last_sector).min(1),
          field("both-heads", &Transfer::both_heads), field("verify", &Transfer::verify),
          field("terminal-count", &Transfer::terminal_count),
          field("buffer", &Transfer::buffer).max(kMaxTrack),
          field("position", &Transfer::position).max(kMaxTrack));
}

// Life.

util::Status FloppyController::on_realize() {
  for (unsigned drive = 0; drive < kDrives; ++drive) {
    const block::Drive* const disk = medium(drive);
    if (disk == nullptr || format(drive) != nullptr) continue;
    return util::Error(util::ErrorCode::kInvalidArgument,
                       fmt::format("drive '{}' has {} bytes, which no floppy disk has; images are "
                                   "of 160, 180, 320, 360, 720, 1200, 1440, 1680 or 2880 KiB",
                                   disk->id(), disk->size()));
  }
  if (dma_channel_ > 3) {
    return util::Error(util::ErrorCode::kInvalidArgument,
                       fmt::format("{}: dma={} is none of 0 to 3", label(), dma_channel_));
  }
  VIREO_TRY(connect_isa_irq(*this, irq_, irq_number_));
  map_ports(iobase_);
  map_region("input", iobase_ + 7u);
  restart_timer_.attach(environment().timers, [this] { launch_io(); });
  const auto* const isa = dynamic_cast<IsaBus*>(bus());
  if (isa != nullptr && isa->dma() != nullptr) isa->dma()->set_slave(dma_channel_, this);
  return {};
}

void FloppyController::on_unrealize() {
  restart_timer_.cancel();
  abandon_transfer();
  const auto* const isa = dynamic_cast<IsaBus*>(bus());
  if (isa != nullptr && isa->dma() != nullptr) isa->dma()->set_slave(dma_channel_, nullptr);
}

void FloppyController::on_reset() { abandon_transfer(); }

util::Status FloppyController::after_load() {
  if (request_) abandon_transfer();
  const Transfer& t = transfer_;
  const FloppyFormat* const layout = format(t.drive);
  const bool running = regs_.phase == Phase::execution;
  const bool fits = t.position <= t.buffer.size() && regs_.position <= regs_.length &&
                    (running ? layout != nullptr && t.cylinder < layout->tracks &&
                                   t.sector <= layout->sectors && t.last_sector <= layout->sectors
                             : t.io == Io::none);
  if (fits) return {};
  return util::Error(util::ErrorCode::kCorrupt, "the command at work makes no sense");
}

void FloppyController::sync_outputs() {
  irq_.set(regs_.interrupt && (regs_.output & kDmaGate));
  restart_timer_.arm(transfer_.io != Io::none && !request_ ? 0 : -1);
}

FloppyType FloppyController::drive_type(unsigned index) const {
  const FloppyFormat* const layout = format(index);
  return layout != nullptr ? layout->drive : FloppyType::none;
}

// Registers.

bool FloppyController::in_reset() const { return !(regs_.output & kNotReset); }

void FloppyController::set_interrupt(bool on) {
  regs_.interrupt = on;
  sync_outputs();
}

void FloppyController::soft_reset() {
  abandon_transfer();
  regs_.phase = Phase::command;
  regs_.length = regs_.position = 0;
  regs_.seek_ended = false;
  regs_.seeking = 0;
  if (!regs_.locked) regs_.configuration = {};
  regs_.perpendicular = 0;
  regs_.reset_senses = 0;
  set_interrupt(false);
}

// As if the ready line of each drive had changed, which polling finds (5.1).
void FloppyController::leave_reset() {
  regs_.reset_senses = 4;
  set_interrupt(true);
}

void FloppyController::write_output(uint8_t value) {
  const bool was_in_reset = in_reset();
  regs_.output = value;
  if (in_reset()) return soft_reset();
  if (was_in_reset) leave_reset();
  sync_outputs();
}

void FloppyController::write_rate_select(uint8_t value) {
  regs_.rate = value & 3;
  if (!(value & kSoftReset) || in_reset()) return;
  soft_reset();
  leave_reset();
}

uint8_t FloppyController::read_status() const {
  if (in_reset()) return 0;
  uint8_t status = regs_.seeking;
  switch (regs_.phase) {
    case Phase::command:
      return static_cast<uint8_t>(status | kReady | (regs_.length != 0 ? kBusy : 0));
    case Phase::result:
      return status | kReady | kToHost | kBusy;
    case Phase::execution:
      status |= kBusy;
      if (!programmed_io()) return status;
      status |= kNonDma;
      if (data_ready()) status |= kReady;
      return transfer_.direction == Direction::read ? status | kToHost : status;
  }
  return status;
}

uint8_t FloppyController::read_input() const {
  const unsigned drive = regs_.output & kSelect;
  return drive < kDrives && regs_.drives[drive].changed ? kDiskChanged : 0;
}

uint8_t FloppyController::read_fifo() {
  if (in_reset()) return 0;
  if (regs_.phase == Phase::execution) return read_data_byte();
  if (regs_.phase != Phase::result) return 0;
  const uint8_t value = regs_.fifo[regs_.position++ % kFifo];
  if (regs_.position >= regs_.length) {
    regs_.phase = Phase::command;
    regs_.length = regs_.position = 0;
  }
  if (regs_.interrupt) set_interrupt(false);
  return value;
}

const FloppyController::Command* FloppyController::command() const {
  for (const Command& row : kCommands) {
    if ((regs_.fifo[0] & row.mask) == row.code) return &row;
  }
  return nullptr;
}

void FloppyController::write_fifo(uint8_t value) {
  if (in_reset()) return;
  if (regs_.phase == Phase::execution) return write_data_byte(value);
  if (regs_.phase != Phase::command) return;
  regs_.fifo[regs_.length++ % kFifo] = value;
  const Command* const row = command();
  if (row == nullptr) return invalid();
  if (regs_.length <= row->parameters) return;
  (this->*row->run)();
}

// Commands.

/// The result phase; an empty result means none.
void FloppyController::finish(std::span<const uint8_t> result) {
  std::ranges::copy(result.first(std::min(result.size(), kFifo)), regs_.fifo.begin());
  regs_.length = static_cast<uint8_t>(result.size());
  regs_.position = 0;
  regs_.phase = result.empty() ? Phase::command : Phase::result;
}

void FloppyController::invalid() {
  util::log(util::kLogGuestErrors, "{}: no command {:#04x}", label(), regs_.fifo[0]);
  const uint8_t result[] = {kInvalid};
  finish(result);
}

void FloppyController::run_specify() {
  regs_.timing = {regs_.fifo[1], regs_.fifo[2]};
  finish({});
}

void FloppyController::run_sense_drive() {
  const unsigned drive = regs_.fifo[1] & 3;
  uint8_t status = static_cast<uint8_t>(kAlways | kTwoSided | (regs_.fifo[1] & 7));
  if (drive < kDrives && regs_.drives[drive].track == 0) status |= kTrack0;
  if (medium(drive) != nullptr && medium(drive)->read_only()) status |= kProtected;
  const uint8_t result[] = {status};
  finish(result);
}

void FloppyController::move_to(unsigned drive, unsigned track) {
  DriveState& state = regs_.drives[drive];
  // A step pulse clears the line that tells of a change, if a disk is in.
  if (state.track != track && medium(drive) != nullptr) state.changed = false;
  state.track = static_cast<uint8_t>(std::min(track, kMostTracks));
}

void FloppyController::end_seek(uint8_t status) {
  regs_.seek_ended = true;
  regs_.seek_status = static_cast<uint8_t>(status | kSeekEnd | (regs_.fifo[1] & 7));
  regs_.seeking |= static_cast<uint8_t>(1u << (regs_.fifo[1] & 3));
  finish({});
  set_interrupt(true);
}

// The command gives up after 79 steps (5.2.3); an absent drive never reports track 0.
void FloppyController::run_recalibrate() {
  const unsigned drive = regs_.fifo[1] & 3;
  regs_.fifo[1] &= 3;
  const unsigned from = regs_.drives[drive].track;
  move_to(drive, from > kRecalibrateSteps ? from - kRecalibrateSteps : 0);
  const bool arrived = medium(drive) != nullptr && regs_.drives[drive].track == 0;
  end_seek(arrived ? 0 : kAbnormal | kCheck);
}

void FloppyController::run_seek() {
  move_to(regs_.fifo[1] & 3, regs_.fifo[2]);
  end_seek(0);
}

void FloppyController::run_relative_seek() {
  const unsigned drive = regs_.fifo[1] & 3;
  const unsigned from = regs_.drives[drive].track;
  const unsigned steps = regs_.fifo[2];
  const bool inward = regs_.fifo[0] & 0x40;
  move_to(drive, inward ? from + steps : from - std::min(from, steps));
  end_seek(0);
}

void FloppyController::run_sense_interrupt() {
  uint8_t status = 0;
  if (regs_.reset_senses != 0) {
    status = static_cast<uint8_t>(0xc0 | (4 - regs_.reset_senses--));
  } else if (regs_.seek_ended) {
    status = regs_.seek_status;
    regs_.seek_ended = false;
    regs_.seeking = 0;
  } else {
    return invalid();
  }
  const uint8_t result[] = {status, regs_.drives[status & 3].track};
  finish(result);
  set_interrupt(false);
}

void FloppyController::run_dump() {
  const uint8_t result[] = {
      regs_.drives[0].track,  regs_.drives[1].track,
      regs_.drives[2].track,  regs_.drives[3].track,
      regs_.timing[0],        regs_.timing[1],
      transfer_.last_sector,  static_cast<uint8_t>((regs_.locked ? 0x80 : 0) | regs_.perpendicular),
      regs_.configuration[0], regs_.configuration[1]};
  finish(result);
}

void FloppyController::run_version() {
  const uint8_t result[] = {kVersion};
  finish(result);
}

void FloppyController::run_perpendicular() {
  regs_.perpendicular = regs_.fifo[1] & 0x3f;
  finish({});
}

void FloppyController::run_configure() {
  regs_.configuration = {regs_.fifo[2], regs_.fifo[3]};
  finish({});
}

void FloppyController::run_lock() {
  regs_.locked = regs_.fifo[0] & 0x80;
  const uint8_t result[] = {static_cast<uint8_t>(regs_.locked ? 0x10 : 0)};
  finish(result);
}

REGISTER_DEVICE(FloppyController);

}  // namespace vireo::hw
