#pragma once

#include <array>
#include <cstdint>

#include "core/device/description.h"

namespace vireo::hw {

/// The two cascaded 8259A interrupt controllers of a PC with the edge/level control registers of
/// the PIIX3 (Intel 8259A data sheet 231468; 82371SB data sheet, 3.5). Interrupt inputs "ir" are
/// IRQ 0 to 15; IR2 of the first chip is the cascade and not an input.
class Pic8259Pair final : public core::Device {
 public:
  static void describe(core::Description<Pic8259Pair>& d);

  /// The INTA cycles: the vector of the highest request, which becomes in service. A request that
  /// has gone away gives the spurious vector of IR7 (or IRQ 15).
  uint8_t acknowledge();

 protected:
  void sync_outputs() override;

 private:
  struct Chip {
    uint8_t requests = 0;         // IRR
    uint8_t mask = 0;             // IMR
    uint8_t in_service = 0;       // ISR
    uint8_t levels = 0;           // the inputs as last seen
    uint8_t level_triggered = 0;  // ELCR
    uint8_t vector_base = 0;
    uint8_t lowest = 7;        // the IR with the lowest priority
    uint8_t expected_icw = 0;  // 0: operating, 2 to 4: the initialisation word that comes next
    bool needs_icw4 = false;
    bool single = false;
    bool all_level_triggered = false;  // LTIM of ICW1
    bool auto_eoi = false;
    bool rotate_on_auto_eoi = false;
    bool special_mask = false;
    bool special_fully_nested = false;
    bool poll = false;
    bool read_in_service = false;

    /// 0 for the highest; 8 when `irs` is empty.
    unsigned priority_of(uint8_t irs) const;
    uint8_t effective_level_triggered() const {
      return all_level_triggered ? 0xff : level_triggered;
    }
    /// The IR that interrupts now, or -1.
    int highest_request(bool is_master) const;
    void set_input(unsigned ir, bool level);
    void acknowledge(unsigned ir);
    void end_of_interrupt(uint8_t command);
    void start_initialisation(uint8_t icw1);
  };
  struct Regs {
    std::array<Chip, 2> chips;
  };

  void set_irq(unsigned irq, bool level);
  void write_command(unsigned chip, uint8_t value);
  void write_data(unsigned chip, uint8_t value);
  uint8_t read_command(unsigned chip);
  uint8_t read_data(unsigned chip);
  uint8_t poll(unsigned chip);

  template <unsigned kChip>
  uint64_t read_chip(uint64_t offset, unsigned) {
    return offset == 0 ? read_command(kChip) : read_data(kChip);
  }
  template <unsigned kChip>
  void write_chip(uint64_t offset, unsigned, uint64_t value) {
    const auto byte = static_cast<uint8_t>(value);
    offset == 0 ? write_command(kChip, byte) : write_data(kChip, byte);
  }
  uint64_t read_elcr(uint64_t offset, unsigned) { return regs_.chips[offset].level_triggered; }
  void write_elcr(uint64_t offset, unsigned, uint64_t value);

  util::Status on_realize() override;

  core::IrqLine interrupt_;
  Regs regs_;
};

}  // namespace vireo::hw
