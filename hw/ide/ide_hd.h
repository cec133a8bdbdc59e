#pragma once

#include "hw/ide/ide_drive.h"

namespace vireo::hw {

/// An ATA disk (ATA/ATAPI-6) with 48-bit addresses.
class IdeHd final : public IdeDrive {
 public:
  static void describe(core::Description<IdeHd>& d);
  IdeHd() : IdeDrive("VIREO HARDDISK") {}

 protected:
  uint16_t signature() const override { return 0x0000; }
  uint8_t status_after_reset() const override { return kAtaReady | kAtaSeekComplete; }
  void run_command(uint8_t command) override;
  void transfer_done() override;
  void io_failed(bool write) override;
  util::Status on_drive_realize() override;
  void on_drive_reset() override;
  bool writes_through() const override { return !state_.write_cache; }

 private:
  struct State {
    uint8_t multiple = 0;  // sectors a DRQ block of READ and WRITE MULTIPLE; 0 for off
    uint8_t heads = 16;    // of the translation that INITIALIZE DEVICE PARAMETERS set
    uint8_t sectors_per_track = 63;
    bool write_cache = true;
  };
  struct Command {
    uint8_t opcode;
    bool extended;  // takes 48-bit addresses
    void (IdeHd::*run)();
  };
  static const Command kCommands[];

  uint64_t total_sectors() const { return drive_->size() / 512; }
  uint16_t cylinders() const;
  uint32_t sector_count() const;
  bool first_sector(uint64_t& sector) const;
  bool range(uint64_t& offset, uint64_t& length);
  void abort(uint8_t error = kAtaAborted);
  void succeed() { complete(kAtaReady | kAtaSeekComplete, /*interrupt=*/true); }
  void start(Mode mode, uint32_t block_size);

  void identify();
  void read_sectors() { start(Mode::pio_in, 512); }
  void write_sectors() { start(Mode::pio_out, 512); }
  void read_multiple();
  void write_multiple();
  void read_dma() { start(Mode::dma_in, 512); }
  void write_dma() { start(Mode::dma_out, 512); }
  void verify();
  void flush() { flush_medium(); }
  void set_features();
  void set_multiple();
  void initialize_parameters();
  void read_native_max();
  void check_power();

  bool extended_ = false;  // of the command that is being started
  State state_;
};

}  // namespace vireo::hw
