// The PC16550D UART: register set, FIFOs, prioritised interrupts, modem lines and loopback.

#include "hw/char/uart_16550.h"

#include <fmt/format.h>

#include "core/clock/guest_clock.h"
#include "hw/isa/isa_bus.h"
#include "util/log.h"

namespace vireo::hw {
namespace {

using core::field;

enum InterruptEnable : uint8_t { kIerReceive = 1, kIerTransmit = 2, kIerLine = 4, kIerModem = 8 };
enum InterruptCause : uint8_t {
  kCauseModem = 0x00,
  kCauseNone = 0x01,
  kCauseTransmit = 0x02,
  kCauseReceive = 0x04,
  kCauseLine = 0x06,
  kCauseTimeout = 0x0c,
};
enum LineStatus : uint8_t {
  kDataReady = 0x01,
  kOverrun = 0x02,
  kBreak = 0x10,
  kHoldingEmpty = 0x20,
  kTransmitterEmpty = 0x40,
  kLineErrors = 0x1e,
};
enum ModemControl : uint8_t { kDtr = 1, kRts = 2, kOut1 = 4, kOut2 = 8, kLoop = 0x10 };
enum ModemStatus : uint8_t { kCts = 0x10, kDsr = 0x20, kRing = 0x40, kCarrier = 0x80 };

// The crystal of a PC's UART divided by 16.
constexpr int64_t kBaudBase = 115200;

struct PortDefault {
  uint16_t base;
  uint8_t irq;
};
constexpr PortDefault kPortDefaults[] = {{0x3f8, 4}, {0x2f8, 3}, {0x3e8, 4}, {0x2e8, 3}};

}  // namespace

void Uart16550::describe(core::Description<Uart16550>& d) {
  d.type("isa-serial", "16550A serial port");
  d.bus("isa");
  d.property("index", &Uart16550::index_, "0 to 3: the addresses of COM1 to COM4");
  d.property("iobase", &Uart16550::iobase_, "first I/O port; 0 takes the index's");
  d.property("irq", &Uart16550::irq_number_, "ISA interrupt; 0 takes the index's");
  d.property("chardev", &Uart16550::chardev_, "where the bytes go to and come from");
  d.interrupt("irq", &Uart16550::irq_);
  d.port(0, "RBR/THR/DLL", &Uart16550::read_data, &Uart16550::write_data);
  d.port(1, "IER/DLM", &Uart16550::read_interrupt_enable, &Uart16550::write_interrupt_enable);
  d.port(2, "IIR/FCR", &Uart16550::read_interrupt_identification, &Uart16550::write_fifo_control);
  d.port(3, "LCR", &Uart16550::read_line_control, &Uart16550::write_line_control);
  d.port(4, "MCR", &Uart16550::read_modem_control, &Uart16550::write_modem_control);
  d.port(5, "LSR", &Uart16550::read_line_status, nullptr);
  d.port(6, "MSR", &Uart16550::read_modem_status, nullptr);
  d.port(7, "SCR", &Uart16550::read_scratch, &Uart16550::write_scratch);
  const auto fifo = [](std::string_view name, Fifo Regs::*member) {
    return field(name, member, field("bytes", &Fifo::bytes),
                 field("first", &Fifo::first).max(kFifoSize - 1),
                 field("count", &Fifo::count).max(kFifoSize));
  };
  d.state(&Uart16550::regs_, 1, field("divisor", &Regs::divisor),
          field("interrupt-enable", &Regs::interrupt_enable),
          field("fifo-control", &Regs::fifo_control), field("line-control", &Regs::line_control),
          field("modem-control", &Regs::modem_control), field("line-status", &Regs::line_status),
          field("modem-status", &Regs::modem_status), field("scratch", &Regs::scratch),
          field("transmit-interrupt", &Regs::transmit_interrupt),
          field("character-timeout", &Regs::character_timeout),
          field("timeout-ns", &Regs::timeout_ns), fifo("receive", &Regs::receive),
          fifo("transmit", &Regs::transmit));
}

util::Status Uart16550::on_realize() {
  if (index_ > 3) {
    return util::Error(util::ErrorCode::kInvalidArgument,
                       fmt::format("isa-serial: index {} is none of 0 to 3", index_));
  }
  const PortDefault& fallback = kPortDefaults[index_ < 0 ? 0 : index_];
  VIREO_TRY(connect_isa_irq(*this, irq_, irq_number_ ? irq_number_ : fallback.irq));
  const uint32_t base = iobase_ ? iobase_ : fallback.base;
  if (base > 0xfff8) {
    return util::Error(util::ErrorCode::kInvalidArgument,
                       fmt::format("isa-serial: iobase {:#x} is above 0xfff8", base));
  }
  map_ports(static_cast<uint16_t>(base));
  timeout_timer_.attach(environment().timers, [this] {
    regs_.character_timeout = true;
    regs_.timeout_ns = -1;
    sync_outputs();
  });
  if (chardev_) {
    chardev_->set_receiver({.can_receive = [this] { return can_receive(); },
                            .receive =
                                [this](std::span<const uint8_t> bytes) {
                                  for (uint8_t byte : bytes) receive(byte);
                                  sync_outputs();
                                },
                            .event = [this](chardev::Event event) { handle_event(event); }});
    chardev_->set_write_ready([this] {
      pump_transmitter();
      sync_outputs();
    });
  }
  return {};
}

void Uart16550::on_unrealize() {
  timeout_timer_.cancel();
  if (!chardev_) return;
  chardev_->set_receiver({});
  chardev_->set_write_ready({});
}

void Uart16550::sync_outputs() {
  // On a PC, OUT2 gates the interrupt onto the bus; in loopback it is cut off.
  const bool gated = (regs_.modem_control & kOut2) && !loopback();
  irq_.set(gated && pending_interrupt() != kCauseNone);
  timeout_timer_.arm(regs_.timeout_ns);
}

unsigned Uart16550::trigger_level() const {
  constexpr uint8_t kLevels[] = {1, 4, 8, 14};
  return fifo_enabled() ? kLevels[regs_.fifo_control >> 6] : 1;
}

int64_t Uart16550::character_ns() const {
  const unsigned bits = 7 + (regs_.line_control & 3) + ((regs_.line_control >> 2) & 1) +
                        ((regs_.line_control >> 3) & 1);
  const int64_t divisor = regs_.divisor ? regs_.divisor : 0x10000;
  return 1'000'000'000 * divisor * bits / kBaudBase;
}

// In the order of the data sheet's table of priorities.
uint8_t Uart16550::pending_interrupt() const {
  const uint8_t enabled = regs_.interrupt_enable;
  if ((enabled & kIerLine) && (regs_.line_status & kLineErrors)) return kCauseLine;
  if (enabled & kIerReceive) {
    if (regs_.receive.count >= trigger_level()) return kCauseReceive;
    if (regs_.character_timeout) return kCauseTimeout;
  }
  if ((enabled & kIerTransmit) && regs_.transmit_interrupt) return kCauseTransmit;
  if ((enabled & kIerModem) && (regs_.modem_status & 0x0f)) return kCauseModem;
  return kCauseNone;
}

uint8_t Uart16550::read_data() {
  if (divisor_access()) return regs_.divisor & 0xff;
  if (regs_.receive.count == 0) return 0;
  const uint8_t byte = regs_.receive.pop();
  regs_.character_timeout = false;
  if (regs_.receive.count == 0) {
    regs_.line_status &= ~kDataReady;
    regs_.timeout_ns = -1;
  } else {
    regs_.timeout_ns = environment().clock.now_ns() + 4 * character_ns();
  }
  sync_outputs();
  if (chardev_ && !loopback()) chardev_->accept_input();
  return byte;
}

void Uart16550::write_data(uint8_t value) {
  if (divisor_access()) {
    regs_.divisor = static_cast<uint16_t>((regs_.divisor & 0xff00) | value);
    return apply_line_parameters();
  }
  regs_.transmit_interrupt = false;
  if (!fifo_enabled()) regs_.transmit = {};
  // A byte written to a full FIFO is lost.
  if (!regs_.transmit.full()) regs_.transmit.push(value);
  regs_.line_status &= ~(kHoldingEmpty | kTransmitterEmpty);
  sync_outputs();
  pump_transmitter();
  sync_outputs();
}

void Uart16550::pump_transmitter() {
  Fifo& fifo = regs_.transmit;
  while (fifo.count != 0) {
    const uint8_t byte = fifo.bytes[fifo.first];
    if (loopback()) {
      receive(byte);
    } else if (chardev_ && chardev_->write({&byte, 1}) == 0) {
      return;
    }
    fifo.pop();
  }
  if (regs_.line_status & kHoldingEmpty) return;
  regs_.line_status |= kHoldingEmpty | kTransmitterEmpty;
  regs_.transmit_interrupt = true;
}

uint8_t Uart16550::read_interrupt_enable() const {
  return divisor_access() ? static_cast<uint8_t>(regs_.divisor >> 8) : regs_.interrupt_enable;
}

void Uart16550::write_interrupt_enable(uint8_t value) {
  if (divisor_access()) {
    regs_.divisor = static_cast<uint16_t>((regs_.divisor & 0xff) | value << 8);
    return apply_line_parameters();
  }
  const uint8_t risen = value & ~regs_.interrupt_enable;
  regs_.interrupt_enable = value & 0x0f;
  if ((risen & kIerTransmit) && (regs_.line_status & kHoldingEmpty))
    regs_.transmit_interrupt = true;
  sync_outputs();
}

uint8_t Uart16550::read_interrupt_identification() {
  const uint8_t cause = pending_interrupt();
  if (cause == kCauseTransmit) {
    regs_.transmit_interrupt = false;
    sync_outputs();
  }
  return cause | (fifo_enabled() ? 0xc0 : 0);
}

void Uart16550::write_fifo_control(uint8_t value) {
  // Switching the FIFOs on or off empties them.
  const bool switched = (value ^ regs_.fifo_control) & 1;
  if (switched || (value & 2)) clear_receiver();
  if (switched || (value & 4)) {
    regs_.transmit = {};
    if (!(regs_.line_status & kHoldingEmpty)) regs_.transmit_interrupt = true;
    regs_.line_status |= kHoldingEmpty | kTransmitterEmpty;
  }
  regs_.fifo_control = (value & 1) ? value & 0xc9 : 0;
  sync_outputs();
  if (chardev_) chardev_->accept_input();
}

void Uart16550::clear_receiver() {
  regs_.receive = {};
  regs_.line_status &= ~(kDataReady | kBreak);
  regs_.character_timeout = false;
  regs_.timeout_ns = -1;
}

void Uart16550::write_line_control(uint8_t value) {
  const uint8_t changed = value ^ regs_.line_control;
  regs_.line_control = value;
  if ((changed & 0x40) && chardev_) chardev_->set_break(value & 0x40);
  if (changed & 0x3f) apply_line_parameters();
}

void Uart16550::apply_line_parameters() {
  if (!chardev_) return;
  const bool parity = regs_.line_control & 8;
  chardev_->set_parameters(
      {.baud = static_cast<uint32_t>(kBaudBase / (regs_.divisor ? regs_.divisor : 0x10000)),
       .data_bits = static_cast<uint8_t>(5 + (regs_.line_control & 3)),
       .stop_bits = static_cast<uint8_t>((regs_.line_control & 4) ? 2 : 1),
       .parity = !parity                       ? 'N'
                 : (regs_.line_control & 0x10) ? 'E'
                                               : 'O'});
}

void Uart16550::write_modem_control(uint8_t value) {
  regs_.modem_control = value & 0x1f;
  if (loopback()) {
    update_modem_inputs(
        static_cast<uint8_t>(((value & kRts) ? kCts : 0) | ((value & kDtr) ? kDsr : 0) |
                             ((value & kOut1) ? kRing : 0) | ((value & kOut2) ? kCarrier : 0)));
  } else {
    update_modem_inputs(kCts | kDsr | kCarrier);
  }
  sync_outputs();
  if (!loopback() && chardev_) chardev_->accept_input();
}

void Uart16550::update_modem_inputs(uint8_t inputs) {
  uint8_t changed = (inputs ^ regs_.modem_status) & 0xf0;
  // The ring indicator only reports its trailing edge.
  if (inputs & kRing) changed &= ~kRing;
  regs_.modem_status = inputs | (regs_.modem_status & 0x0f) | (changed >> 4);
}

uint8_t Uart16550::read_line_status() {
  const uint8_t status = regs_.line_status;
  regs_.line_status &= ~kLineErrors;
  sync_outputs();
  return status;
}

uint8_t Uart16550::read_modem_status() {
  const uint8_t status = regs_.modem_status;
  regs_.modem_status &= 0xf0;
  sync_outputs();
  return status;
}

size_t Uart16550::can_receive() const {
  if (loopback() || regs_.receive.count >= receive_capacity()) return 0;
  return receive_capacity() - regs_.receive.count;
}

void Uart16550::receive(uint8_t byte) {
  if (regs_.receive.count >= receive_capacity()) {
    regs_.line_status |= kOverrun;
    // Without a FIFO the new byte replaces the old; with one it is lost.
    if (fifo_enabled()) return;
    regs_.receive = {};
  }
  regs_.receive.push(byte);
  regs_.line_status |= kDataReady;
  if (fifo_enabled()) regs_.timeout_ns = environment().clock.now_ns() + 4 * character_ns();
}

void Uart16550::handle_event(chardev::Event event) {
  if (event != chardev::Event::break_sent || loopback()) return;
  receive(0);
  regs_.line_status |= kBreak;
  sync_outputs();
}

REGISTER_DEVICE(Uart16550);

}  // namespace vireo::hw
