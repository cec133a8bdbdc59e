#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/device/description.h"

namespace vireo::hw {

/// The firmware configuration device that SeaBIOS, OVMF and Linux know: items selected by a key at
/// port 510h and read at 511h or by DMA (docs/specs/fw_cfg of the QEMU project).
class FwCfg final : public core::Device {
 public:
  /// Numbered items; files have keys of their own.
  enum Key : uint16_t {
    kSignature = 0x00,
    kInterfaceVersion = 0x01,
    kUuid = 0x02,
    kRamSize = 0x03,
    kNoGraphic = 0x04,
    kCpuCount = 0x05,
    kKernelAddress = 0x07,
    kKernelSize = 0x08,
    kInitrdAddress = 0x0a,
    kInitrdSize = 0x0b,
    kBootDevice = 0x0c,
    kNuma = 0x0d,
    kBootMenu = 0x0e,
    kMaxCpus = 0x0f,
    kKernelEntry = 0x10,
    kKernelData = 0x11,
    kInitrdData = 0x12,
    kCommandLineAddress = 0x13,
    kCommandLineSize = 0x14,
    kCommandLineData = 0x15,
    kSetupAddress = 0x16,
    kSetupSize = 0x17,
    kSetupData = 0x18,
    kFileDirectory = 0x19,
    kFirstFile = 0x20,
    kIrq0Override = 0x8002,
    kHpet = 0x8004,
  };

  static void describe(core::Description<FwCfg>& d);
  FwCfg();

  using Bytes = std::vector<uint8_t>;
  void set(uint16_t key, Bytes contents) { items_[key] = std::move(contents); }
  /// Little-endian integers of 2, 4 and 8 bytes.
  void set16(uint16_t key, uint16_t value);
  void set32(uint16_t key, uint32_t value);
  void set64(uint16_t key, uint64_t value);
  /// `name` has at most 55 characters. Replaces a file of that name.
  void set_file(std::string_view name, Bytes contents);
  /// Called when a guest has chosen a file, before it reads: the last moment to set it.
  void set_file_listener(std::function<void()> listener) { file_chosen_ = std::move(listener); }

 protected:
  util::Status on_realize() override;

 private:
  struct Regs {
    uint16_t key = 0;
    uint32_t offset = 0;
    uint64_t dma_address = 0;
  };

  uint64_t read(uint64_t offset, unsigned width);
  void write(uint64_t offset, unsigned width, uint64_t value);
  uint64_t read_dma(uint64_t offset, unsigned width);
  void write_dma(uint64_t offset, unsigned width, uint64_t value);
  void select(uint16_t key);
  const Bytes* selected() const;
  uint8_t next_byte();
  void run_dma();
  bool transfer(uint64_t address, uint32_t length);
  void update_directory();

  std::map<uint16_t, Bytes> items_;
  std::map<std::string, uint16_t, std::less<>> files_;
  std::function<void()> file_chosen_;
  Regs regs_;
};

}  // namespace vireo::hw
