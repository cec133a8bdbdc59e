// The debug console of Bochs and SeaBIOS.

#include "hw/char/debugcon.h"

namespace vireo::hw {

void DebugConsole::describe(core::Description<DebugConsole>& d) {
  d.type("isa-debugcon", "debug console port");
  d.bus("isa");
  d.property("iobase", &DebugConsole::iobase_, "I/O port");
  d.property("readback", &DebugConsole::readback_, "what the port reads as");
  d.property("chardev", &DebugConsole::chardev_, "where the bytes go to");
  d.port(0, "DATA", &DebugConsole::read, &DebugConsole::write);
}

util::Status DebugConsole::on_realize() {
  map_ports(iobase_);
  return {};
}

// Bytes that the back end does not take at once are lost: nobody waits for a debug console.
void DebugConsole::write(uint8_t value) {
  if (chardev_) chardev_->write({&value, 1});
}

REGISTER_DEVICE(DebugConsole);

}  // namespace vireo::hw
