// The 8254 programmable interval timer. Counters do not tick: what they show is computed from the
// time since they were loaded.

#include "hw/timer/pit_8254.h"

#include <algorithm>

#include "core/clock/guest_clock.h"
#include "util/log.h"

namespace vireo::hw {
namespace {

using core::field;

constexpr int64_t kNsPerSecond = 1'000'000'000;
// DRAM refresh toggles bit 4 of port 61h; programs time short delays by it.
constexpr int64_t kRefreshNs = 15'085;
// Faster interrupts would leave the guest no time between them.
constexpr int64_t kShortestIntervalNs = 5'000;

uint16_t to_bcd(uint32_t value) {
  return static_cast<uint16_t>(value % 10 | (value / 10 % 10) << 4 | (value / 100 % 10) << 8 |
                               (value / 1000 % 10) << 12);
}

uint32_t from_bcd(uint32_t value) {
  return (value & 15) + (value >> 4 & 15) * 10 + (value >> 8 & 15) * 100 + (value >> 12) * 1000;
}

}  // namespace

void Pit8254::describe(core::Description<Pit8254>& d) {
  d.type("isa-pit", "8254 interval timer");
  d.user_creatable(false);
  d.interrupt("irq", &Pit8254::irq_);
  d.interrupt_inputs("disable", 1, &Pit8254::set_disabled);
  constexpr core::IoWidths kBytes{.implemented_max = 1};
  d.region("counters", core::Space::ports, 4, &Pit8254::read, &Pit8254::write, kBytes);
  d.region("port61", core::Space::ports, 1, &Pit8254::read_port61, &Pit8254::write_port61, kBytes);
  d.state(
      &Pit8254::regs_, 1,
      field("counters", &Regs::counters, field("reload", &Counter::reload).min(1).max(0x10000),
            field("start-ns", &Counter::start_ns).min(0), field("mode", &Counter::mode).max(5),
            field("access", &Counter::access).max(3), field("bcd", &Counter::bcd),
            field("gate", &Counter::gate), field("null-count", &Counter::null_count),
            field("loaded", &Counter::loaded), field("triggered", &Counter::triggered),
            field("high-byte-next-write", &Counter::high_byte_next_write),
            field("high-byte-next-read", &Counter::high_byte_next_read),
            field("low-byte", &Counter::low_byte),
            field("status-latched", &Counter::status_latched), field("status", &Counter::status),
            field("latched-bytes", &Counter::latched_bytes).max(2),
            field("latch", &Counter::latch)),
      field("port61", &Regs::port61), field("disabled", &Regs::disabled));
}

util::Status Pit8254::on_realize() {
  timer_.attach(environment().timers, [this] { output_changed(); });
  map_region("counters", 0x40);
  map_region("port61", 0x61);
  return {};
}

void Pit8254::on_reset() {
  regs_.counters[2].gate = false;
  for (Counter& counter : regs_.counters) counter.start_ns = environment().clock.now_ns();
}

void Pit8254::sync_outputs() {
  const Counter& counter = regs_.counters[0];
  irq_.set(output(counter) && !regs_.disabled);
  int64_t next = regs_.disabled ? -1 : next_change_ns(counter);
  if (next >= 0) next = std::max(next, environment().clock.now_ns() + kShortestIntervalNs);
  timer_.arm(next);
}

void Pit8254::set_disabled(unsigned, bool disabled) {
  regs_.disabled = disabled;
  sync_outputs();
}

// An output that is high before and after its change was low in between: for the one tick of mode
// 2, or unseen because the timer came late.
void Pit8254::output_changed() {
  if (irq_.level() && output(regs_.counters[0])) irq_.lower();
  sync_outputs();
}

int64_t Pit8254::ticks_between(int64_t start_ns, int64_t now_ns) {
  return static_cast<int64_t>(static_cast<__int128>(now_ns - start_ns) * kHz / kNsPerSecond);
}

int64_t Pit8254::ticks(const Counter& counter) const {
  return std::max<int64_t>(0, ticks_between(counter.start_ns, environment().clock.now_ns()));
}

bool Pit8254::running(const Counter& counter) const {
  if (!counter.loaded) return false;
  return counter.mode == 1 || counter.mode == 5 ? counter.triggered : counter.gate;
}

bool Pit8254::output(const Counter& counter) const {
  const bool idle = counter.mode != 0;
  if (!running(counter)) return idle;
  const int64_t passed = ticks(counter);
  const int64_t reload = counter.reload;
  switch (counter.mode) {
    case 0:
    case 1:
      return passed >= reload;
    case 2:
      return passed % reload != reload - 1;
    case 3:
      return passed % reload < (reload + 1) / 2;
    default:
      return passed != reload;
  }
}

int64_t Pit8254::next_change_ns(const Counter& counter) const {
  if (!running(counter)) return -1;
  const int64_t passed = ticks(counter);
  const int64_t reload = counter.reload;
  const int64_t period_start = passed / reload * reload;
  const int64_t in_period = passed - period_start;
  int64_t next;
  switch (counter.mode) {
    case 0:
    case 1:
      if (passed >= reload) return -1;
      next = reload;
      break;
    case 2:  // the low tick and its end are one event
      next = period_start + reload;
      break;
    case 3: {
      const int64_t half = (reload + 1) / 2;
      next = period_start + (in_period < half ? half : reload);
      break;
    }
    default:
      if (passed > reload) return -1;
      next = passed < reload ? reload : reload + 1;
      break;
  }
  // Rounded up: at that time, ticks() has to have reached `next`.
  return counter.start_ns +
         static_cast<int64_t>((static_cast<__int128>(next) * kNsPerSecond + kHz - 1) / kHz);
}

uint16_t Pit8254::count(const Counter& counter) const {
  const int64_t reload = counter.reload;
  int64_t value = reload;
  if (running(counter)) {
    const int64_t passed = ticks(counter);
    switch (counter.mode) {
      case 2:
        value = reload - passed % reload;
        break;
      case 3: {
        // Counts down by two in each half.
        const int64_t half = (reload + 1) / 2;
        const int64_t in_period = passed % reload;
        value = reload - 2 * (in_period < half ? in_period : in_period - half);
        break;
      }
      default:  // goes on below zero
        value = reload - passed;
        break;
    }
  }
  if (counter.bcd) return to_bcd(static_cast<uint32_t>((value % 10000 + 10000) % 10000));
  return static_cast<uint16_t>(value);
}

void Pit8254::load(Counter& counter, uint16_t value) {
  counter.reload = counter.bcd ? from_bcd(value) : value;
  if (counter.reload == 0) counter.reload = counter.bcd ? 10000 : 0x10000;
  // Modes 2 and 3 divide by at least two.
  if ((counter.mode == 2 || counter.mode == 3) && counter.reload == 1) counter.reload = 2;
  counter.start_ns = environment().clock.now_ns();
  counter.loaded = true;
  counter.null_count = false;
  if (counter.mode == 1 || counter.mode == 5) counter.triggered = false;
}

void Pit8254::set_gate(Counter& counter, bool level) {
  const bool rose = level && !counter.gate;
  counter.gate = level;
  if (!rose) return;
  // A rising gate starts or restarts every mode but 0 and 4, which go on where they stood; a guest
  // cannot tell, for the level gates of a PC are set before the count.
  counter.start_ns = environment().clock.now_ns();
  if (counter.mode == 1 || counter.mode == 5) counter.triggered = true;
}

void Pit8254::latch_count(Counter& counter) {
  if (counter.latched_bytes != 0) return;
  counter.latch = count(counter);
  counter.latched_bytes = counter.access == 3 ? 2 : 1;
}

void Pit8254::read_back(uint8_t value) {
  for (unsigned i = 0; i < 3; ++i) {
    if (!(value & (2u << i))) continue;
    Counter& counter = regs_.counters[i];
    if (!(value & 0x20)) latch_count(counter);
    if (!(value & 0x10) && !counter.status_latched) {
      counter.status_latched = true;
      counter.status =
          static_cast<uint8_t>((output(counter) ? 0x80 : 0) | (counter.null_count ? 0x40 : 0) |
                               counter.access << 4 | counter.mode << 1 | counter.bcd);
    }
  }
}

void Pit8254::write_control(uint8_t value) {
  const unsigned index = value >> 6;
  if (index == 3) return read_back(value);
  Counter& counter = regs_.counters[index];
  const uint8_t access = (value >> 4) & 3;
  if (access == 0) return latch_count(counter);
  const bool gate = counter.gate;
  const uint32_t reload = counter.reload;
  counter = Counter{};
  counter.gate = gate;
  counter.reload = reload;
  counter.access = access;
  counter.mode = (value >> 1) & 7;
  if (counter.mode > 5) counter.mode &= 3;  // bit 2 does not matter in modes 2 and 3
  counter.bcd = value & 1;
  counter.null_count = true;
  counter.start_ns = environment().clock.now_ns();
  if (index == 0) sync_outputs();
}

void Pit8254::write_counter(Counter& counter, uint8_t value) {
  counter.null_count = true;
  switch (counter.access) {
    case 1:
      return load(counter, value);
    case 2:
      return load(counter, static_cast<uint16_t>(value << 8));
    default:
      break;
  }
  if (counter.high_byte_next_write) {
    load(counter, static_cast<uint16_t>(value << 8 | counter.low_byte));
  } else {
    counter.low_byte = value;
    if (counter.mode == 0) counter.loaded = false;  // the first byte stops mode 0
  }
  counter.high_byte_next_write = !counter.high_byte_next_write;
}

uint8_t Pit8254::read_counter(Counter& counter) {
  if (counter.status_latched) {
    counter.status_latched = false;
    return counter.status;
  }
  const bool latched = counter.latched_bytes != 0;
  const uint16_t value = latched ? counter.latch : count(counter);
  if (latched) --counter.latched_bytes;
  bool high = counter.access == 2;
  if (counter.access == 3) {
    high = counter.high_byte_next_read;
    counter.high_byte_next_read = !high;
  }
  return static_cast<uint8_t>(high ? value >> 8 : value);
}

uint64_t Pit8254::read(uint64_t offset, unsigned) {
  return offset < 3 ? read_counter(regs_.counters[offset]) : 0xff;
}

void Pit8254::write(uint64_t offset, unsigned, uint64_t value) {
  const auto byte = static_cast<uint8_t>(value);
  if (offset == 3) return write_control(byte);
  write_counter(regs_.counters[offset], byte);
  if (offset == 0) sync_outputs();
}

// Port 61h (82371SB data sheet, 2.5.9.1): gate of counter 2, speaker, refresh toggle, output 2.
uint64_t Pit8254::read_port61(uint64_t, unsigned) {
  const bool refresh = (environment().clock.now_ns() / kRefreshNs) & 1;
  return regs_.port61 | (refresh ? 0x10 : 0) | (output(regs_.counters[2]) ? 0x20 : 0);
}

void Pit8254::write_port61(uint64_t, unsigned, uint64_t value) {
  regs_.port61 = value & 0x0f;
  set_gate(regs_.counters[2], value & 1);
}

REGISTER_DEVICE(Pit8254);

}  // namespace vireo::hw
