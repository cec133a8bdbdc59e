#pragma once

#include <array>
#include <cstdint>

#include "chardev/chardev.h"
#include "core/clock/timer.h"
#include "core/device/backend_ref.h"
#include "core/device/description.h"

namespace vireo::hw {

/// A PC16550D UART on the ISA bus (National Semiconductor data sheet, June 1995). Received bytes
/// appear as fast as the guest reads them; sent bytes leave at once, as long as the back end takes
/// them.
class Uart16550 final : public core::Device {
 public:
  static void describe(core::Description<Uart16550>& d);

 protected:
  util::Status on_realize() override;
  void on_unrealize() override;
  void sync_outputs() override;

 private:
  static constexpr unsigned kFifoSize = 16;

  struct Fifo {
    std::array<uint8_t, kFifoSize> bytes{};
    uint8_t first = 0;
    uint8_t count = 0;

    bool full() const { return count == kFifoSize; }
    void push(uint8_t byte) { bytes[(first + count++) % kFifoSize] = byte; }
    uint8_t pop() {
      const uint8_t byte = bytes[first];
      first = (first + 1) % kFifoSize;
      --count;
      return byte;
    }
  };
  struct Regs {
    uint16_t divisor = 12;  // 9600 baud
    uint8_t interrupt_enable = 0;
    uint8_t fifo_control = 0;
    uint8_t line_control = 0;
    uint8_t modem_control = 0;
    uint8_t line_status = 0x60;
    uint8_t modem_status = 0xb0;
    uint8_t scratch = 0;
    bool transmit_interrupt = false;  // armed by THRE, disarmed by reading IIR or writing THR
    bool character_timeout = false;
    int64_t timeout_ns = -1;
    Fifo receive;
    Fifo transmit;
  };

  uint8_t read_data();
  void write_data(uint8_t value);
  uint8_t read_interrupt_enable() const;
  void write_interrupt_enable(uint8_t value);
  uint8_t read_interrupt_identification();
  void write_fifo_control(uint8_t value);
  uint8_t read_line_control() const { return regs_.line_control; }
  void write_line_control(uint8_t value);
  uint8_t read_modem_control() const { return regs_.modem_control; }
  void write_modem_control(uint8_t value);
  uint8_t read_line_status();
  uint8_t read_modem_status();
  uint8_t read_scratch() const { return regs_.scratch; }
  void write_scratch(uint8_t value) { regs_.scratch = value; }

  bool divisor_access() const { return regs_.line_control & 0x80; }
  bool fifo_enabled() const { return regs_.fifo_control & 1; }
  bool loopback() const { return regs_.modem_control & 0x10; }
  unsigned receive_capacity() const { return fifo_enabled() ? kFifoSize : 1; }
  unsigned trigger_level() const;
  int64_t character_ns() const;
  uint8_t pending_interrupt() const;

  size_t can_receive() const;
  void receive(uint8_t byte);
  void handle_event(chardev::Event event);
  void pump_transmitter();
  void update_modem_inputs(uint8_t inputs);
  void apply_line_parameters();
  void clear_receiver();

  int32_t index_ = -1;
  uint32_t iobase_ = 0;
  uint32_t irq_number_ = 0;
  core::BackendRef<chardev::Chardev> chardev_{"chardev"};
  core::IrqLine irq_;
  core::Timer timeout_timer_;
  Regs regs_;
};

}  // namespace vireo::hw
