#pragma once

#include <span>

#include "hw/ide/ide_drive.h"

namespace vireo::hw {

/// An ATAPI CD-ROM drive: packet commands of MMC-3 over ATA/ATAPI-6. Without a medium it is an
/// empty drive.
class IdeCd final : public IdeDrive {
 public:
  static void describe(core::Description<IdeCd>& d);
  IdeCd() : IdeDrive("VIREO CD-ROM") {}

 protected:
  uint16_t signature() const override { return 0xeb14; }
  uint8_t status_after_reset() const override { return 0; }
  void run_command(uint8_t command) override;
  void transfer_done() override;
  void io_failed(bool write) override;
  void block_begins(uint32_t length) override;
  void packet_received(std::span<const uint8_t> packet) override;
  void on_drive_reset() override { state_ = {}; }
  void device_was_reset() override { state_.sense = {}; }

 private:
  static constexpr uint32_t kSectorSize = 2048;

  /// What REQUEST SENSE reports (SPC-3, 4.5): key, additional code and its qualifier.
  struct Sense {
    uint8_t key = 0;
    uint8_t code = 0;
    uint8_t qualifier = 0;
  };
  struct State {
    Sense sense;
    bool tray_open = false;
    bool locked = false;
    bool tray_event = false;  // for GET EVENT STATUS NOTIFICATION
    bool packet_by_dma = false;
    uint16_t byte_limit = 0;  // of the DRQ blocks of this packet command
  };
  using Packet = std::span<const uint8_t>;
  struct PacketCommand {
    uint8_t opcode;
    bool needs_medium;
    void (IdeCd::*run)(Packet packet);
  };
  static const PacketCommand kPacketCommands[];

  bool medium_present() const;
  uint32_t total_sectors() const;
  uint32_t pio_block_size() const;
  void abort();
  void identify();
  void begin_packet();
  void set_features();

  // Ends of packet commands.
  void good();
  void fail(Sense sense);
  void fail_field() { fail({0x05, 0x24, 0x00}); }
  void reply_packet(std::span<const uint8_t> bytes, size_t allocation);
  void read_sectors(uint64_t first, uint64_t count);

  void succeed(Packet) { good(); }
  void request_sense(Packet packet);
  void inquiry(Packet packet);
  void mode_sense(Packet packet);
  void start_stop(Packet packet);
  void prevent_removal(Packet packet);
  void read_capacity(Packet packet);
  void read_10(Packet packet);
  void read_12(Packet packet);
  void read_cd(Packet packet);
  void read_toc(Packet packet);
  void get_configuration(Packet packet);
  void get_event_status(Packet packet);
  void read_disc_information(Packet packet);
  void mechanism_status(Packet packet);

  State state_;
};

}  // namespace vireo::hw
