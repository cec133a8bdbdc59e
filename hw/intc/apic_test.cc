#include <gtest/gtest.h>

#include "core/testing/test_machine.h"
#include "hw/intc/apic_bus.h"
#include "hw/intc/cpu_port.h"
#include "hw/intc/io_apic.h"
#include "hw/intc/local_apic.h"

namespace vireo::hw {
namespace {

struct RecordingCpu final : CpuPort {
  void set_interrupt_request(bool pending) override { request = pending; }
  void raise_nmi() override { ++nmis; }
  void raise_smi() override { ++smis; }
  void init() override { ++inits; }
  void start_up(uint8_t vector) override { start_vector = vector; }
  uint64_t tsc_at(int64_t ns) override { return static_cast<uint64_t>(ns) * 2; }
  int64_t time_of_tsc(uint64_t tsc) override { return static_cast<int64_t>(tsc / 2); }
  void set_a20(bool) override {}

  bool request = false;
  int nmis = 0, smis = 0, inits = 0, start_vector = -1;
};

class ApicTest : public testing::Test {
 protected:
  ApicTest() {
    EXPECT_TRUE(bus->realize(machine.environment()));
    for (unsigned i = 0; i < 2; ++i) {
      apics[i] = core::make_device<LocalApic>();
      apics[i]->set_identity(i, i == 0);
      apics[i]->connect(cpus[i], *bus, [] { return uint8_t{0x77}; });
      EXPECT_TRUE(apics[i]->realize(machine.environment()));
      bus->add(*apics[i]);
    }
    bus->set_current([this] { return apics[current].get(); });
    io_apic->connect(*bus);
    EXPECT_TRUE(io_apic->realize(machine.environment()));
    for (current = 0; current < 2; ++current) put(0xf0, 0x1ff);
    current = 0;
  }
  ~ApicTest() override {
    io_apic->unrealize();
    for (auto& apic : apics) apic->unrealize();
    bus->unrealize();
  }

  uint32_t get(uint32_t offset) { return machine.memory.load<uint32_t>(0xfee00000 + offset); }
  void put(uint32_t offset, uint32_t value) {
    machine.memory.store<uint32_t>(0xfee00000 + offset, value);
  }
  void redirect(unsigned pin, uint64_t entry) {
    for (unsigned half = 0; half < 2; ++half) {
      machine.memory.store<uint32_t>(0xfec00000, 0x10 + 2 * pin + half);
      machine.memory.store<uint32_t>(0xfec00010, static_cast<uint32_t>(entry >> (32 * half)));
    }
  }
  uint32_t redirection(unsigned pin) {
    machine.memory.store<uint32_t>(0xfec00000, 0x10 + 2 * pin);
    return machine.memory.load<uint32_t>(0xfec00010);
  }
  void set_pin(unsigned pin, bool level) {
    const core::IrqInput input = io_apic->interrupt_input("pin", pin);
    input.handler->set_irq(input.line, level);
  }

  core::testing::TestMachine machine;
  RecordingCpu cpus[2];
  unsigned current = 0;
  std::unique_ptr<ApicBus> bus = core::make_device<ApicBus>();
  std::unique_ptr<LocalApic> apics[2];
  std::unique_ptr<IoApic> io_apic = core::make_device<IoApic>();
};

TEST_F(ApicTest, PrioritiesHoldLowerVectorsBack) {
  put(0x300, 0x40000 | 0x41);  // to itself
  put(0x300, 0x40000 | 0x62);
  EXPECT_TRUE(cpus[0].request);
  EXPECT_EQ(apics[0]->acknowledge(), 0x62);
  EXPECT_FALSE(cpus[0].request);
  EXPECT_EQ(get(0xa0), 0x60u);
  EXPECT_EQ(get(0x130), 4u);  // ISR bit 62h
  put(0xb0, 0);
  EXPECT_EQ(apics[0]->acknowledge(), 0x41);
  put(0xb0, 0);
  put(0x80, 0x50);
  put(0x300, 0x40000 | 0x41);
  EXPECT_FALSE(cpus[0].request);
  apics[0]->set_cr8(0);
  EXPECT_TRUE(cpus[0].request);
}

TEST_F(ApicTest, IpisReachOthers) {
  put(0x310, 1u << 24);
  put(0x300, 0x4500);
  EXPECT_EQ(cpus[1].inits, 1);
  put(0x300, 0x4608);
  EXPECT_EQ(cpus[1].start_vector, 8);
  put(0x300, 0xc0400);  // NMI to all but itself
  EXPECT_EQ(cpus[0].nmis, 0);
  EXPECT_EQ(cpus[1].nmis, 1);
}

TEST_F(ApicTest, LogicalDestinationAndLowestPriority) {
  put(0xd0, 0x01000000);
  current = 1;
  put(0xd0, 0x02000000);
  current = 0;
  put(0x80, 0x20);
  bus->deliver_msi(0xfee03004, 0x0100 | 0x55);
  EXPECT_FALSE(cpus[0].request);
  EXPECT_TRUE(cpus[1].request);
  EXPECT_EQ(apics[1]->acknowledge(), 0x55);
}

TEST_F(ApicTest, LevelTriggeredPinsWaitForEoi) {
  redirect(10, 0x8000 | 0x50);
  set_pin(10, true);
  EXPECT_EQ(redirection(10), 0xc050u);
  EXPECT_EQ(apics[0]->acknowledge(), 0x50);
  put(0xb0, 0);
  EXPECT_EQ(apics[0]->acknowledge(), 0x50);  // still asserted
  set_pin(10, false);
  put(0xb0, 0);
  EXPECT_FALSE(cpus[0].request);
  EXPECT_EQ(redirection(10), 0x8050u);
}

TEST_F(ApicTest, EdgePinsAndPolarity) {
  redirect(4, 0x10000 | 0x34);
  set_pin(4, true);
  EXPECT_FALSE(cpus[0].request);
  redirect(4, 0x34);
  EXPECT_EQ(apics[0]->acknowledge(), 0x34);
  put(0xb0, 0);
  redirect(5, 0xa000 | 0x35);  // active low: asserted while the line is low
  EXPECT_EQ(apics[0]->acknowledge(), 0x35);
}

TEST_F(ApicTest, VirtualWirePassesThe8259) {
  const core::IrqInput lint0 = apics[0]->interrupt_input("lint", 0);
  lint0.handler->set_irq(lint0.line, true);
  EXPECT_EQ(apics[0]->acknowledge(), 0x77);
  put(0x350, 0x10700);
  EXPECT_FALSE(cpus[0].request);
  EXPECT_EQ(apics[0]->acknowledge(), std::nullopt);
}

TEST_F(ApicTest, PeriodicAndOneShotTimer) {
  put(0x3e0, 0xb);  // divide by 1
  put(0x320, 0x20000 | 0x30);
  put(0x380, 1'000'000);
  machine.advance_ns(250'000);
  EXPECT_EQ(get(0x390), 750'000u);
  machine.advance_ns(800'000);
  EXPECT_EQ(apics[0]->acknowledge(), 0x30);
  put(0xb0, 0);
  machine.advance_ns(1'000'000);
  EXPECT_EQ(apics[0]->acknowledge(), 0x30);
  put(0xb0, 0);
  put(0x320, 0x31);
  put(0x380, 1000);
  machine.advance_ns(5'000);
  EXPECT_EQ(get(0x390), 0u);
  EXPECT_EQ(apics[0]->acknowledge(), 0x31);
}

TEST_F(ApicTest, TscDeadline) {
  put(0x320, 0x40000 | 0x33);
  apics[0]->set_tsc_deadline(2'000'000);
  EXPECT_EQ(apics[0]->tsc_deadline(), 2'000'000u);
  machine.advance_ns(1'000'000);
  EXPECT_EQ(apics[0]->acknowledge(), 0x33);
  EXPECT_EQ(apics[0]->tsc_deadline(), 0u);
}

TEST_F(ApicTest, X2ApicMode) {
  EXPECT_FALSE(apics[0]->read_msr(0x802).has_value());
  EXPECT_TRUE(apics[0]->write_base_msr(0xfee00d00));
  EXPECT_FALSE(apics[0]->write_base_msr(0xfee00900));  // back to xAPIC only through off
  EXPECT_EQ(get(0x20), 0xffffffffu);
  EXPECT_EQ(apics[0]->read_msr(0x80d), 1u);
  EXPECT_TRUE(apics[0]->write_msr(0x83f, 0x44));
  EXPECT_EQ(apics[0]->acknowledge(), 0x44);
  EXPECT_FALSE(apics[0]->write_msr(0x80b, 1));
  EXPECT_TRUE(apics[0]->write_msr(0x80b, 0));
  EXPECT_FALSE(apics[0]->write_msr(0x802, 5));
  EXPECT_TRUE(apics[0]->write_msr(0x830, uint64_t{1} << 32 | 0x66));
  EXPECT_EQ(apics[1]->acknowledge(), 0x66);
}

TEST_F(ApicTest, ErrorsAreLatchedByWriting) {
  put(0x370, 0xfe);
  put(0x300, 0x40000 | 0x05);
  EXPECT_EQ(get(0x280), 0u);
  put(0x280, 0);
  EXPECT_EQ(get(0x280), 0x20u);
  EXPECT_EQ(apics[0]->acknowledge(), 0xfe);
}

TEST_F(ApicTest, StateSurvives) {
  put(0x3e0, 0xb);
  put(0x320, 0x20000 | 0x30);
  put(0x380, 1'000'000);
  put(0x300, 0x40000 | 0x62);
  redirect(10, 0x8000 | 0x50);
  set_pin(10, true);
  const auto apic_stream = core::testing::save_state(*apics[0]);
  const auto io_stream = core::testing::save_state(*io_apic);
  apics[0]->reset();
  io_apic->reset();
  ASSERT_TRUE(core::testing::load_state(*apics[0], apic_stream));
  ASSERT_TRUE(core::testing::load_state(*io_apic, io_stream));
  EXPECT_EQ(core::testing::save_state(*apics[0]), apic_stream);
  EXPECT_EQ(core::testing::save_state(*io_apic), io_stream);
  EXPECT_EQ(apics[0]->acknowledge(), 0x62);
}

}  // namespace
}  // namespace vireo::hw
