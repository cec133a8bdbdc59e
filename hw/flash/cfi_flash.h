#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "block/drive.h"
#include "core/device/backend_ref.h"
#include "core/device/description.h"
#include "core/device/device.h"
#include "core/memory/region.h"

namespace vireo::core {
class RamBlock;
}

namespace vireo::hw {

class WriteThrough;

/// A parallel NOR flash of bytes with the common flash interface and Intel's command set (JEDEC
/// JESD68.01; Intel data sheet 290667, 28F640J3), whose contents are a drive's: what is programmed
/// or erased is written there. Reads of the array are memory's; while a command has it show
/// something else, they are the device's.
class CfiFlash final : public core::Device {
 public:
  static constexpr uint32_t kBlockSize = 4096;
  static constexpr uint64_t kMaxSize = uint64_t{8} << 20;

  static void describe(core::Description<CfiFlash>& d);
  CfiFlash();
  ~CfiFlash() override;

  /// Before realize: the flash ends below `end` of `parent`.
  void set_place(core::Region& parent, uint64_t end) {
    parent_ = &parent;
    end_ = end;
  }
  /// The same: its last `size` bytes, or all if there are fewer, can be read below `end`, too.
  void set_window(uint64_t end, uint64_t size) {
    window_end_ = end;
    window_size_ = size;
  }
  /// In bytes, from realize on.
  uint64_t size() const;

 protected:
  util::Status on_realize() override;
  void on_unrealize() override;
  util::Status after_load() override;
  void sync_outputs() override;

 private:
  static constexpr uint32_t kBufferSize = 32;

  enum class Show : uint8_t { array, status, identifiers, query };
  /// What the next write is.
  enum class Next : uint8_t { command, program, erase, count, data, buffer_program, lock };

  struct Regs {
    Show show = Show::array;
    Next next = Next::command;
    uint8_t status = 0x80;
    uint8_t count = 0;          // bytes that the write buffer still waits for
    uint32_t buffer_block = 0;  // offset of the block that it is for
    std::array<uint8_t, kBufferSize> values{};
    std::array<uint32_t, kBufferSize> places{};  // offsets of the values in the flash
    uint8_t filled = 0;
    std::array<uint8_t, kMaxSize / kBlockSize / 8> locks{};  // a bit a block
  };

  uint64_t read(uint64_t offset, unsigned width);
  void write(uint64_t offset, unsigned width, uint64_t value);
  uint8_t query(uint64_t offset) const;
  void begin_command(uint64_t offset, uint8_t command);
  void fill_buffer(uint64_t offset, uint8_t value);
  void lock_block(uint64_t offset, uint8_t operation);
  bool is_protected(uint64_t offset) const;
  void program(uint64_t offset, uint8_t value);
  void erase(uint64_t offset);
  void finish(uint8_t errors);
  void changed(uint64_t offset, uint64_t length);

  core::BackendRef<block::Drive> drive_{"drive"};
  core::Region* parent_ = nullptr;
  uint64_t end_ = 0;
  uint64_t window_end_ = 0, window_size_ = 0;
  std::unique_ptr<core::RamBlock> contents_;
  std::unique_ptr<core::Region> array_, window_;
  Regs regs_;
  std::shared_ptr<WriteThrough> write_through_;
};

}  // namespace vireo::hw
