#include <gtest/gtest.h>

#include <random>

#include "block/testing/memory_drive.h"
#include "core/testing/test_machine.h"
#include "hw/ide/ide_cd.h"
#include "hw/ide/ide_hd.h"
#include "hw/ide/piix_ide.h"
#include "hw/pci/pci_bus.h"

namespace vireo::hw {
namespace {

// A disk as master and a CD-ROM drive as slave of the first channel.
class IdeTest : public ::testing::Test {
 protected:
  static constexpr uint16_t kBase = 0x1f0, kControl = 0x3f6, kMaster = 0xc000;
  static constexpr uint64_t kTable = 0x1000, kData = 0x10000;

  IdeTest() {
    machine.backends.add("drive", "disk", disk.drive.get());
    machine.backends.add("drive", "disc", disc.drive.get());
    EXPECT_TRUE(controller->attach(bus));
    EXPECT_TRUE(controller->realize(machine.environment()));
    add(*hd, "disk");
    add(*cd, "disc");
    controller->interrupt_output("irq", 0).connect(irq.input());
    controller->config_write(0x20, 4, kMaster);
    controller->config_write(kPciCommand, 2, 5);
    controller->enable_channels();
  }
  ~IdeTest() override {
    cd->unrealize();
    hd->unrealize();
    controller->unrealize();
  }
  void add(IdeDrive& drive, std::string_view backend) {
    EXPECT_TRUE(drive.set_property("drive", backend));
    EXPECT_TRUE(drive.attach(controller->channel(0)));
    EXPECT_TRUE(drive.realize(machine.environment()));
  }

  uint8_t status() { return machine.inb(kBase + 7); }
  void command(uint8_t opcode, uint32_t lba, uint8_t count, uint8_t device = 0xe0) {
    machine.outb(kBase + 6, static_cast<uint8_t>(device | (lba >> 24 & 15)));
    machine.outb(kBase + 2, count);
    for (unsigned i = 0; i < 3; ++i) {
      machine.outb(static_cast<uint16_t>(kBase + 3 + i), static_cast<uint8_t>(lba >> 8 * i));
    }
    machine.outb(kBase + 7, opcode);
    machine.run_loop();
  }
  void extended(uint8_t opcode, uint64_t lba, uint16_t count) {
    machine.outb(kBase + 6, 0xe0);
    for (unsigned high = 2; high-- > 0;) {
      machine.outb(kBase + 2, static_cast<uint8_t>(count >> 8 * high));
      for (unsigned i = 0; i < 3; ++i) {
        machine.outb(static_cast<uint16_t>(kBase + 3 + i),
                     static_cast<uint8_t>(lba >> (8 * i + 24 * high)));
      }
    }
    machine.outb(kBase + 7, opcode);
    machine.run_loop();
  }
  std::vector<uint8_t> read_pio(size_t length) {
    std::vector<uint8_t> data(length);
    for (size_t i = 0; i < length; i += 4) {
      util::store_little<uint32_t>(&data[i], machine.inl(kBase));
      machine.run_loop();
    }
    return data;
  }
  void packet(std::initializer_list<uint8_t> bytes, uint16_t limit = 0xfffe, bool dma = false) {
    machine.outb(kBase + 6, 0xb0);
    machine.outb(kBase + 1, dma);
    machine.outb(kBase + 4, static_cast<uint8_t>(limit));
    machine.outb(kBase + 5, static_cast<uint8_t>(limit >> 8));
    machine.outb(kBase + 7, 0xa0);
    EXPECT_EQ(machine.inb(kBase + 2), 1);
    std::array<uint8_t, 12> cdb{};
    std::ranges::copy(bytes, cdb.begin());
    for (size_t i = 0; i < 12; i += 2) {
      machine.outw(kBase, util::load_little<uint16_t>(&cdb[i]));
    }
    machine.run_loop();
  }
  void region(unsigned index, uint32_t address, uint32_t length) {
    machine.memory.store<uint32_t>(kTable + 8 * index, address);
    machine.memory.store<uint32_t>(kTable + 8 * index + 4, length);
  }
  void start_dma(bool to_memory) {
    machine.outl(kMaster + 4, kTable);
    machine.outb(kMaster + 2, 6);
    machine.outb(kMaster, to_memory ? 9 : 1);
    machine.run_loop();
  }
  bool same(const std::vector<uint8_t>& got, const std::vector<std::byte>& medium, size_t at) {
    return std::memcmp(got.data(), medium.data() + at, got.size()) == 0;
  }
  std::vector<uint8_t> memory(uint64_t address, size_t length) {
    std::vector<uint8_t> copy(length);
    machine.memory.read(address, std::as_writable_bytes(std::span(copy)));
    return copy;
  }

  core::testing::TestMachine machine;
  core::testing::IrqProbe irq;
  block::testing::MemoryDrive disk{machine.loop, 1 << 20};
  block::testing::MemoryDrive disc{
      machine.loop, 1 << 20, {.id = "disc", .read_only = true, .cdrom = true}};
  PciBus bus{nullptr, machine.memory.root()};
  std::unique_ptr<PiixIde> controller = core::make_device<PiixIde>();
  std::unique_ptr<IdeHd> hd = core::make_device<IdeHd>();
  std::unique_ptr<IdeCd> cd = core::make_device<IdeCd>();
};

TEST_F(IdeTest, Identifies) {
  command(0xec, 0, 0);
  EXPECT_TRUE(irq.level());
  EXPECT_EQ(status(), 0x58);
  EXPECT_FALSE(irq.level());
  const auto block = read_pio(512);
  EXPECT_EQ(util::load_little<uint32_t>(&block[120]), 2048u);
  EXPECT_EQ(block[55], 'V');
  EXPECT_EQ(status(), 0x50);
  EXPECT_FALSE(irq.level()) << "no interrupt after the last block";
}

TEST_F(IdeTest, ReadsByPioWithAnInterruptASector) {
  command(0x20, 7, 3);
  const auto first = read_pio(512);
  EXPECT_TRUE(same(first, disk.medium.bytes, 7 * 512));
  EXPECT_TRUE(irq.level());
  EXPECT_EQ(status(), 0x58);
  EXPECT_TRUE(same(read_pio(1024), disk.medium.bytes, 8 * 512));
  EXPECT_EQ(status(), 0x50);
  EXPECT_EQ(disk.medium.reads, 1);
  // CHS 0/1/1 is the sector behind the first track.
  machine.outb(kBase + 6, 0xa1);
  machine.outb(kBase + 2, 1);
  machine.outb(kBase + 3, 1);
  machine.outb(kBase + 4, 0);
  machine.outb(kBase + 5, 0);
  machine.outb(kBase + 7, 0x20);
  machine.run_loop();
  EXPECT_TRUE(same(read_pio(512), disk.medium.bytes, 63 * 512));
}

TEST_F(IdeTest, WritesByPioMultiple) {
  command(0xc6, 0, 4);
  command(0xc5, 10, 6);
  EXPECT_EQ(status(), 0x58);
  for (unsigned i = 0; i < 6 * 512 / 4; ++i) machine.outl(kBase, 0x01020304 + i);
  EXPECT_EQ(status() & 0x80, 0x80);
  machine.run_loop();
  EXPECT_EQ(status(), 0x50);
  EXPECT_EQ(irq.edges(), 3) << "SET MULTIPLE, the second block, the end";
  EXPECT_EQ(disk.medium.writes, 1);
  EXPECT_EQ(disk.medium.bytes[16 * 512 - 4], std::byte{0x03});
}

TEST_F(IdeTest, MovesByDmaOverSeveralRegions) {
  region(0, kData, 512);
  region(1, kData + 0x800, 512 | 0x80000000);
  extended(0x25, 100, 2);
  start_dma(/*to_memory=*/true);
  EXPECT_TRUE(same(memory(kData, 512), disk.medium.bytes, 100 * 512));
  EXPECT_TRUE(same(memory(kData + 0x800, 512), disk.medium.bytes, 101 * 512));
  EXPECT_EQ(machine.inb(kMaster + 2), 4);
  EXPECT_EQ(status(), 0x50);
  machine.outb(kMaster, 0);
  machine.memory.store<uint32_t>(kData, 0xfeedface);
  start_dma(/*to_memory=*/false);  // this time before the command
  command(0xca, 200, 2);
  EXPECT_EQ(disk.medium.bytes[200 * 512], std::byte{0xce});
  EXPECT_EQ(machine.inb(kMaster + 2), 4);
}

TEST_F(IdeTest, BadRegionTablesEndTheTransferOnly) {
  region(0, kData, 512 | 0x80000000);
  command(0xc8, 0, 2);
  start_dma(true);
  EXPECT_EQ(machine.inb(kMaster + 2), 0) << "too short: stopped, no interrupt";
  machine.outb(kMaster, 0);
  machine.outb(kControl, 4);
  machine.outb(kControl, 0);
  region(0, 0xf0000000, 1024 | 0x80000000);
  command(0xc8, 0, 2);
  start_dma(true);
  EXPECT_EQ(machine.inb(kMaster + 2), 2);
  machine.outb(kMaster, 0);
  machine.outb(kControl, 4);
  machine.outb(kControl, 0);
  command(0xec, 0, 0);
  EXPECT_EQ(status(), 0x58);
}

TEST_F(IdeTest, RefusesWhatIsOutsideOrUnknown) {
  command(0x20, 2048, 1);
  EXPECT_EQ(status(), 0x51);
  EXPECT_EQ(machine.inb(kBase + 1), 0x10);
  command(0xb0, 0, 1);
  EXPECT_EQ(machine.inb(kBase + 1), 0x04);
  disk.medium.failing = true;
  command(0x20, 0, 1);
  EXPECT_EQ(status(), 0x51);
  EXPECT_EQ(machine.inb(kBase + 1), 0x40);
}

TEST_F(IdeTest, ResetShowsSignatures) {
  machine.outb(kControl, 4);
  EXPECT_EQ(status(), 0x80);
  machine.outb(kControl, 0);
  EXPECT_EQ(status(), 0x50);
  EXPECT_EQ(machine.inb(kBase + 4), 0x00);
  machine.outb(kBase + 6, 0xb0);
  EXPECT_EQ(machine.inb(kBase + 4), 0x14);
  EXPECT_EQ(machine.inb(kBase + 5), 0xeb);
  EXPECT_EQ(machine.inb(0x177), 0x7f) << "nothing on the second channel, and so not busy";
}

TEST_F(IdeTest, CdAnswersPackets) {
  packet({0x12, 0, 0, 0, 36}, 20);
  EXPECT_EQ(machine.inb(kBase + 2), 2);
  EXPECT_EQ(machine.inb(kBase + 4), 20);
  EXPECT_EQ(read_pio(20)[0], 5);
  EXPECT_EQ(machine.inb(kBase + 4), 16);
  read_pio(16);
  EXPECT_EQ(machine.inb(kBase + 2), 3);
  packet({0x25});
  const auto capacity = read_pio(8);
  EXPECT_EQ(util::load_big<uint32_t>(&capacity[0]), 511u);
  EXPECT_EQ(util::load_big<uint32_t>(&capacity[4]), 2048u);
  packet({0x28, 0, 0, 0, 0, 3, 0, 0, 2}, 2048);
  EXPECT_TRUE(same(read_pio(4096), disc.medium.bytes, 3 * 2048));
  EXPECT_EQ(status(), 0x40);
}

TEST_F(IdeTest, CdReadsByDma) {
  region(0, kData, 4096 | 0x80000000);
  packet({0xa8, 0, 0, 0, 0, 1, 0, 0, 0, 2}, 0, /*dma=*/true);
  start_dma(true);
  EXPECT_TRUE(same(memory(kData, 4096), disc.medium.bytes, 2048));
  EXPECT_EQ(machine.inb(kBase + 2), 3);
}

TEST_F(IdeTest, CdSaysWhatIsWrong) {
  packet({0xff});
  EXPECT_EQ(status(), 0x41);
  packet({0x03, 0, 0, 0, 18});
  const auto sense = read_pio(20);
  EXPECT_EQ(sense[2], 5);
  EXPECT_EQ(sense[12], 0x20);
  packet({0x28, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 1});
  EXPECT_EQ(status(), 0x41);
  packet({0x1b, 0, 0, 0, 2});  // eject
  packet({0x00});
  EXPECT_EQ(machine.inb(kBase + 1) >> 4, 2);
  packet({0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8});
  const auto event = read_pio(8);
  EXPECT_EQ(event[4], 3);
  EXPECT_EQ(event[5], 1);
}

TEST_F(IdeTest, TransfersSurviveSaveAndLoad) {
  command(0x20, 7, 2);
  read_pio(100);
  auto stream = core::testing::save_state(*hd);
  hd->reset();
  ASSERT_TRUE(core::testing::load_state(*hd, stream));
  EXPECT_EQ(core::testing::save_state(*hd), stream);
  EXPECT_TRUE(same(read_pio(924), disk.medium.bytes, 7 * 512 + 100));
  // A disk request that was going on starts again.
  machine.outb(kBase + 2, 1);
  machine.outb(kBase + 3, 9);
  machine.outb(kBase + 7, 0x20);
  stream = core::testing::save_state(*hd);
  hd->reset();
  machine.run_loop();
  ASSERT_TRUE(core::testing::load_state(*hd, stream));
  machine.advance_ns(1);
  machine.run_loop();
  EXPECT_TRUE(same(read_pio(512), disk.medium.bytes, 9 * 512));
}

TEST_F(IdeTest, RandomAccessesNeverCrash) {
  std::minstd_rand random(3);
  for (int i = 0; i < 20000; ++i) {
    const auto port =
        static_cast<uint16_t>(random() % 5 == 0 ? kMaster + random() % 16 : kBase + random() % 8);
    if (random() % 3 == 0) {
      machine.inl(port);
    } else {
      machine.outb(port, static_cast<uint8_t>(random() >> 4));
    }
    if (random() % 16 == 0) machine.run_loop();
  }
  machine.outb(kControl, 4);
  machine.outb(kControl, 0);
  EXPECT_EQ(status(), 0x50);
}

}  // namespace
}  // namespace vireo::hw
