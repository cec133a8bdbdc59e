#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "core/memory/address_space.h"
#include "core/memory/ram_block.h"

namespace vireo::core {
namespace {

constexpr uint64_t kMiB = 1 << 20;

std::unique_ptr<RamBlock> make_ram(uint64_t size) {
  return std::move(RamBlock::create("ram", size)).value();
}

// Answers with its offsets and writes down what it is asked.
class Recorder final : public IoHandler {
 public:
  uint64_t io_read(uint64_t offset, unsigned width) override {
    log += "r" + std::to_string(offset) + "/" + std::to_string(width) + " ";
    uint64_t value = 0;
    for (unsigned i = 0; i < width; ++i) value |= (offset + i) << (8 * i);
    return value;
  }
  void io_write(uint64_t offset, unsigned width, uint64_t value) override {
    log += "w" + std::to_string(offset) + "/" + std::to_string(width) + "=" +
           std::to_string(value) + " ";
  }
  std::string take() { return std::exchange(log, ""); }
  std::string log;
};

class MemoryTest : public ::testing::Test {
 protected:
  std::unique_ptr<RamBlock> ram_ = make_ram(kMiB);
  Recorder recorder_;
  Region root_ = Region::container("root");
  Region ram_region_ = Region::ram("ram", *ram_, 0, kMiB);
  AddressSpace space_{"memory", root_};
  void SetUp() override { root_.add_subregion(ram_region_, 0); }
};

TEST_F(MemoryTest, UnmappedReadsAllOnesAndDropsWrites) {
  EXPECT_EQ(space_.load<uint32_t>(kMiB), 0xffffffffu);
  space_.store<uint64_t>(kMiB, 5);
  EXPECT_EQ(space_.load<uint64_t>(~uint64_t{0} - 3), 0xffffffffu) << "the upper half wraps to RAM";
  std::byte bytes[4];
  EXPECT_FALSE(space_.read(kMiB - 2, bytes));
  EXPECT_EQ(bytes[1], std::byte{0});
  EXPECT_EQ(bytes[2], std::byte{0xff});
  EXPECT_TRUE(space_.read(kMiB - 4, bytes));
}

TEST_F(MemoryTest, HigherPriorityThenNewestWins) {
  Region low = Region::io("low", 0x1000, recorder_);
  Region high = Region::io("high", 0x1000, recorder_);
  root_.add_subregion(low, 0x8000, 1);
  root_.add_subregion(high, 0x8800, 1);
  EXPECT_EQ(space_.find(0x7fff).read_region, &ram_region_);
  EXPECT_EQ(space_.find(0x8000).read_region, &low);
  EXPECT_EQ(space_.find(0x8800).read_region, &high);
  EXPECT_EQ(space_.find(0x9000).read_offset, 0x0u) << space_.describe_mappings();
  EXPECT_EQ(space_.find(0x9800).read_offset, 0x9800u) << "RAM continues behind at its own offset";
  high.set_enabled(false);
  EXPECT_EQ(space_.find(0x8800).read_region, &low);
  low.set_offset(0x10000);
  EXPECT_EQ(space_.find(0x8800).read_region, &ram_region_);
}

TEST_F(MemoryTest, PamReadsOneWayAndWritesAnother) {
  auto bios = make_ram(0x10000);
  bios->data()[0] = std::byte{0xb1};
  Region rom = Region::rom("bios", *bios, 0, 0x10000);
  Region shadow = Region::alias("pam", ram_region_, 0xf0000, 0x10000);
  root_.add_subregion(rom, 0xf0000, 1);
  root_.add_subregion(shadow, 0xf0000, 2);
  struct Case {
    bool reads, writes;
    uint8_t seen, ram_after;
  };
  for (const Case& c : {Case{false, false, 0xb1, 0},
                        {false, true, 0xb1, 0x55},
                        {true, false, 0, 0},
                        {true, true, 0x55, 0x55}}) {
    ram_->data()[0xf0000] = std::byte{0};
    shadow.set_access(c.reads, c.writes);
    space_.store<uint8_t>(0xf0000, 0x55);
    EXPECT_EQ(space_.load<uint8_t>(0xf0000), c.seen) << c.reads << c.writes;
    EXPECT_EQ(ram_->data()[0xf0000], std::byte{c.ram_after}) << c.reads << c.writes;
    EXPECT_EQ(bios->data()[0], std::byte{0xb1});
  }
}

TEST_F(MemoryTest, AliasesWindowAndClip) {
  Region window = Region::alias("window", ram_region_, 0x3000, 0x1000);
  root_.add_subregion(window, 0x200000);
  ram_->data()[0x3010] = std::byte{7};
  EXPECT_EQ(space_.load<uint8_t>(0x200010), 7);
  EXPECT_EQ(space_.load<uint8_t>(0x201010), 0xff);
  window.set_alias_offset(0x3008);
  EXPECT_EQ(space_.load<uint8_t>(0x200008), 7);
  window.set_size(8);
  EXPECT_EQ(space_.load<uint8_t>(0x200008), 0xff);
}

TEST_F(MemoryTest, AccessesAreSplitAndMergedAsTheRegionSays) {
  Region bytes = Region::io("bytes", 16, recorder_, {.implemented_max = 1});
  Region words = Region::io("words", 16, recorder_,
                            {.valid_min = 1, .implemented_min = 4, .implemented_max = 4});
  Region strict = Region::io("strict", 16, recorder_, {.valid_min = 4, .valid_max = 4});
  root_.add_subregion(bytes, kMiB);
  root_.add_subregion(words, kMiB + 0x100);
  root_.add_subregion(strict, kMiB + 0x200);
  EXPECT_EQ(space_.load<uint32_t>(kMiB + 4), 0x07060504u);
  EXPECT_EQ(recorder_.take(), "r4/1 r5/1 r6/1 r7/1 ");
  EXPECT_EQ(space_.load<uint8_t>(kMiB + 0x106), 6);
  EXPECT_EQ(recorder_.take(), "r4/4 ");
  space_.store<uint16_t>(kMiB + 0x102, 0x201);
  EXPECT_EQ(recorder_.take(), "w0/4=33619968 ");
  EXPECT_EQ(space_.load<uint16_t>(kMiB + 0x200), 0xffff);
  space_.store<uint64_t>(kMiB + 0x200, 1);
  EXPECT_EQ(recorder_.take(), "");
  EXPECT_EQ(space_.load<uint32_t>(kMiB + 0x200), 0x03020100u);
  recorder_.take();
  EXPECT_EQ(bytes.dispatch_read(14, 4), 0xffffffffu) << "reaches beyond the region";
  bytes.dispatch_write(16, 1, 0);
  EXPECT_EQ(recorder_.take(), "");
}

TEST_F(MemoryTest, AccessesAcrossRegionsReachBoth) {
  Region first = Region::io("first", 2, recorder_, {.implemented_max = 4, .unaligned = true});
  Region second = Region::io("second", 2, recorder_);
  root_.add_subregion(first, kMiB);
  root_.add_subregion(second, kMiB + 2);
  EXPECT_EQ(space_.load<uint32_t>(kMiB), 0x01000100u);
  EXPECT_EQ(recorder_.take(), "r0/2 r0/2 ");
  space_.store<uint16_t>(kMiB - 1, 0x2010);
  EXPECT_EQ(ram_->data()[kMiB - 1], std::byte{0x10});
  EXPECT_EQ(recorder_.take(), "w0/1=32 ");
}

TEST_F(MemoryTest, IoReachesDevicesMemoryAndNothing) {
  Region first = Region::io("first", 4, recorder_);
  Region second = Region::io("second", 0x10, recorder_);
  root_.add_subregion(first, kMiB);
  root_.add_subregion(second, kMiB + 4);
  EXPECT_EQ(space_.read_io(kMiB + 2, 4), 0x01000302u) << "across regions";
  space_.write_io(kMiB + 3, 2, 0x2010);
  EXPECT_EQ(recorder_.take(), "r2/2 r0/2 w3/1=16 w0/1=32 ");
  std::byte bytes[16];
  space_.read_io(kMiB + 5, bytes);
  EXPECT_EQ(recorder_.take(), "r1/1 r2/2 r4/4 r8/4 r12/4 ") << "in aligned pieces";
  EXPECT_EQ(bytes[14], std::byte{15});
  EXPECT_EQ(bytes[15], std::byte{0xff}) << "behind the region";
  ram_->take_dirty(kPageDirtyMigration, 0, kMiB);
  space_.write_io(0x5000, bytes);
  EXPECT_EQ(space_.read_io(0x5000, 8), 0x0807060504030201u) << "RAM";
  EXPECT_TRUE(ram_->is_dirty(kPageDirtyMigration, 0x5000));
  EXPECT_FALSE(ram_->is_dirty(kPageDirtyMigration, 0x6000));
}

// Devices move their own regions when they are written to.
TEST_F(MemoryTest, AHandlerMayChangeTheTopology) {
  class Mover final : public IoHandler {
   public:
    uint64_t io_read(uint64_t, unsigned) override {
      region->set_offset(region->offset() + 0x1000);
      return 1;
    }
    void io_write(uint64_t offset, unsigned width, uint64_t) override { io_read(offset, width); }
    Region* region = nullptr;
  } mover;
  Region region = Region::io("moving", 16, mover);
  mover.region = &region;
  root_.add_subregion(region, kMiB);
  std::byte bytes[8];
  space_.read_io(kMiB, bytes);
  EXPECT_EQ(region.offset(), kMiB + 0x1000);
  EXPECT_EQ(bytes[3], std::byte{0});
  EXPECT_EQ(bytes[4], std::byte{0xff}) << "each piece is looked up";
  space_.store<uint32_t>(kMiB + 0x1000, 0);
  EXPECT_EQ(space_.load<uint32_t>(kMiB + 0x2000), 1u);
  EXPECT_EQ(region.offset(), kMiB + 0x3000);
}

TEST_F(MemoryTest, TransactionsRebuildOnceAndNoChangeTellsNobody) {
  struct Counter final : TopologyListener {
    void topology_changed(AddressSpace&) override { ++count; }
    int count = 0;
  } counter;
  space_.add_listener(counter);
  Region a = Region::io("a", 16, recorder_), b = Region::io("b", 16, recorder_);
  {
    TopologyTransaction outer;
    root_.add_subregion(a, kMiB);
    {
      TopologyTransaction inner;
      root_.add_subregion(b, 2 * kMiB);
    }
    EXPECT_EQ(counter.count, 0);
    EXPECT_EQ(space_.find(kMiB).read_region, nullptr);
  }
  EXPECT_EQ(counter.count, 1);
  a.set_size(16);
  {
    TopologyTransaction transaction;
    a.set_enabled(false);
    a.set_enabled(true);
  }
  EXPECT_EQ(counter.count, 1);
  space_.remove_listener(counter);
}

TEST_F(MemoryTest, ADestroyedRegionOrTargetLeavesTheMap) {
  auto target = std::unique_ptr<Region>(new Region(Region::io("target", 16, recorder_)));
  Region alias = Region::alias("alias", *target, 0, 16);
  root_.add_subregion(alias, kMiB);
  EXPECT_EQ(space_.find(kMiB).read_region, target.get());
  target.reset();
  EXPECT_EQ(space_.find(kMiB).read_region, nullptr);
}

TEST_F(MemoryTest, PortSpacesEndWithTheirRoot) {
  Region ports = Region::container("ports", 0x10000);
  AddressSpace port_space("ports", ports);
  Region device = Region::io("device", 8, recorder_);
  ports.add_subregion(device, 0xfffc);
  EXPECT_EQ(port_space.load<uint8_t>(0xffff), 3);
  EXPECT_EQ(port_space.load<uint8_t>(0x10000), 0xff) << "clipped by the root";
  EXPECT_EQ(port_space.load<uint8_t>(0xfffb), 0xff);
}

TEST_F(MemoryTest, HostSpansArePlainRamOnly) {
  Region io = Region::io("io", 16, recorder_);
  root_.add_subregion(io, 0x5000, 1);
  EXPECT_EQ(space_.host_span(0x4000, 0x1000, true).data(), ram_->data() + 0x4000);
  EXPECT_TRUE(space_.host_span(0x4000, 0x1001, true).empty());
  EXPECT_TRUE(space_.host_span(0x5000, 1, false).empty());
  EXPECT_TRUE(space_.host_span(kMiB - 1, ~uint64_t{0}, false).empty());
}

TEST_F(MemoryTest, WritesSetDirtyBitsAndTellOfCode) {
  struct Observer final : RamObserver {
    void code_written(RamBlock&, uint64_t offset, uint64_t length) override {
      log += "code " + std::to_string(offset) + "+" + std::to_string(length) + " ";
    }
    void write_permission_withdrawn(RamBlock&, uint64_t, uint64_t) override { log += "withdrawn "; }
    void block_destroyed(RamBlock& block) override { log += "destroyed " + block.name(); }
    std::string log;
  } observer;
  ram_->add_observer(observer);
  EXPECT_TRUE(ram_->take_dirty(kPageDirtyDisplay, 0, kMiB)[3]) << "new pages are dirty";
  EXPECT_EQ(observer.log, "withdrawn ");
  ram_->set_code(0x3000, true);
  const std::byte data[32] = {};
  EXPECT_TRUE(space_.write(0x2ff0, data));
  EXPECT_EQ(observer.log, "withdrawn code 12288+16 ");
  const auto dirty = ram_->take_dirty(kPageDirtyDisplay, 0x1000, 0x4000);
  EXPECT_EQ(dirty, (std::vector<bool>{false, true, true, false}));
  EXPECT_TRUE(ram_->is_dirty(kPageDirtyMigration, 0x2000)) << "clients do not disturb each other";
  ram_->remove_observer(observer);
}

TEST_F(MemoryTest, ABlockThatGoesAwayTellsItsObservers) {
  struct Observer final : RamObserver {
    void code_written(RamBlock&, uint64_t, uint64_t) override {}
    void write_permission_withdrawn(RamBlock&, uint64_t, uint64_t) override {}
    void block_destroyed(RamBlock& block) override { gone = block.name(); }
    std::string gone;
  } observer;
  auto block = RamBlock::create("short-lived", kGuestPageSize);
  ASSERT_TRUE(block);
  (*block)->add_observer(observer);
  block->reset();
  EXPECT_EQ(observer.gone, "short-lived");
}

TEST_F(MemoryTest, LookUpsRaceWithChanges) {
  Region io = Region::io("io", 0x1000, recorder_);
  root_.add_subregion(io, 0x8000, 1);
  std::atomic<bool> stop = false;
  std::thread reader([&] {
    while (!stop) {
      const Mapping mapping = space_.find(0x8000);
      ASSERT_TRUE(mapping.read_region == &io || mapping.read_region == &ram_region_);
    }
  });
  for (int i = 0; i < 500; ++i) io.set_enabled(i % 2 != 0);
  stop = true;
  reader.join();
}

TEST(RamBlock, RefusesOddSizes) {
  EXPECT_FALSE(RamBlock::create("ram", 0));
  EXPECT_FALSE(RamBlock::create("ram", 4097));
}

}  // namespace
}  // namespace vireo::core
