#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/clock/guest_clock.h"
#include "core/clock/timer.h"
#include "core/device/backend_ref.h"
#include "core/device/device.h"
#include "core/device/environment.h"
#include "core/device/irq_line.h"
#include "core/machine_lock.h"
#include "core/memory/address_space.h"
#include "core/memory/ram_block.h"
#include "core/memory/region.h"
#include "core/run_control.h"
#include "util/async/event_loop.h"

namespace vireo::core::testing {

/// Remembers what devices asked for.
class RecordingRunControl final : public RunControl {
 public:
  void request_reset(ResetCause) override { ++resets; }
  void request_shutdown(ShutdownCause, int code) override {
    ++shutdowns;
    exit_code = code;
  }
  void request_suspend() override { ++suspends; }
  void request_wakeup() override { ++wakeups; }
  void guest_panicked(bool) override { ++panics; }
  void debug_exit(int code) override {
    ++debug_exits;
    exit_code = code;
  }

  int resets = 0, shutdowns = 0, suspends = 0, wakeups = 0, panics = 0, debug_exits = 0;
  int exit_code = -1;
};

/// Knows the objects that a test put in.
class TableResolver final : public BackendResolver {
 public:
  void add(std::string kind, std::string name, void* object) {
    objects_[{std::move(kind), std::move(name)}] = object;
  }
  util::Result<void*> resolve(std::string_view kind, std::string_view name) override;

 private:
  std::map<std::pair<std::string, std::string>, void*> objects_;
};

/// Remembers levels and counts rising edges; connect with `line.connect(probe.input(n))`.
class IrqProbe final : public IrqHandler {
 public:
  void set_irq(unsigned line, bool level) override {
    if (level && !levels_[line]) ++edges_[line];
    levels_[line] = level;
  }
  IrqInput input(unsigned line = 0) { return {this, line}; }
  bool level(unsigned line = 0) const { return levels_.contains(line) && levels_.at(line); }
  int edges(unsigned line = 0) const { return edges_.contains(line) ? edges_.at(line) : 0; }

 private:
  std::map<unsigned, bool> levels_;
  std::map<unsigned, int> edges_;
};

/// Everything a device needs around it in a unit test: RAM at 0, ports, a stopped clock that the
/// test moves. Holds the machine lock while it exists.
class TestMachine {
 public:
  explicit TestMachine(uint64_t ram_size = 1 << 20);

  const Environment& environment() const { return environment_; }
  RamBlock& ram() { return *ram_; }

  uint8_t inb(uint16_t port) { return ports.load<uint8_t>(port); }
  uint16_t inw(uint16_t port) { return ports.load<uint16_t>(port); }
  uint32_t inl(uint16_t port) { return ports.load<uint32_t>(port); }
  void outb(uint16_t port, uint8_t value) { ports.store<uint8_t>(port, value); }
  void outw(uint16_t port, uint16_t value) { ports.store<uint16_t>(port, value); }
  void outl(uint16_t port, uint32_t value) { ports.store<uint32_t>(port, value); }

  /// Lets guest time pass, running each timer at its own deadline.
  void advance_ns(int64_t duration);
  /// Runs posted and ready event handlers (back-end I/O) until nothing is ready.
  void run_loop();

 private:
  MachineLockGuard lock_;
  Region memory_root_;
  Region ports_root_;
  std::unique_ptr<RamBlock> ram_;
  Region ram_region_;

 public:
  util::EventLoop loop;
  GuestClock clock;
  TimerQueue timers;
  RecordingRunControl run_control;
  TableResolver backends;
  AddressSpace memory;
  AddressSpace ports;

 private:
  Environment environment_;
};

/// The device's whole state as stream bytes, and back.
std::vector<std::byte> save_state(const Device& device);
util::Status load_state(Device& device, const std::vector<std::byte>& stream);

}  // namespace vireo::core::testing
