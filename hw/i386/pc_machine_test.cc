#include "hw/i386/pc_machine.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "core/machine_lock.h"
#include "core/state/state_stream.h"
#include "core/testing/test_machine.h"
#include "hw/intc/cpu_port.h"
#include "hw/intc/local_apic.h"
#include "util/async/event_loop.h"
#include "util/byte_order.h"

namespace vireo::hw {
namespace {

struct FakeCpu final : CpuPort {
  void set_interrupt_request(bool pending) override { request = pending; }
  void raise_nmi() override {}
  void raise_smi() override {}
  void init() override {}
  void start_up(uint8_t) override {}
  uint64_t tsc_at(int64_t ns) override { return static_cast<uint64_t>(ns); }
  int64_t time_of_tsc(uint64_t tsc) override { return static_cast<int64_t>(tsc); }
  void set_a20(bool enabled) override { a20 = enabled; }

  bool request = false;
  bool a20 = false;
};

class PcMachineTest : public testing::Test {
 protected:
  ~PcMachineTest() override {
    machine.reset();
    for (const std::string& path : files) std::filesystem::remove(path);
  }

  void make(PcConfig config) {
    config.ram_size = 64 << 20;
    auto made = PcMachine::create(std::move(config), run_control, loop, backends);
    ASSERT_TRUE(made) << made.error().message();
    machine = std::move(*made);
    machine->attach_cpu(0, cpu);
  }
  std::string write_file(const char* name, const std::vector<uint8_t>& bytes) {
    files.push_back(testing::TempDir() + "pc_machine_test." + std::to_string(getpid()) + name);
    std::ofstream(files.back(), std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
    return files.back();
  }
  // A protocol 2.15 image with `payload` as its protected-mode part.
  static std::vector<uint8_t> linux_image(std::string_view payload) {
    std::vector<uint8_t> image(2 * 512);
    image[0x1f1] = 1;
    util::store_little<uint16_t>(&image[0x1fe], 0xaa55);
    image[0x201] = 0x66;
    util::store_little<uint32_t>(&image[0x202], 0x53726448);
    util::store_little<uint16_t>(&image[0x206], 0x20f);
    image[0x211] = 1;
    util::store_little<uint32_t>(&image[0x22c], 0x7fffffff);
    util::store_little<uint32_t>(&image[0x238], 2047);
    image.insert(image.end(), payload.begin(), payload.end());
    return image;
  }
  uint32_t word(uint64_t address) { return machine->memory().load<uint32_t>(address); }

  core::MachineLockGuard lock;
  core::testing::RecordingRunControl run_control;
  core::testing::TableResolver backends;
  util::EventLoop loop;
  FakeCpu cpu;
  std::vector<std::string> files;
  std::unique_ptr<PcMachine> machine;
};

TEST_F(PcMachineTest, LinuxKernelIsPlacedByTheBootProtocol) {
  PcConfig config;
  config.kernel = write_file("kernel", linux_image("KERNELCODE"));
  config.initrd = write_file("initrd", {'I', 'N', 'I', 'T'});
  config.command_line = "console=ttyS0";
  make(config);
  auto entry = machine->reset();
  ASSERT_TRUE(entry) << entry.error().message();
  ASSERT_TRUE(entry->has_value());
  EXPECT_EQ((*entry)->eip, 0x100000u);
  EXPECT_EQ(word(0x100000), 0x4e52454bu);  // "KERN"
  const uint32_t zero_page = (*entry)->esi;
  EXPECT_EQ(word(word(zero_page + 0x218)), 0x54494e49u);  // "INIT"
  EXPECT_EQ(word(zero_page + 0x21c), 4u);
  EXPECT_EQ(word(word(zero_page + 0x228)), 0x736e6f63u);  // "cons"
  EXPECT_GT(machine->memory().load<uint8_t>(zero_page + 0x1e8), 3);
  const uint64_t rsdp = machine->memory().load<uint64_t>(zero_page + 0x70);
  EXPECT_EQ(machine->memory().load<uint64_t>(rsdp), 0x2052545020445352u);  // "RSD PTR "
  EXPECT_TRUE(cpu.a20);
}

TEST_F(PcMachineTest, MultibootImageGetsItsInformation) {
  // A header with load addresses: the whole file goes to 1 MiB.
  std::vector<uint8_t> image(64);
  const uint32_t flags = 1u << 16;
  const uint32_t header[] = {
      0x1badb002, flags, 0u - 0x1badb002 - flags, 0x100000, 0x100000, 0x100040, 0x101000, 0x100020};
  for (size_t i = 0; i < 8; ++i) util::store_little<uint32_t>(&image[4 * i], header[i]);
  PcConfig config;
  config.kernel = write_file("multiboot", image);
  config.command_line = "arguments";
  make(config);
  auto entry = machine->reset();
  ASSERT_TRUE(entry) << entry.error().message();
  EXPECT_EQ((*entry)->eip, 0x100020u);
  EXPECT_EQ((*entry)->eax, 0x2badb002u);
  EXPECT_EQ(word(0x100000), 0x1badb002u);
  EXPECT_EQ(word((*entry)->ebx) & 0x45, 0x45u);
}

TEST_F(PcMachineTest, BadKernelsAreRefusedInWords) {
  PcConfig config;
  config.kernel = write_file("nonsense", std::vector<uint8_t>(4096, 7));
  make(config);
  auto entry = machine->reset();
  ASSERT_FALSE(entry);
  EXPECT_NE(entry.error().message().find("neither a Linux bzImage nor"), std::string::npos);
}

TEST_F(PcMachineTest, TimerInterruptTravelsThroughThe8259) {
  make({});
  ASSERT_TRUE(machine->reset());
  core::AddressSpace& ports = machine->ports();
  for (auto [port, value] : {std::pair{0x20, 0x11},
                             {0x21, 0x20},
                             {0x21, 4},
                             {0x21, 1},
                             {0x43, 0x34},
                             {0x40, 0x00},
                             {0x40, 0x10}}) {
    ports.store<uint8_t>(static_cast<uint64_t>(port), static_cast<uint8_t>(value));
  }
  machine->clock().set_ns(20'000'000);
  machine->timers().run_due();
  EXPECT_TRUE(cpu.request);
  EXPECT_EQ(machine->local_apic(0).acknowledge(), 0x20);
}

TEST_F(PcMachineTest, FirmwareShowsBelow1MAndBelow4G) {
  std::vector<uint8_t> rom(256 << 10, 0x11);
  rom.back() = 0x99;
  PcConfig config;
  config.firmware = write_file("rom", rom);
  make(config);
  ASSERT_TRUE(machine->reset());
  EXPECT_EQ(machine->memory().load<uint8_t>(0xfffff), 0x99);
  EXPECT_EQ(machine->memory().load<uint8_t>(0xffffffff), 0x99);
  machine->memory().store<uint8_t>(0xfffff, 0);
  EXPECT_EQ(machine->memory().load<uint8_t>(0xfffff), 0x99);
}

TEST_F(PcMachineTest, WholeMachineStateSurvives) {
  make({});
  ASSERT_TRUE(machine->reset());
  machine->ports().store<uint8_t>(0x21, 0x5a);
  const auto save = [this] {
    core::StateWriter writer;
    machine->save(writer);
    return std::move(writer).take();
  };
  const auto stream = save();
  ASSERT_TRUE(machine->reset());
  EXPECT_NE(save(), stream);
  const auto reader = core::StateReader::parse(stream);
  ASSERT_TRUE(reader);
  ASSERT_TRUE(machine->load(*reader));
  EXPECT_EQ(save(), stream);
}

TEST_F(PcMachineTest, FpuErrorsAreInterrupt13) {
  make({});
  ASSERT_TRUE(machine->reset());
  const auto out = [&](uint64_t port, uint8_t value) {
    machine->ports().store<uint8_t>(port, value);
  };
  for (const uint8_t value : {0x08, 0x04, 0x01}) {
    if (value == 0x08) out(0x20, 0x11);
    out(0x21, value);
  }
  for (const uint8_t value : {0x70, 0x02, 0x01}) {
    if (value == 0x70) out(0xa0, 0x11);
    out(0xa1, value);
  }
  out(0x21, 0xfb);
  out(0xa1, 0xdf);
  EXPECT_FALSE(cpu.request);
  machine->signal_fpu_error();
  ASSERT_TRUE(cpu.request);
  EXPECT_EQ(machine->local_apic(0).acknowledge(), 0x75);
  out(0xf0, 0);
  out(0xa0, 0x20);
  out(0x20, 0x20);
  EXPECT_FALSE(cpu.request);
}

}  // namespace
}  // namespace vireo::hw
