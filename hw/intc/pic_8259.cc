// Two 8259A programmable interrupt controllers in cascade, as in a PC.

#include "hw/intc/pic_8259.h"

#include <bit>

#include "util/log.h"

namespace vireo::hw {
namespace {

using core::field;

constexpr unsigned kMaster = 0;
constexpr unsigned kSlave = 1;
constexpr unsigned kCascade = 2;
// IRQ 0, 1, 2, 8 and 13 are edge-triggered for good.
constexpr uint8_t kElcrWritable[2] = {0xf8, 0xde};

constexpr uint8_t bit(unsigned ir) { return static_cast<uint8_t>(1u << ir); }

}  // namespace

void Pic8259Pair::describe(core::Description<Pic8259Pair>& d) {
  d.type("i8259", "cascaded 8259A interrupt controllers");
  d.user_creatable(false);
  d.interrupt("intr", &Pic8259Pair::interrupt_);
  d.interrupt_inputs("ir", 16, &Pic8259Pair::set_irq);
  constexpr core::IoWidths kBytes{.implemented_max = 1};
  d.region("master", core::Space::ports, 2, &Pic8259Pair::read_chip<kMaster>,
           &Pic8259Pair::write_chip<kMaster>, kBytes);
  d.region("slave", core::Space::ports, 2, &Pic8259Pair::read_chip<kSlave>,
           &Pic8259Pair::write_chip<kSlave>, kBytes);
  d.region("elcr", core::Space::ports, 2, &Pic8259Pair::read_elcr, &Pic8259Pair::write_elcr,
           kBytes);
  d.state(&Pic8259Pair::regs_, 1,
          field("chips", &Regs::chips, field("requests", &Chip::requests),
                field("mask", &Chip::mask), field("in-service", &Chip::in_service),
                field("levels", &Chip::levels), field("level-triggered", &Chip::level_triggered),
                field("vector-base", &Chip::vector_base), field("lowest", &Chip::lowest).max(7),
                field("expected-icw", &Chip::expected_icw).max(4),
                field("needs-icw4", &Chip::needs_icw4), field("single", &Chip::single),
                field("all-level-triggered", &Chip::all_level_triggered),
                field("auto-eoi", &Chip::auto_eoi),
                field("rotate-on-auto-eoi", &Chip::rotate_on_auto_eoi),
                field("special-mask", &Chip::special_mask),
                field("special-fully-nested", &Chip::special_fully_nested),
                field("poll", &Chip::poll), field("read-in-service", &Chip::read_in_service)));
}

util::Status Pic8259Pair::on_realize() {
  map_region("master", 0x20);
  map_region("slave", 0xa0);
  map_region("elcr", 0x4d0);
  return {};
}

void Pic8259Pair::sync_outputs() {
  Chip& master = regs_.chips[kMaster];
  master.set_input(kCascade, regs_.chips[kSlave].highest_request(false) >= 0);
  interrupt_.set(master.highest_request(true) >= 0);
}

unsigned Pic8259Pair::Chip::priority_of(uint8_t irs) const {
  if (irs == 0) return 8;
  return static_cast<unsigned>(std::countr_zero(std::rotr(irs, (lowest + 1) & 7)));
}

int Pic8259Pair::Chip::highest_request(bool is_master) const {
  const unsigned requested = priority_of(requests & ~mask);
  if (requested == 8 || expected_icw != 0) return -1;
  uint8_t blocking = in_service;
  if (special_mask) blocking &= ~mask;
  // A slave in service does not block its own higher requests in special fully nested mode.
  if (special_fully_nested && is_master) blocking &= ~bit(kCascade);
  if (requested >= priority_of(blocking)) return -1;
  return static_cast<int>((requested + lowest + 1) & 7);
}

// The edge latch outlives a falling input, which real chips would report as spurious: devices that
// only pulse their line are heard.
void Pic8259Pair::Chip::set_input(unsigned ir, bool level) {
  const uint8_t mask_of_ir = bit(ir);
  const bool was = levels & mask_of_ir;
  if (effective_level_triggered() & mask_of_ir) {
    requests = static_cast<uint8_t>(level ? requests | mask_of_ir : requests & ~mask_of_ir);
  } else if (level && !was) {
    requests |= mask_of_ir;
  }
  levels = static_cast<uint8_t>(level ? levels | mask_of_ir : levels & ~mask_of_ir);
}

void Pic8259Pair::Chip::acknowledge(unsigned ir) {
  if (!auto_eoi) {
    in_service |= bit(ir);
  } else if (rotate_on_auto_eoi) {
    lowest = static_cast<uint8_t>(ir);
  }
  if (!(effective_level_triggered() & bit(ir))) requests &= ~bit(ir);
}

void Pic8259Pair::set_irq(unsigned irq, bool level) {
  regs_.chips[irq >> 3].set_input(irq & 7, level);
  sync_outputs();
}

uint8_t Pic8259Pair::acknowledge() {
  Chip& master = regs_.chips[kMaster];
  Chip& slave = regs_.chips[kSlave];
  const int request = master.highest_request(true);
  uint8_t vector;
  if (request < 0) {
    vector = master.vector_base + 7;
  } else if (request == kCascade && !master.single) {
    const int cascaded = slave.highest_request(false);
    if (cascaded >= 0) slave.acknowledge(static_cast<unsigned>(cascaded));
    master.acknowledge(kCascade);
    vector = static_cast<uint8_t>(slave.vector_base + (cascaded >= 0 ? cascaded : 7));
  } else {
    master.acknowledge(static_cast<unsigned>(request));
    vector = static_cast<uint8_t>(master.vector_base + request);
  }
  // The cascade is level-like: when the slave has more to say, its output stays up and the master
  // has to see a new request.
  master.levels &= ~bit(kCascade);
  sync_outputs();
  return vector;
}

void Pic8259Pair::Chip::start_initialisation(uint8_t icw1) {
  const Chip before = *this;
  *this = Chip{};
  levels = before.levels;
  level_triggered = before.level_triggered;
  vector_base = before.vector_base;
  expected_icw = 2;
  needs_icw4 = icw1 & 1;
  single = icw1 & 2;
  all_level_triggered = icw1 & 8;
  if (effective_level_triggered()) requests = levels & effective_level_triggered();
}

void Pic8259Pair::Chip::end_of_interrupt(uint8_t command) {
  const unsigned operation = command >> 5;
  const unsigned named = command & 7;
  const unsigned priority = priority_of(special_mask ? in_service & ~mask : in_service);
  const unsigned highest = (priority + lowest + 1) & 7;
  switch (operation) {
    case 0:  // rotate in automatic EOI mode: clear, set
    case 4:
      rotate_on_auto_eoi = operation == 4;
      break;
    case 1:  // non-specific EOI, and with rotation
    case 5:
      if (priority == 8) break;
      in_service &= ~bit(highest);
      if (operation == 5) lowest = static_cast<uint8_t>(highest);
      break;
    case 3:  // specific EOI, and with rotation
    case 7:
      in_service &= ~bit(named);
      if (operation == 7) lowest = static_cast<uint8_t>(named);
      break;
    case 6:  // set priority
      lowest = static_cast<uint8_t>(named);
      break;
    default:  // no operation
      break;
  }
}

void Pic8259Pair::write_command(unsigned index, uint8_t value) {
  Chip& chip = regs_.chips[index];
  if (value & 0x10) {
    chip.start_initialisation(value);
  } else if (value & 0x08) {
    if (value & 4) chip.poll = true;
    if (value & 2) chip.read_in_service = value & 1;
    if (value & 0x40) chip.special_mask = value & 0x20;
  } else {
    chip.end_of_interrupt(value);
    if (index == kSlave) regs_.chips[kMaster].levels &= ~bit(kCascade);
  }
  sync_outputs();
}

void Pic8259Pair::write_data(unsigned index, uint8_t value) {
  Chip& chip = regs_.chips[index];
  switch (chip.expected_icw) {
    case 2:
      chip.vector_base = value & 0xf8;
      chip.expected_icw = !chip.single ? 3 : chip.needs_icw4 ? 4 : 0;
      break;
    case 3:  // the cascade is wired and not for the guest to choose
      chip.expected_icw = chip.needs_icw4 ? 4 : 0;
      break;
    case 4:
      if (!(value & 1)) util::log(util::kLogGuestErrors, "i8259: ICW4 asks for MCS-80 mode\n");
      chip.auto_eoi = value & 2;
      chip.special_fully_nested = value & 0x10;
      chip.expected_icw = 0;
      break;
    default:
      chip.mask = value;
      break;
  }
  sync_outputs();
}

// The poll command: a read acts as the INTA cycles and returns the request's number.
uint8_t Pic8259Pair::poll(unsigned index) {
  Chip& chip = regs_.chips[index];
  chip.poll = false;
  const int request = chip.highest_request(index == kMaster);
  if (request < 0) return 0;
  chip.acknowledge(static_cast<unsigned>(request));
  sync_outputs();
  return static_cast<uint8_t>(0x80 | request);
}

uint8_t Pic8259Pair::read_command(unsigned index) {
  const Chip& chip = regs_.chips[index];
  if (chip.poll) return poll(index);
  return chip.read_in_service ? chip.in_service : chip.requests;
}

uint8_t Pic8259Pair::read_data(unsigned index) {
  return regs_.chips[index].poll ? poll(index) : regs_.chips[index].mask;
}

void Pic8259Pair::write_elcr(uint64_t offset, unsigned, uint64_t value) {
  Chip& chip = regs_.chips[offset];
  chip.level_triggered = static_cast<uint8_t>(value & kElcrWritable[offset]);
  const uint8_t level_inputs = chip.effective_level_triggered();
  chip.requests = (chip.requests & ~level_inputs) | (chip.levels & level_inputs);
  sync_outputs();
}

REGISTER_DEVICE(Pic8259Pair);

}  // namespace vireo::hw
