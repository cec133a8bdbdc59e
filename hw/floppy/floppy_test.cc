#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "block/testing/memory_drive.h"
#include "core/testing/test_machine.h"
#include "hw/floppy/floppy_controller.h"

namespace vireo::hw {
namespace {

// A DMA controller with memory of its own and a count that runs out.
struct FakeDma final : IsaDma {
  void set_slave(unsigned, IsaDmaSlave* new_slave) override { slave = new_slave; }
  size_t transfer(unsigned channel, uint8_t* buffer, size_t length, bool from_device,
                  bool& terminal_count) override {
    EXPECT_EQ(channel, 2u);
    const size_t moved = std::min(length, left);
    uint8_t* const at = memory.data() + memory.size() - left;
    std::copy_n(from_device ? buffer : at, moved, from_device ? at : buffer);
    left -= moved;
    terminal_count = moved != 0 && left == 0;
    return moved;
  }
  void program(size_t bytes, uint8_t filler = 0) {
    memory.assign(bytes, filler);
    left = bytes;
    slave->dma_ready();
  }

  IsaDmaSlave* slave = nullptr;
  std::vector<uint8_t> memory;
  size_t left = 0;
};

class FloppyTest : public testing::Test {
 protected:
  explicit FloppyTest(size_t kibibytes = 1440, bool read_only = false)
      : disk(machine.loop, kibibytes << 10, {.id = "disk", .read_only = read_only}) {
    machine.backends.add("drive", "disk", disk.drive.get());
    bus.connect_irq_receiver(6, irq.input());
    bus.set_dma(&dma);
    EXPECT_TRUE(controller->set_property("driveA", "disk"));
    EXPECT_TRUE(controller->attach(bus));
    const util::Status realized = controller->realize(machine.environment());
    EXPECT_TRUE(realized) << realized.error().message();
  }
  ~FloppyTest() override {
    if (controller->realized()) controller->unrealize();
  }

  void command(std::initializer_list<uint8_t> bytes) {
    for (const uint8_t byte : bytes) {
      EXPECT_EQ(machine.inb(0x3f4) & 0xc0, 0x80);
      machine.outb(0x3f5, byte);
    }
    machine.run_loop();
  }
  std::vector<uint8_t> result() {
    std::vector<uint8_t> bytes;
    while ((machine.inb(0x3f4) & 0xd0) == 0xd0 && bytes.size() < 20) {
      bytes.push_back(machine.inb(0x3f5));
    }
    return bytes;
  }
  using Bytes = std::vector<uint8_t>;

  // As drivers start: reset, rate of the disk, head to track 0.
  void start(uint8_t rate = 0) {
    machine.outb(0x3f2, 0x00);
    EXPECT_EQ(machine.inb(0x3f4), 0);
    machine.outb(0x3f2, 0x1c);
    EXPECT_TRUE(irq.level());
    for (uint8_t drive = 0; drive < 4; ++drive) {
      command({0x08});
      EXPECT_EQ(result(), (Bytes{static_cast<uint8_t>(0xc0 | drive), 0}));
    }
    EXPECT_FALSE(irq.level());
    machine.outb(0x3f7, rate);
    command({0x03, 0xdf, 0x02});
    command({0x07, 0x00});
    EXPECT_TRUE(irq.level());
    command({0x08});
    EXPECT_EQ(result(), (Bytes{0x20, 0}));
  }
  void seek(uint8_t track) {
    command({0x0f, 0x00, track});
    command({0x08});
    EXPECT_EQ(result(), (Bytes{0x20, track}));
  }
  bool memory_is(size_t disk_offset, size_t bytes) {
    for (size_t i = 0; i < bytes; ++i) {
      if (dma.memory[i] != static_cast<uint8_t>(disk.medium.bytes[disk_offset + i])) {
        return false;
      }
    }
    return true;
  }

  core::testing::TestMachine machine;
  core::testing::IrqProbe irq;
  IsaBus bus;
  FakeDma dma;
  block::testing::MemoryDrive disk;
  std::unique_ptr<FloppyController> controller = core::make_device<FloppyController>();
};

constexpr size_t offset_of(unsigned cylinder, unsigned head, unsigned sector) {
  return ((cylinder * 2 + head) * 18 + sector - 1) * 512;
}

TEST_F(FloppyTest, ReadsSectorsByDma) {
  start();
  seek(5);
  dma.program(1024);
  command({0xe6, 0x04, 5, 1, 3, 2, 18, 0x1b, 0xff});
  EXPECT_TRUE(irq.level());
  EXPECT_EQ(result(), (Bytes{0x04, 0, 0, 5, 1, 5, 2}));
  EXPECT_FALSE(irq.level());
  EXPECT_TRUE(memory_is(offset_of(5, 1, 3), 1024));
}

TEST_F(FloppyTest, MultiTrackGoesOnToTheOtherHead) {
  start();
  dma.program(4 * 512);
  command({0xe6, 0x00, 0, 0, 17, 2, 18, 0x1b, 0xff});
  EXPECT_EQ(result(), (Bytes{0x04, 0, 0, 0, 1, 3, 2}));
  EXPECT_TRUE(memory_is(offset_of(0, 0, 17), 4 * 512));
}

TEST_F(FloppyTest, EndOfTrackWithoutTerminalCountIsAnError) {
  start();
  dma.program(4 * 512);
  command({0x46, 0x00, 0, 0, 17, 2, 18, 0x1b, 0xff});
  EXPECT_EQ(result(), (Bytes{0x40, 0x80, 0, 1, 0, 1, 2}));
}

TEST_F(FloppyTest, WritesWholeSectors) {
  start();
  seek(79);
  dma.program(600, 0xa5);
  command({0xc5, 0x04, 79, 1, 17, 2, 18, 0x1b, 0xff});
  EXPECT_EQ(result(), (Bytes{0x04, 0, 0, 80, 0, 1, 2}));
  const size_t at = offset_of(79, 1, 17);
  EXPECT_EQ(disk.medium.bytes[at + 599], std::byte{0xa5});
  EXPECT_EQ(disk.medium.bytes[at + 600], std::byte{0});
  EXPECT_EQ(disk.medium.bytes[at + 1023], std::byte{0});
}

TEST_F(FloppyTest, TheHostMayProgramDmaLate) {
  start();
  command({0xe6, 0x00, 0, 0, 1, 2, 18, 0x1b, 0xff});
  EXPECT_FALSE(irq.level());
  EXPECT_EQ(machine.inb(0x3f4), 0x10);
  dma.program(512);
  EXPECT_TRUE(irq.level());
  EXPECT_TRUE(memory_is(0, 512));
}

TEST_F(FloppyTest, WithoutDmaBytesGoThroughTheFifo) {
  start();
  command({0x03, 0xdf, 0x03});
  command({0x46, 0x00, 0, 0, 2, 2, 2, 0x1b, 0xff});
  EXPECT_TRUE(irq.level());
  for (unsigned i = 0; i < 512; ++i) {
    ASSERT_EQ(machine.inb(0x3f4), 0xf0);
    ASSERT_EQ(machine.inb(0x3f5), static_cast<uint8_t>(disk.medium.bytes[512 + i]));
  }
  EXPECT_EQ(result(), (Bytes{0x40, 0x80, 0, 1, 0, 1, 2}));
}

TEST_F(FloppyTest, FormatsATrack) {
  start();
  seek(2);
  dma.program(18 * 4);
  command({0x4d, 0x00, 2, 18, 0x54, 0xf6});
  EXPECT_EQ(result().at(0), 0);
  EXPECT_EQ(disk.medium.bytes[offset_of(2, 0, 1)], std::byte{0xf6});
  EXPECT_EQ(disk.medium.bytes[offset_of(2, 0, 18) + 511], std::byte{0xf6});
}

TEST_F(FloppyTest, FindsNothingAtAWrongRateTrackOrSector) {
  start();
  machine.outb(0x3f7, 2);
  command({0x4a, 0x00});
  EXPECT_EQ(result().at(1), 0x01);
  machine.outb(0x3f7, 0);
  command({0x4a, 0x00});
  EXPECT_EQ(result(), (Bytes{0, 0, 0, 0, 0, 1, 2}));
  command({0xe6, 0x00, 7, 0, 1, 2, 18, 0x1b, 0xff});
  const Bytes other_track = result();
  EXPECT_EQ(other_track.at(1), 0x04);
  EXPECT_EQ(other_track.at(2), 0x10);
  command({0xe6, 0x00, 0, 0, 19, 2, 18, 0x1b, 0xff});
  EXPECT_EQ(result().at(1), 0x04);
  command({0x4a, 0x01});
  EXPECT_EQ(result().at(0), 0x41) << "there is no second drive";
}

TEST_F(FloppyTest, TellsWhatItIs) {
  start();
  command({0x10});
  EXPECT_EQ(result(), Bytes{0x90});
  command({0x13, 0, 0x57, 0});
  command({0x94});
  EXPECT_EQ(result(), Bytes{0x10});
  command({0x0e});
  EXPECT_EQ(result(), (Bytes{0, 0, 0, 0, 0xdf, 0x02, 1, 0x80, 0x57, 0}));
  command({0x18});
  EXPECT_EQ(result(), Bytes{0x80});
  command({0x04, 0x00});
  EXPECT_EQ(result(), Bytes{0x38});
}

TEST_F(FloppyTest, AStepClearsTheDiskChangeLine) {
  start();
  EXPECT_EQ(machine.inb(0x3f7) & 0x80, 0x80);
  seek(1);
  EXPECT_EQ(machine.inb(0x3f7) & 0x80, 0);
}

TEST_F(FloppyTest, AnUnfinishedReadSurvivesALoad) {
  start();
  dma.program(512);
  for (const uint8_t byte : {0xe6, 0x00, 0, 0, 1, 2, 18, 0x1b, 0xff}) machine.outb(0x3f5, byte);
  const auto saved = core::testing::save_state(*controller);
  controller->reset();
  machine.run_loop();
  EXPECT_FALSE(irq.level()) << "a reset forgets requests";
  ASSERT_TRUE(core::testing::load_state(*controller, saved));
  machine.advance_ns(1);
  machine.run_loop();
  EXPECT_TRUE(irq.level());
  EXPECT_TRUE(memory_is(0, 512));
}

struct ProtectedFloppyTest : FloppyTest {
  ProtectedFloppyTest() : FloppyTest(720, /*read_only=*/true) {}
};
TEST_F(ProtectedFloppyTest, CannotBeWritten) {
  start(2);
  command({0x04, 0x00});
  EXPECT_EQ(result(), Bytes{0x78});
  dma.program(512);
  command({0xc5, 0x00, 0, 0, 1, 2, 9, 0x1b, 0xff});
  EXPECT_EQ(result().at(1), 0x02);
}

TEST(FloppyFormat, GoesByTheSizeOfTheImage) {
  EXPECT_EQ(find_floppy_format(1440 << 10)->drive, FloppyType::k1440);
  EXPECT_EQ(find_floppy_format(360 << 10)->sectors, 9);
  EXPECT_EQ(find_floppy_format(2880 << 10)->rate, 3);
  EXPECT_EQ(find_floppy_format(1 << 20), nullptr);
}

}  // namespace
}  // namespace vireo::hw
