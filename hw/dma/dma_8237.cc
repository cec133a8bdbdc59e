// Two 8237A DMA controllers in cascade, as in a PC/AT.

#include "hw/dma/dma_8237.h"

#include <algorithm>

#include "core/memory/address_space.h"

namespace vireo::hw {
namespace {

using core::field;

// Page register of each channel, as an offset from port 80h.
constexpr uint8_t kPageOfChannel[8] = {7, 3, 1, 2, 15, 11, 9, 10};

enum Register : unsigned {
  kCommand = 8,  // status when read
  kRequest = 9,
  kSingleMask = 10,
  kMode = 11,
  kClearFlipFlop = 12,
  kMasterClear = 13,  // temporary register when read
  kClearMask = 14,
  kAllMask = 15,
};
enum ModeBit : uint8_t { kAutoInitialise = 0x10, kDecrement = 0x20 };
constexpr uint8_t kControllerDisabled = 0x04;
constexpr unsigned kTypeWriteMemory = 1;
constexpr unsigned kTypeReadMemory = 2;

}  // namespace

void Dma8237Pair::describe(core::Description<Dma8237Pair>& d) {
  d.type("i8257", "cascaded 8237A DMA controllers");
  d.bus("isa");
  d.user_creatable(false);
  constexpr core::IoWidths kBytes{.implemented_max = 1};
  d.region("bytes", core::Space::ports, 16, &Dma8237Pair::read_controller<0>,
           &Dma8237Pair::write_controller<0>, kBytes);
  d.region("words", core::Space::ports, 32, &Dma8237Pair::read_controller<1>,
           &Dma8237Pair::write_controller<1>, kBytes);
  d.region("pages", core::Space::ports, 16, &Dma8237Pair::read_page, &Dma8237Pair::write_page,
           kBytes);
  d.state(
      &Dma8237Pair::regs_, 1,
      field("controllers", &Regs::controllers,
            field("channels", &Controller::channels, field("base-address", &Channel::base_address),
                  field("base-count", &Channel::base_count), field("address", &Channel::address),
                  field("count", &Channel::count), field("mode", &Channel::mode)),
            field("command", &Controller::command), field("status", &Controller::status),
            field("mask", &Controller::mask), field("requests", &Controller::requests),
            field("high-byte-next", &Controller::high_byte_next)),
      field("pages", &Regs::pages));
}

util::Status Dma8237Pair::on_realize() {
  map_region("bytes", 0x00);
  map_region("words", 0xc0);
  map_region("pages", 0x80);
  if (auto* isa = dynamic_cast<IsaBus*>(bus())) isa->set_dma(this);
  return {};
}

void Dma8237Pair::on_unrealize() {
  if (auto* isa = dynamic_cast<IsaBus*>(bus())) isa->set_dma(nullptr);
}

uint8_t Dma8237Pair::read(unsigned index, unsigned reg) {
  Controller& controller = regs_.controllers[index];
  if (reg == kCommand) {
    const uint8_t status = controller.status | static_cast<uint8_t>(controller.requests << 4);
    controller.status = 0;
    return status;
  }
  if (reg == kAllMask) return controller.mask | 0xf0;
  if (reg >= kCommand) return 0;
  const Channel& channel = controller.channels[reg >> 1];
  const uint16_t value = reg & 1 ? channel.count : channel.address;
  const bool high = std::exchange(controller.high_byte_next, !controller.high_byte_next);
  return static_cast<uint8_t>(high ? value >> 8 : value);
}

void Dma8237Pair::write_channel(Controller& controller, unsigned reg, uint8_t value) {
  Channel& channel = controller.channels[reg >> 1];
  uint16_t& base = reg & 1 ? channel.base_count : channel.base_address;
  const bool high = std::exchange(controller.high_byte_next, !controller.high_byte_next);
  base = static_cast<uint16_t>(high ? (base & 0x00ff) | value << 8 : (base & 0xff00) | value);
  (reg & 1 ? channel.count : channel.address) = base;
}

void Dma8237Pair::write_control(Controller& controller, unsigned reg, uint8_t value) {
  const auto bit = static_cast<uint8_t>(1u << (value & 3));
  switch (reg) {
    case kCommand:
      controller.command = value;
      break;
    case kRequest:
      controller.requests =
          static_cast<uint8_t>(value & 4 ? controller.requests | bit : controller.requests & ~bit);
      break;
    case kSingleMask:
      controller.mask =
          static_cast<uint8_t>(value & 4 ? controller.mask | bit : controller.mask & ~bit);
      break;
    case kMode:
      controller.channels[value & 3].mode = value & 0xfc;
      break;
    case kClearFlipFlop:
      controller.high_byte_next = false;
      break;
    case kMasterClear:
      controller.command = controller.status = controller.requests = 0;
      controller.mask = 0x0f;
      controller.high_byte_next = false;
      break;
    case kClearMask:
      controller.mask = 0;
      break;
    default:
      controller.mask = value & 0x0f;
      break;
  }
}

void Dma8237Pair::write(unsigned index, unsigned reg, uint8_t value) {
  Controller& controller = regs_.controllers[index];
  if (reg < kCommand) return write_channel(controller, reg, value);
  write_control(controller, reg, value);
  wake_slaves();
}

void Dma8237Pair::wake_slaves() {
  for (unsigned channel = 0; channel < slaves_.size(); ++channel) {
    const Controller& controller = regs_.controllers[channel >> 2];
    const bool open =
        !((controller.mask >> (channel & 3)) & 1) && !(controller.command & kControllerDisabled);
    if (open && slaves_[channel] != nullptr) slaves_[channel]->dma_ready();
  }
}

uint64_t Dma8237Pair::physical_address(unsigned channel) const {
  const uint64_t page = regs_.pages[kPageOfChannel[channel]];
  const uint64_t address = regs_.controllers[channel >> 2].channels[channel & 3].address;
  // Word channels count in words and ignore the page's lowest bit.
  return channel < 4 ? page << 16 | address : (page & 0xfe) << 16 | address << 1;
}

size_t Dma8237Pair::transfer(unsigned number, uint8_t* buffer, size_t length, bool from_device,
                             bool& terminal_count) {
  Controller& controller = regs_.controllers[number >> 2];
  Channel& channel = controller.channels[number & 3];
  const uint8_t bit = static_cast<uint8_t>(1u << (number & 3));
  const size_t unit = number < 4 ? 1 : 2;
  terminal_count = false;
  const unsigned type = (channel.mode >> 2) & 3;
  size_t moved = 0;
  while (moved + unit <= length && !(controller.mask & bit) && !terminal_count) {
    auto* const bytes = reinterpret_cast<std::byte*>(buffer + moved);
    const uint64_t address = physical_address(number);
    // A verify transfer moves nothing but counts.
    if (from_device && type == kTypeWriteMemory) {
      environment().memory.write(address, std::span(bytes, unit));
    } else if (!from_device && type == kTypeReadMemory) {
      environment().memory.read(address, std::span(bytes, unit));
    }
    moved += unit;
    channel.address += channel.mode & kDecrement ? 0xffff : 1;
    terminal_count = channel.count-- == 0;
  }
  if (terminal_count) {
    controller.status |= bit;
    if (channel.mode & kAutoInitialise) {
      channel.address = channel.base_address;
      channel.count = channel.base_count;
    } else {
      controller.mask |= bit;
    }
  }
  return moved;
}

REGISTER_DEVICE(Dma8237Pair);

}  // namespace vireo::hw
