// A whole `pc` machine with every kind of device, against a guest that writes anything anywhere.
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <memory>

#include "block/testing/memory_drive.h"
#include "core/device/registry.h"
#include "core/machine_lock.h"
#include "core/state/state_stream.h"
#include "core/testing/test_machine.h"
#include "hw/i386/pc_machine.h"
#include "hw/intc/cpu_port.h"
#include "hw/intc/local_apic.h"
#include "tests/conformance/device_rig.h"
#include "tests/conformance/surroundings.h"
#include "util/byte_order.h"

namespace vireo::conformance {
namespace {

constexpr uint64_t kRam = 4 << 20;

struct SilentCpu final : hw::CpuPort {
  void set_interrupt_request(bool pending) override { request = pending; }
  void raise_nmi() override {}
  void raise_smi() override {}
  void init() override {}
  void start_up(uint8_t) override {}
  uint64_t tsc_at(int64_t ns) override { return static_cast<uint64_t>(ns); }
  int64_t time_of_tsc(uint64_t tsc) override { return static_cast<int64_t>(tsc); }
  void set_a20(bool) override {}
  bool request = false;
};

// The machine with one of each card and drive on it. Machine lock held.
class FullMachine {
 public:
  FullMachine() {
    backends.add("drive", "disk", disk.drive.get());
    backends.add("drive", "vdisk", vdisk.drive.get());
    backends.add("drive", "disc", disc.drive.get());
    backends.add("drive", "floppy", floppy.drive.get());
    backends.add("drive", "flash", flash.drive.get());
    EXPECT_TRUE(flash.drive->preload());
    hw::PcConfig config;
    config.flash[0] = "flash";
    config.ram_size = kRam;
    config.serial = {"", ""};
    pc = hw::PcMachine::create(std::move(config), run_control, loop, backends).value();
    pc->attach_cpu(0, cpu);
    add("VGA");
    add("ide-hd", {{"drive", "disk"}});
    add("ide-cd", {{"drive", "disc"}});
    add("isa-fdc", {{"driveA", "floppy"}});
    add("virtio-blk-pci", {{"drive", "vdisk"}});
    add("virtio-net-pci");
    add("virtio-rng-pci");
    add("virtio-serial-pci");
    add("virtconsole");
    add("virtserialport");
    for (const char* type : {"pvpanic", "isa-debugcon", "isa-debug-exit"}) add(type);
    EXPECT_TRUE(pc->reset());
  }

  void add(const char* type, std::vector<std::pair<const char*, const char*>> properties = {}) {
    auto device = core::DeviceRegistry::global().create(type);
    ASSERT_TRUE(device) << device.error().message();
    for (const auto& [name, value] : properties) {
      ASSERT_TRUE((*device)->set_property(name, value)) << type;
    }
    const util::Status added = pc->add_device(std::move(*device));
    ASSERT_TRUE(added) << added.error().message();
  }

  void settle() {
    for (int round = 0; round < 1000 && loop.poll() != 0; ++round) {
    }
  }

  void poke(std::mt19937_64& random, unsigned count) {
    scatter_words(pc->memory(), 0, kRam, random);
    for (unsigned i = 0; i < count; ++i) {
      const unsigned width = 1u << random() % 3;
      switch (random() % 8) {
        case 0:
          pc->ports().write_value(random() & 0xffff, width, random_value(random));
          break;
        case 1:
          pc->ports().read_value(random() & 0xffff, width);
          break;
        case 2:
          poke_space(pc->memory(), random);
          break;
        case 3:
          poke_pci_configuration(*pc->devices()[random() % pc->devices().size()], random);
          break;
        case 4:
          pc->clock().set_ns(pc->clock().now_ns() + static_cast<int64_t>(random() % 1'000'000));
          pc->timers().run_due();
          break;
        case 5:
          if (cpu.request) pc->local_apic(0).acknowledge();
          break;
        default:
          poke_space(pc->ports(), random);
      }
      settle();
    }
  }

  std::vector<std::byte> save() {
    core::StateWriter writer;
    pc->save(writer);
    return std::move(writer).take();
  }

  core::testing::RecordingRunControl run_control;
  core::testing::TableResolver backends;
  util::EventLoop loop;
  block::testing::MemoryDrive disk{loop, 1 << 20};
  block::testing::MemoryDrive vdisk{loop, 1 << 20};
  block::testing::MemoryDrive disc{loop, 1 << 20, {.id = "disc", .cdrom = true}};
  block::testing::MemoryDrive floppy{loop, 720 << 10};
  block::testing::MemoryDrive flash{loop, 128 << 10};
  SilentCpu cpu;
  std::unique_ptr<hw::PcMachine> pc;
};

// VIREO_POKES asks for more than what a quick test does.
unsigned pokes() {
  const char* const wanted = std::getenv("VIREO_POKES");
  return wanted != nullptr ? static_cast<unsigned>(std::atoi(wanted)) : 20'000;
}

TEST(Machine, SurvivesAnythingAndKeepsItsState) {
  const core::MachineLockGuard lock;
  FullMachine first;
  std::mt19937_64 random(std::getenv("VIREO_SEED") ? std::atoi(std::getenv("VIREO_SEED")) : 1);
  for (int round = 0; round < 3; ++round) {
    first.poke(random, pokes());
    const auto saved = first.save();
    const auto reader = core::StateReader::parse(saved);
    ASSERT_TRUE(reader);
    FullMachine second;
    second.pc->clock().set_ns(first.pc->clock().now_ns());
    const util::Status loaded = second.pc->load(*reader);
    ASSERT_TRUE(loaded) << loaded.error().message();
    const auto again = second.save();
    const auto reread = core::StateReader::parse(again);
    ASSERT_TRUE(reread);
    for (size_t i = 0; i < reader->sections().size(); ++i) {
      const auto& before = reader->sections()[i];
      const auto& after = reread->sections()[i];
      EXPECT_TRUE(std::ranges::equal(before.payload, after.payload)) << before.name;
    }
    ASSERT_TRUE(first.pc->reset());
  }
}

TEST(Machine, ResetIsFresh) {
  const core::MachineLockGuard lock;
  FullMachine machine;
  const auto fresh = machine.save();
  std::mt19937_64 random(2);
  machine.poke(random, pokes());
  machine.pc->clock().set_ns(0);
  ASSERT_TRUE(machine.pc->reset());
  const auto after = machine.save();
  const auto a = core::StateReader::parse(fresh);
  const auto b = core::StateReader::parse(after);
  for (size_t i = 0; i < a->sections().size(); ++i) {
    const std::string_view name = a->sections()[i].name;
    if (name.starts_with("mc146818rtc/") || name.starts_with("VGA/")) continue;  // keep memory
    EXPECT_TRUE(std::ranges::equal(a->sections()[i].payload, b->sections()[i].payload)) << name;
  }
}

}  // namespace
}  // namespace vireo::conformance
