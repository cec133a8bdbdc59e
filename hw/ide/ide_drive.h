#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "block/drive.h"
#include "core/clock/timer.h"
#include "core/device/backend_ref.h"
#include "core/device/description.h"
#include "hw/ide/ide_registers.h"

namespace vireo::hw {

class IdeChannel;

/// What ATA and ATAPI drives have in common: the register file, PIO and DMA transfers, and disk I/O
/// that takes its time. Transfers go through one buffer: a chunk of the medium, or a reply.
class IdeDrive : public core::Device {
 public:
  template <class D>
  static void describe_drive(core::Description<D>& d) {
    d.bus("IDE");
    d.property("drive", &IdeDrive::drive_, "the medium");
    d.property("unit", &IdeDrive::unit_, "0 or 1: master or slave; -1 for the first free one");
    d.property("serial", &IdeDrive::serial_, "up to 20 characters");
    d.property("model", &IdeDrive::model_, "up to 40 characters");
    using core::field;
    d.state("drive", &IdeDrive::regs_, 1, field("feature", &Regs::feature),
            field("error", &Regs::error), field("address", &Regs::address),
            field("previous", &Regs::previous), field("device", &Regs::device),
            field("status", &Regs::status), field("command", &Regs::command),
            field("interrupt", &Regs::interrupt), field("transfer-mode", &Regs::transfer_mode));
    d.state("transfer", &IdeDrive::transfer_, 1,
            field("mode", &Transfer::mode).max(static_cast<uint64_t>(Mode::packet)),
            field("io", &Transfer::io).max(static_cast<uint64_t>(Io::flush)),
            field("offset", &Transfer::offset), field("left", &Transfer::left),
            field("chunk", &Transfer::chunk).max(kMaxChunk),
            field("buffer", &Transfer::buffer).max(kMaxChunk),
            field("position", &Transfer::position), field("block-end", &Transfer::block_end),
            field("block-size", &Transfer::block_size).min(1).max(kMaxChunk));
  }

  int32_t unit() const { return unit_; }
  void set_unit(unsigned unit) { unit_ = static_cast<int32_t>(unit); }

  // For the channel.
  uint8_t status() const { return regs_.status; }
  bool busy() const { return regs_.status & (kAtaBusy | kAtaDataRequest); }
  bool interrupt() const { return regs_.interrupt; }
  void clear_interrupt() { regs_.interrupt = false; }
  uint8_t read_register(unsigned offset, bool previous) const;
  void write_register(unsigned offset, uint8_t value);
  uint32_t read_data(unsigned width);
  void write_data(uint32_t value, unsigned width);
  void execute(uint8_t command);
  /// Soft reset and EXECUTE DEVICE DIAGNOSTIC: drops what it does and shows its signature.
  void reset_device();
  /// The reset line of the channel went up: busy until reset_device().
  void hold_in_reset();
  void raise_interrupt();
  void dma_started() { continue_dma(); }

 protected:
  enum class Mode : uint8_t { none, pio_in, pio_out, dma_in, dma_out, packet };
  enum class Io : uint8_t { none, read, write, flush };
  static constexpr uint64_t kMaxChunk = 256 << 10;

  struct Regs {
    uint8_t feature = 0;
    uint8_t error = 0;
    std::array<uint8_t, 4> address{};   // count, LBA low, mid, high
    std::array<uint8_t, 4> previous{};  // what these held before the last write
    uint8_t device = 0;
    uint8_t status = 0;
    uint8_t command = 0;
    bool interrupt = false;
    uint8_t transfer_mode = 0;  // as SET FEATURES has it
  };
  struct Transfer {
    Mode mode = Mode::none;
    Io io = Io::none;     // the disk request that is going on
    uint64_t offset = 0;  // bytes: where on the medium the next chunk is
    uint64_t left = 0;    // bytes of the medium beyond the buffer
    uint32_t chunk = 0;   // bytes that io moves
    std::vector<uint8_t> buffer;
    uint32_t position = 0;   // the next byte of PIO
    uint32_t block_end = 0;  // where the present DRQ block ends
    uint32_t block_size = 1;
  };

  explicit IdeDrive(std::string_view model) : model_(model) {}

  uint8_t& reg(AtaRegister which) { return regs_.address[which - kAtaCount]; }
  uint8_t reg(AtaRegister which) const { return regs_.address[which - kAtaCount]; }
  uint8_t previous_reg(AtaRegister which) const { return regs_.previous[which - kAtaCount]; }

  // Ways to end a command, or its first part.
  void complete(uint8_t status, bool interrupt);
  void reply(std::span<const uint8_t> bytes, uint32_t block_size);
  /// Moves `length` bytes of the medium from `offset`, in DRQ blocks of `block_size` bytes (PIO).
  void read_medium(Mode mode, uint64_t offset, uint64_t length, uint32_t block_size);
  void write_medium(Mode mode, uint64_t offset, uint64_t length, uint32_t block_size);
  void flush_medium() { start_io(Io::flush); }
  void receive_packet(uint32_t length);
  /// The buffer goes to memory.
  void reply_by_dma(std::span<const uint8_t> bytes);
  void abort_transfer();
  bool set_transfer_mode(uint8_t mode);
  /// Words of an IDENTIFY block that are the same for all drives.
  void identify_common(std::span<uint16_t, 256> words) const;
  void reply_words(std::span<const uint16_t, 256> words);

  /// The drive's two address bytes after a reset.
  virtual uint16_t signature() const = 0;
  virtual uint8_t status_after_reset() const = 0;
  virtual void run_command(uint8_t command) = 0;
  /// All data moved.
  virtual void transfer_done() = 0;
  virtual void io_failed(bool write) = 0;
  /// A DRQ block of `length` bytes is about to be asked for or offered.
  virtual void block_begins(uint32_t length) {}
  virtual void packet_received(std::span<const uint8_t> packet) {}
  virtual util::Status on_drive_realize() { return {}; }
  virtual void on_drive_reset() {}
  /// What a soft reset changes beyond the registers.
  virtual void device_was_reset() {}
  /// Whether writes have to be flushed before they are reported.
  virtual bool writes_through() const { return false; }

  core::BackendRef<block::Drive> drive_{"drive"};
  Regs regs_;
  Transfer transfer_;

 private:
  struct Request;

  util::Status on_realize() final;
  void on_unrealize() final;
  void on_reset() final;
  util::Status after_load() final;
  void sync_outputs() final;

  IdeChannel& channel() const;
  void show_signature();
  void forget_io();
  void start_io(Io io);
  void launch_io();
  void io_done(const util::Status& status, std::vector<uint8_t>& bytes);
  void continue_pio_in();
  void begin_pio_out_chunk(bool interrupt);
  void begin_block(bool interrupt);
  void block_finished();
  void continue_dma();
  void continue_write();

  int32_t unit_ = -1;
  std::string serial_;
  std::string model_;
  std::shared_ptr<Request> request_;
  core::Timer restart_timer_;  // disk I/O of a loaded state goes on when time does
};

}  // namespace vireo::hw
