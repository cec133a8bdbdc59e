// The 8042 keyboard controller.

#include "hw/input/i8042.h"

#include <utility>

#include "core/run_control.h"
#include "hw/isa/isa_bus.h"
#include "util/log.h"

namespace vireo::hw {
namespace {

using core::field;

constexpr unsigned kKeyboardIrq = 1;
constexpr unsigned kMouseIrq = 12;

enum ConfigurationBit : uint8_t {
  kKeyboardInterrupt = 0x01,
  kMouseInterrupt = 0x02,
  kSystemFlag = 0x04,
  kKeyboardDisabled = 0x10,
  kMouseDisabled = 0x20,
  kTranslate = 0x40,
};
enum StatusBit : uint8_t {
  kOutputFull = 0x01,
  kSystem = 0x04,
  kCommandLast = 0x08,
  kNotInhibited = 0x10,
  kMouseOutput = 0x20,
};
enum OutputPortBit : uint8_t { kNoReset = 0x01, kA20 = 0x02 };
enum Command : uint8_t {
  kReadConfiguration = 0x20,
  kWriteConfiguration = 0x60,
  kDisableMouse = 0xa7,
  kEnableMouse = 0xa8,
  kTestMouse = 0xa9,
  kSelfTest = 0xaa,
  kTestKeyboard = 0xab,
  kDisableKeyboard = 0xad,
  kEnableKeyboard = 0xae,
  kReadInputPort = 0xc0,
  kReadOutputPort = 0xd0,
  kWriteOutputPort = 0xd1,
  kWriteKeyboardOutput = 0xd2,
  kWriteMouseOutput = 0xd3,
  kWriteMouse = 0xd4,
  kA20Off = 0xdd,
  kA20On = 0xdf,
  kReadTestPort = 0xe0,
  kPulse = 0xf0,  // to FFh: bits that are 0 are pulsed low
};

}  // namespace

void I8042::describe(core::Description<I8042>& d) {
  d.type("i8042", "keyboard controller with keyboard and mouse");
  d.bus("isa");
  d.user_creatable(false);
  d.interrupt("keyboard", &I8042::keyboard_irq_);
  d.interrupt("mouse", &I8042::mouse_irq_);
  d.interrupt("a20", &I8042::a20_);
  // Two regions, for the ports between them are others'.
  d.registers("data", core::Space::ports, 0, "DATA", &I8042::read_data, &I8042::write_data);
  d.registers("command", core::Space::ports, 0, "STATUS/COMMAND", &I8042::read_status,
              &I8042::write_command);
  const auto queue = [](auto member) {
    return field("queue", member, field("bytes", &Ps2Queue::bytes),
                 field("first", &Ps2Queue::first).max(Ps2Queue::kSize - 1),
                 field("count", &Ps2Queue::count).max(Ps2Queue::kSize));
  };
  d.state(&I8042::regs_, 1, field("configuration", &Regs::configuration),
          field("output-port", &Regs::output_port),
          field("pending-command", &Regs::pending_command), field("output", &Regs::output),
          field("output-full", &Regs::output_full),
          field("output-from-mouse", &Regs::output_from_mouse),
          field("command-last", &Regs::command_last), field("break-prefix", &Regs::break_prefix),
          field("keyboard", &Regs::keyboard, queue(&Ps2Keyboard::queue),
                field("scan-set", &Ps2Keyboard::scan_set).min(1).max(3),
                field("scanning", &Ps2Keyboard::scanning), field("leds", &Ps2Keyboard::leds),
                field("pending-command", &Ps2Keyboard::pending_command),
                field("last-sent", &Ps2Keyboard::last_sent)),
          field("mouse", &Regs::mouse, queue(&Ps2Mouse::queue),
                field("reporting", &Ps2Mouse::reporting), field("remote", &Ps2Mouse::remote),
                field("wrap", &Ps2Mouse::wrap), field("double-scaling", &Ps2Mouse::double_scaling),
                field("resolution", &Ps2Mouse::resolution).max(3), field("rate", &Ps2Mouse::rate),
                field("id", &Ps2Mouse::id), field("knock", &Ps2Mouse::knock).max(2),
                field("pending-command", &Ps2Mouse::pending_command),
                field("buttons", &Ps2Mouse::buttons).max(7),
                field("dx", &Ps2Mouse::dx).min(-4096).max(4096),
                field("dy", &Ps2Mouse::dy).min(-4096).max(4096),
                field("dz", &Ps2Mouse::dz).min(-4096).max(4096)));
}

util::Status I8042::on_realize() {
  map_region("data", 0x60);
  map_region("command", 0x64);
  VIREO_TRY(connect_isa_irq(*this, keyboard_irq_, kKeyboardIrq));
  return connect_isa_irq(*this, mouse_irq_, kMouseIrq);
}

void I8042::sync_outputs() {
  const bool full = regs_.output_full;
  keyboard_irq_.set(full && !regs_.output_from_mouse && (regs_.configuration & kKeyboardInterrupt));
  mouse_irq_.set(full && regs_.output_from_mouse && (regs_.configuration & kMouseInterrupt));
  a20_.set(regs_.output_port & kA20);
}

void I8042::key(uint16_t code, bool down) {
  regs_.keyboard.key(code, down);
  fill_from_devices();
}

void I8042::pointer(int dx, int dy, int dz, uint8_t buttons) {
  regs_.mouse.move(dx, dy, dz, buttons);
  fill_from_devices();
}

void I8042::fill(uint8_t value, bool from_mouse) {
  regs_.output = value;
  regs_.output_full = true;
  regs_.output_from_mouse = from_mouse;
  sync_outputs();
}

void I8042::fill_from_devices() {
  const bool keyboard_on = !(regs_.configuration & kKeyboardDisabled);
  while (!regs_.output_full && keyboard_on && !regs_.keyboard.queue.empty()) {
    const uint8_t byte = regs_.keyboard.take();
    const int code =
        regs_.configuration & kTranslate ? translate_to_set_1(byte, regs_.break_prefix) : byte;
    if (code >= 0) fill(static_cast<uint8_t>(code), false);
  }
  if (regs_.output_full || (regs_.configuration & kMouseDisabled)) return;
  regs_.mouse.report_pending();
  if (!regs_.mouse.queue.empty()) fill(regs_.mouse.queue.pop(), true);
}

uint8_t I8042::read_data() {
  const uint8_t value = regs_.output;
  regs_.output_full = false;
  sync_outputs();
  fill_from_devices();
  return value;
}

uint8_t I8042::read_status() const {
  return static_cast<uint8_t>((regs_.output_full ? kOutputFull : 0) |
                              (regs_.output_full && regs_.output_from_mouse ? kMouseOutput : 0) |
                              (regs_.configuration & kSystemFlag ? kSystem : 0) |
                              (regs_.command_last ? kCommandLast : 0) | kNotInhibited);
}

void I8042::write_output_port(uint8_t value) {
  regs_.output_port = value | kNoReset;
  sync_outputs();
  if (!(value & kNoReset)) {
    environment().run_control.request_reset(core::ResetCause::guest_request);
  }
}

void I8042::write_data(uint8_t value) {
  regs_.command_last = false;
  switch (std::exchange(regs_.pending_command, 0)) {
    case kWriteConfiguration:
      regs_.configuration = value;
      sync_outputs();
      break;
    case kWriteOutputPort:
      write_output_port(value);
      break;
    case kWriteKeyboardOutput:
      return fill(value, false);
    case kWriteMouseOutput:
      return fill(value, true);
    case kWriteMouse:
      regs_.mouse.command(value);
      break;
    default:
      // A byte for the keyboard enables its interface.
      regs_.configuration &= ~kKeyboardDisabled;
      regs_.keyboard.command(value);
      break;
  }
  fill_from_devices();
}

void I8042::write_command(uint8_t value) {
  regs_.command_last = true;
  regs_.pending_command = 0;
  const auto set_configuration = [&](uint8_t bit, bool on) {
    regs_.configuration =
        static_cast<uint8_t>(on ? regs_.configuration | bit : regs_.configuration & ~bit);
    fill_from_devices();
  };
  switch (value) {
    case kReadConfiguration:
      return fill(regs_.configuration, false);
    case kWriteConfiguration:
    case kWriteOutputPort:
    case kWriteKeyboardOutput:
    case kWriteMouseOutput:
    case kWriteMouse:
      regs_.pending_command = value;
      return;
    case kDisableMouse:
    case kEnableMouse:
      return set_configuration(kMouseDisabled, value == kDisableMouse);
    case kDisableKeyboard:
    case kEnableKeyboard:
      return set_configuration(kKeyboardDisabled, value == kDisableKeyboard);
    case kTestMouse:
    case kTestKeyboard:
    case kReadTestPort:
      return fill(0x00, false);
    case kSelfTest:
      regs_.configuration |= kSystemFlag;
      return fill(0x55, false);
    case kReadInputPort:
      return fill(0x80, false);
    case kReadOutputPort:
      return fill(static_cast<uint8_t>(regs_.output_port | (regs_.output_full ? 0x10 : 0)), false);
    case kA20Off:
    case kA20On:
      return write_output_port(static_cast<uint8_t>(value == kA20On ? regs_.output_port | kA20
                                                                    : regs_.output_port & ~kA20));
    default:
      break;
  }
  if (value >= kPulse && !(value & kNoReset)) {
    environment().run_control.request_reset(core::ResetCause::guest_request);
  } else if (value < kPulse) {
    util::log(util::kLogGuestErrors, "i8042: unknown command {:#04x}\n", value);
  }
}

REGISTER_DEVICE(I8042);

}  // namespace vireo::hw
