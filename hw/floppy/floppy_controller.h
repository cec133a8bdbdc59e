#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "block/drive.h"
#include "core/clock/timer.h"
#include "core/device/backend_ref.h"
#include "core/device/description.h"
#include "hw/floppy/floppy_format.h"
#include "hw/isa/isa_bus.h"

namespace vireo::hw {

/// The 82077AA floppy disk controller at 3F0h, IRQ 6, DMA channel 2 (Intel data sheet 290166), with
/// two drives whose disks stay in. Seeks and searches take no time. Scans, and sectors of another
/// size than 512 bytes, are not there.
class FloppyController final : public core::Device, public IsaDmaSlave {
 public:
  static constexpr unsigned kDrives = 2;

  static void describe(core::Description<FloppyController>& d);

  /// For CMOS: what drive `index` is.
  FloppyType drive_type(unsigned index) const;

  void dma_ready() override;

 protected:
  util::Status on_realize() override;
  void on_unrealize() override;
  void on_reset() override;
  util::Status after_load() override;
  void sync_outputs() override;

 private:
  static constexpr size_t kFifo = 16;
  static constexpr uint32_t kMaxTrack = 36 * 512;

  enum class Phase : uint8_t { command, execution, result };
  enum class Direction : uint8_t { read, write, format };
  enum class Io : uint8_t { none, read, write };

  struct DriveState {
    uint8_t track = 0;
    bool changed = true;  // since the last step pulse
  };
  struct Regs {
    uint8_t output = 0;  // DOR
    uint8_t tape = 0;    // TDR
    uint8_t rate = 2;
    Phase phase = Phase::command;
    std::array<uint8_t, kFifo> fifo{};  // a command, or a result
    uint8_t length = 0;                 // bytes of it
    uint8_t position = 0;               // bytes of the result that were read
    bool interrupt = false;
    uint8_t reset_senses = 0;  // SENSE INTERRUPTs that still tell of the reset
    bool seek_ended = false;
    uint8_t seek_status = 0;  // what ends it, as ST0
    uint8_t seeking = 0;      // a bit a drive, until sensed
    std::array<uint8_t, 2> timing{};
    std::array<uint8_t, 2> configuration{};
    bool locked = false;
    uint8_t perpendicular = 0;
    std::array<DriveState, 4> drives;
  };
  /// The execution phase of a data command; a track of one head at a time goes through the buffer.
  struct Transfer {
    Direction direction = Direction::read;
    Io io = Io::none;
    uint8_t drive = 0;
    uint8_t cylinder = 0;
    uint8_t head = 0;
    uint8_t sector = 1;       // the first of the buffer
    uint8_t last_sector = 1;  // EOT
    bool both_heads = false;
    bool verify = false;          // nothing goes to the host
    bool terminal_count = false;  // the host wants no more
    std::vector<uint8_t> buffer;
    uint32_t position = 0;
  };
  struct Command {
    uint8_t mask;
    uint8_t code;
    uint8_t parameters;
    void (FloppyController::*run)();
  };
  struct Request;
  static const Command kCommands[];

  // Registers.
  uint8_t read_output() const { return regs_.output; }
  void write_output(uint8_t value);
  uint8_t read_tape() const { return regs_.tape; }
  void write_tape(uint8_t value) { regs_.tape = value & 3; }
  uint8_t read_status() const;
  void write_rate_select(uint8_t value);
  uint8_t read_fifo();
  void write_fifo(uint8_t value);
  uint8_t read_input() const;
  void write_configuration(uint8_t value) { regs_.rate = value & 3; }

  void soft_reset();
  void leave_reset();
  void set_interrupt(bool on);
  bool in_reset() const;
  bool programmed_io() const { return regs_.timing[1] & 1; }
  const Command* command() const;

  // Commands.
  void finish(std::span<const uint8_t> result);
  void invalid();
  void end_seek(uint8_t status);
  void move_to(unsigned drive, unsigned track);
  void run_specify();
  void run_sense_drive();
  void run_recalibrate();
  void run_sense_interrupt();
  void run_seek();
  void run_relative_seek();
  void run_dump();
  void run_version();
  void run_perpendicular();
  void run_configure();
  void run_lock();
  void run_read() { start(Direction::read); }
  void run_write() { start(Direction::write); }
  void run_read_track();
  void run_verify();
  void run_read_id();
  void run_format();

  // Data (floppy_transfer.cc).
  const FloppyFormat* format(unsigned drive) const;
  block::Drive* medium(unsigned drive) const;
  void start(Direction direction, bool verify = false);
  bool check_access(Direction direction);
  void fail(uint8_t status1, uint8_t status2 = 0);
  void begin_track();
  void continue_transfer();
  void move_by_dma();
  void host_is_done();
  void track_done();
  void end_transfer(uint8_t status0, uint8_t status1);
  void abandon_transfer();
  uint64_t medium_offset(unsigned sector) const;
  void launch_io();
  void io_done(const util::Status& status, std::vector<uint8_t>& bytes);
  uint8_t read_data_byte();
  void write_data_byte(uint8_t value);
  bool data_ready() const;

  uint16_t iobase_ = 0x3f0;
  uint32_t irq_number_ = 6;
  uint32_t dma_channel_ = 2;
  core::BackendRef<block::Drive> drive_a_{"drive"};
  core::BackendRef<block::Drive> drive_b_{"drive"};
  core::IrqLine irq_;
  Regs regs_;
  Transfer transfer_;
  std::shared_ptr<Request> request_;
  core::Timer restart_timer_;  // disk I/O of a loaded state goes on when time does
};

}  // namespace vireo::hw
