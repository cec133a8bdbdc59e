#include <gtest/gtest.h>

#include "core/memory/ram_block.h"
#include "core/testing/test_machine.h"
#include "hw/isa/piix3.h"
#include "hw/pci/i440fx.h"
#include "hw/pci/pci_device.h"

namespace vireo::hw {
namespace {

// A function with one BAR of each kind, MSI and MSI-X.
class Sample final : public PciDevice {
 public:
  static void describe(core::Description<Sample>& d) {
    d.type("pci-sample", "for tests");
    describe_pci(d);
    d.region("registers", core::Space::memory, 0x1000, &Sample::read, &Sample::write);
    d.region("ports", core::Space::ports, 0x20, &Sample::read, &Sample::write);
  }
  Sample() {
    set_identity({.vendor = 0x1234, .device = 0x5678, .class_code = 0xff0000, .interrupt_pin = 1});
  }
  using PciDevice::bus_master;
  using PciDevice::send_msi;
  using PciDevice::send_msix;
  using PciDevice::set_interrupt;

 protected:
  util::Status on_pci_realize() override {
    add_bar(0, region("registers"), BarKind::memory64, true);
    add_bar(2, region("ports"), BarKind::io);
    add_msi(4);
    add_msix_bar(3, 4);
    return {};
  }

 private:
  uint64_t read(uint64_t offset, unsigned) { return offset; }
  void write(uint64_t, unsigned, uint64_t) {}
};

class PciTest : public testing::Test {
 protected:
  PciTest() {
    EXPECT_TRUE(host->realize(machine.environment()));
    bridge->set_ram(machine.ram(), smm_root);
    for (PciDevice* device :
         {static_cast<PciDevice*>(bridge.get()), static_cast<PciDevice*>(piix3.get()),
          static_cast<PciDevice*>(sample.get())}) {
      EXPECT_TRUE(device->attach(host->bus()));
      EXPECT_TRUE(device->realize(machine.environment()));
    }
    host->bus().set_msi_receiver([this](uint64_t address, uint32_t data) {
      message = {address, data};
      ++messages;
    });
    piix3->isa_bus().connect_irq_receiver(11, irq.input(11));
    piix3->isa_bus().connect_irq_receiver(10, irq.input(10));
  }
  ~PciTest() override {
    sample->unrealize();
    piix3->unrealize();
    bridge->unrealize();
    host->unrealize();
  }

  void select(unsigned devfn, unsigned offset) {
    machine.outl(0xcf8, 0x80000000 | devfn << 8 | (offset & 0xfc));
  }
  uint32_t get(unsigned devfn, unsigned offset) {
    select(devfn, offset);
    return machine.inl(0xcfc);
  }
  void put(unsigned devfn, unsigned offset, uint32_t value) {
    select(devfn, offset);
    machine.outl(0xcfc, value);
  }
  unsigned capability(uint8_t id) {
    unsigned offset = get(kSample, kPciCapabilities) & 0xff;
    while (offset != 0 && (get(kSample, offset) & 0xff) != id) {
      offset = get(kSample, offset) >> 8 & 0xff;
    }
    return offset;
  }

  static constexpr unsigned kSample = 2 << 3;
  core::testing::TestMachine machine;
  core::Region smm_root = core::Region::container("smm");
  core::testing::IrqProbe irq;
  std::pair<uint64_t, uint32_t> message;
  int messages = 0;
  std::unique_ptr<I440fxHost> host = core::make_device<I440fxHost>();
  std::unique_ptr<I440fxBridge> bridge = core::make_device<I440fxBridge>();
  std::unique_ptr<Piix3> piix3 = core::make_device<Piix3>();
  std::unique_ptr<Sample> sample = core::make_device<Sample>();
};

TEST_F(PciTest, ConfigurationMechanismFindsFunctions) {
  EXPECT_EQ(get(0, 0), 0x12378086u);
  EXPECT_EQ(get(1 << 3, 0), 0x70008086u);
  EXPECT_EQ(get(kSample, 0), 0x56781234u);
  EXPECT_EQ(get(9 << 3, 0), 0xffffffffu);
  select(kSample, 0);
  EXPECT_EQ(machine.inw(0xcfe), 0x5678);
  put(kSample, 0, 0);
  EXPECT_EQ(get(kSample, 0), 0x56781234u);
}

TEST_F(PciTest, BarsAreSizedAndMapped) {
  put(kSample, 0x10, 0xffffffff);
  EXPECT_EQ(get(kSample, 0x10), 0xfffff00cu);
  put(kSample, 0x18, 0xffffffff);
  EXPECT_EQ(get(kSample, 0x18), 0xffffffe1u);
  put(kSample, 0x10, 0xe0000000);
  put(kSample, 0x14, 1);
  put(kSample, 0x18, 0xc000);
  EXPECT_EQ(machine.inb(0xc004), 0xff);
  put(kSample, 4, 3);
  EXPECT_EQ(machine.inb(0xc004), 4);
  EXPECT_EQ(machine.memory.load<uint8_t>(0x1e0000012), 0x12);
  put(kSample, 0x14, 0);
  EXPECT_EQ(machine.memory.load<uint8_t>(0xe0000013), 0x13);
  put(kSample, 4, 0);
  EXPECT_EQ(machine.memory.load<uint8_t>(0xe0000013), 0xff);
}

TEST_F(PciTest, SmramIsSeenInSystemManagementModeOrWhileOpen) {
  core::AddressSpace in_smm("smm", smm_root);
  const auto video = core::RamBlock::create("video", 0x20000).value();
  core::Region display = core::Region::ram("display", *video, 0, 0x20000);
  machine.memory.root().add_subregion(display, 0xa0000);
  const auto shows = [](core::AddressSpace& memory, uint8_t value) {
    return memory.load<uint8_t>(0xa0000) == value;
  };
  put(0, 0x70, 0x4a << 16);
  machine.memory.store<uint8_t>(0xa0000, 7);
  EXPECT_TRUE(shows(machine.memory, 7) && shows(in_smm, 7));
  put(0, 0x70, 0x0a << 16);
  EXPECT_TRUE(shows(machine.memory, 0) && shows(in_smm, 7));
  put(0, 0x70, 0x42 << 16);
  EXPECT_TRUE(shows(machine.memory, 0) && shows(in_smm, 0xff)) << "D_OPEN needs G_SMRAME";
  put(0, 0x70, 0x5a << 16);
  EXPECT_TRUE(shows(machine.memory, 0) && shows(in_smm, 7)) << "locking closes";
  put(0, 0x70, 0x4a << 16);
  EXPECT_EQ(get(0, 0x70) >> 16 & 0xff, 0x1au) << "until the next reset";
}

TEST_F(PciTest, InterruptLinesGoWherePiix3Routes) {
  sample->set_interrupt(true);
  EXPECT_FALSE(irq.level(11));
  put(1 << 3, 0x60, 0x80800b80);  // slot 2, INTA#: PIRQB
  EXPECT_TRUE(irq.level(11));
  put(1 << 3, 0x60, 0x80800a80);
  EXPECT_FALSE(irq.level(11));
  EXPECT_TRUE(irq.level(10));
  EXPECT_TRUE(get(kSample, 4) & kPciStatusInterrupt << 16);
  put(kSample, 4, kPciCommandIntxDisable);
  EXPECT_FALSE(irq.level(10));
}

TEST_F(PciTest, MsiCarriesTheVector) {
  const unsigned msi = capability(kPciCapabilityMsi);
  ASSERT_NE(msi, 0u);
  sample->send_msi(1);
  EXPECT_EQ(messages, 0);
  put(kSample, msi + 4, 0xfee00000);
  put(kSample, msi + 12, 0x40);
  put(kSample, msi, 0x00210000);  // enabled, two vectors
  sample->send_msi(1);
  EXPECT_EQ(message, std::make_pair(uint64_t{0xfee00000}, uint32_t{0x41}));
}

TEST_F(PciTest, MaskedMsixVectorsWait) {
  const unsigned msix = capability(kPciCapabilityMsix);
  ASSERT_NE(msix, 0u);
  EXPECT_EQ(get(kSample, msix) >> 16, 2u);
  put(kSample, 0x20, 0xd0000000);
  put(kSample, 4, 2);
  machine.memory.store<uint64_t>(0xd0000010, 0xfee01000);
  machine.memory.store<uint32_t>(0xd0000018, 0x51);
  put(kSample, msix, 0x80000000);
  sample->send_msix(1);
  EXPECT_EQ(messages, 0);
  EXPECT_EQ(machine.memory.load<uint32_t>(0xd0000800), 2u);
  machine.memory.store<uint32_t>(0xd000001c, 0);
  EXPECT_EQ(message, std::make_pair(uint64_t{0xfee01000}, uint32_t{0x51}));
  EXPECT_EQ(machine.memory.load<uint32_t>(0xd0000800), 0u);
}

TEST_F(PciTest, PamOpensShadowRam) {
  select(0, 0x58);
  machine.outb(0xcfd, 0x30);  // PAM0: F0000h
  machine.memory.store<uint8_t>(0xf1234, 0x5a);
  EXPECT_EQ(machine.memory.load<uint8_t>(0xf1234), 0x5a);
  EXPECT_EQ(machine.ram().data()[0xf1234], std::byte{0x5a});
}

TEST_F(PciTest, ResetControlNeedsARisingBit) {
  machine.outb(0xcf9, 0x02);
  EXPECT_EQ(machine.run_control.resets, 0);
  machine.outb(0xcf9, 0x06);
  EXPECT_EQ(machine.run_control.resets, 1);
}

TEST_F(PciTest, StateAndResetKeepTheIdentity) {
  put(kSample, 0x10, 0xe0000000);
  put(kSample, 4, 2);
  const auto stream = core::testing::save_state(*sample);
  sample->reset();
  EXPECT_EQ(get(kSample, 0x10), 0x0000000cu);
  EXPECT_EQ(get(kSample, 0), 0x56781234u);
  ASSERT_TRUE(core::testing::load_state(*sample, stream));
  EXPECT_EQ(core::testing::save_state(*sample), stream);
  EXPECT_EQ(machine.memory.load<uint8_t>(0xe0000013), 0x13);
}

TEST_F(PciTest, AddressesAreChecked) {
  auto other = core::make_device<Sample>();
  EXPECT_TRUE(other->set_property("addr", "02.0"));
  EXPECT_FALSE(other->attach(host->bus()));
  EXPECT_TRUE(other->set_property("addr", "20"));
  EXPECT_FALSE(other->attach(host->bus()));
  EXPECT_TRUE(other->set_property("addr", "1f.7"));
  EXPECT_TRUE(other->attach(host->bus()));
  EXPECT_EQ(host->bus().address_of(*other), "1f.7");
}

}  // namespace
}  // namespace vireo::hw
