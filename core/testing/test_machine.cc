#include "core/testing/test_machine.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/state/state_stream.h"

namespace vireo::core::testing {

util::Result<void*> TableResolver::resolve(std::string_view kind, std::string_view name) {
  const auto found = objects_.find({std::string(kind), std::string(name)});
  if (found != objects_.end()) return found->second;
  return util::Error(util::ErrorCode::kNotFound, fmt::format("there is no {} '{}'", kind, name));
}

TestMachine::TestMachine(uint64_t ram_size)
    : memory_root_(Region::container("memory")),
      ports_root_(Region::container("ports", 0x10000)),
      ram_(std::move(RamBlock::create("ram", ram_size)).value()),
      ram_region_(Region::ram("ram", *ram_, 0, ram_size)),
      timers(clock, loop),
      memory("memory", memory_root_),
      ports("ports", ports_root_),
      environment_{memory, ports, clock, timers, run_control, loop, backends} {
  memory_root_.add_subregion(ram_region_, 0);
}

void TestMachine::advance_ns(int64_t duration) {
  const int64_t end = clock.now_ns() + duration;
  while (true) {
    const int64_t next = timers.next_deadline_ns();
    if (next < 0 || next > end) break;
    clock.set_ns(std::max(next, clock.now_ns()));
    timers.run_due();
  }
  clock.set_ns(end);
}

void TestMachine::run_loop() {
  constexpr int kMostRounds = 1000;  // a watch on a regular file is always ready
  for (int round = 0; round < kMostRounds && loop.poll() != 0; ++round) {
  }
}

std::vector<std::byte> save_state(const Device& device) {
  StateWriter writer;
  device.save(writer, 0);
  return std::move(writer).take();
}

util::Status load_state(Device& device, const std::vector<std::byte>& stream) {
  VIREO_TRY_ASSIGN(reader, StateReader::parse(stream));
  return device.load(reader, 0);
}

}  // namespace vireo::core::testing
