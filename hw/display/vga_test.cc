#include "hw/display/vga.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "core/testing/test_machine.h"
#include "hw/pci/pci_bus.h"

namespace vireo::hw {
namespace {

class VgaTest : public ::testing::Test {
 protected:
  static constexpr uint32_t kMemory = 0xe0000000, kRegisters = 0xfeb00000;
  static constexpr uint64_t kWindow = 0xa0000;

  VgaTest() {
    EXPECT_TRUE(vga->attach(bus));
    EXPECT_TRUE(vga->realize(machine.environment()));
    vga->config_write(0x10, 4, kMemory);
    vga->config_write(0x18, 4, kRegisters);
    vga->config_write(kPciCommand, 2, 3);
    machine.outb(0x3c2, 1);  // color ports
  }
  ~VgaTest() override { vga->unrealize(); }

  void indexed(uint16_t port, uint8_t index, uint8_t value) {
    machine.outw(port, static_cast<uint16_t>(value << 8 | index));
  }
  void attribute(uint8_t index, uint8_t value) {
    machine.inb(0x3da);
    machine.outb(0x3c0, index);
    machine.outb(0x3c0, value);
  }
  void dispi(uint16_t index, uint16_t value) {
    machine.outw(0x1ce, index);
    machine.outw(0x1cf, value);
  }
  void linear_mode(uint16_t width, uint16_t height, uint16_t bits) {
    dispi(4, 0);
    dispi(1, width);
    dispi(2, height);
    dispi(3, bits);
    dispi(4, 0x41);
  }
  // Palette entries 0 to 15 are shades of red; attributes lead to them one to one.
  void set_palette() {
    machine.outb(0x3c8, 0);
    for (unsigned i = 0; i < 16; ++i) {
      machine.outb(0x3c9, static_cast<uint8_t>(4 * i));
      machine.outb(0x3c9, 0);
      machine.outb(0x3c9, 0);
    }
    for (uint8_t i = 0; i < 16; ++i) attribute(i, i);
    attribute(0x12, 0x0f);
    machine.inb(0x3da);
    machine.outb(0x3c0, 0x20);
  }
  static uint32_t red(unsigned shade) {
    const unsigned v = 4 * shade;
    return (v << 2 | v >> 4) << 16;
  }
  ui::Surface picture() {
    ui::Surface surface;
    vga->render(surface);
    return surface;
  }

  core::testing::TestMachine machine;
  PciBus bus{nullptr, machine.memory.root()};
  std::unique_ptr<Vga> vga = core::make_device<Vga>();
};

TEST_F(VgaTest, ShowsTextWithTheFontOfPlaneTwo) {
  set_palette();
  indexed(0x3c4, 4, 0x06);  // planes one by one
  indexed(0x3c4, 2, 4);
  indexed(0x3ce, 8, 0xff);
  machine.memory.store<uint8_t>(kWindow + 'A' * 32 + 1, 0x81);
  indexed(0x3c4, 4, 0x02);  // odd and even
  indexed(0x3c4, 2, 3);
  indexed(0x3ce, 6, 0x0e);
  indexed(0x3d4, 0x01, 79);
  indexed(0x3d4, 0x07, 0x02);
  indexed(0x3d4, 0x12, 143);  // 400 lines
  indexed(0x3d4, 0x09, 15);
  indexed(0x3d4, 0x13, 40);
  indexed(0x3d4, 0x0a, 0x20);
  machine.memory.store<uint16_t>(0xb8000 + 2 * 81, 0x1e00 | 'A');
  const ui::Surface text = picture();
  EXPECT_EQ(text.width, 720u);
  EXPECT_EQ(text.height, 400u);
  const uint32_t* const row = text.row(17) + 9;
  EXPECT_EQ(row[0], red(14));
  EXPECT_EQ(row[1], red(1));
  EXPECT_EQ(row[7], red(14));
  EXPECT_EQ(row[8], red(1));
  EXPECT_EQ(text.row(16)[9], red(1));
}

TEST_F(VgaTest, PlanarWriteModes) {
  indexed(0x3c4, 4, 0x06);
  indexed(0x3c4, 2, 0x0f);
  indexed(0x3ce, 8, 0xf0);
  indexed(0x3ce, 5, 2);
  machine.memory.store<uint8_t>(kWindow, 0x05);  // color 5 in the left four pixels
  indexed(0x3ce, 5, 0);
  const auto plane = [&](uint8_t number) {
    indexed(0x3ce, 4, number);
    return machine.memory.load<uint8_t>(kWindow);
  };
  EXPECT_EQ(plane(0), 0xf0);
  EXPECT_EQ(plane(1), 0x00);
  EXPECT_EQ(plane(2), 0xf0);
  indexed(0x3ce, 5, 1);  // copy the latches
  machine.memory.store<uint8_t>(kWindow + 9, 0);
  EXPECT_EQ(machine.memory.load<uint32_t>(kMemory + 36), 0x00f000f0u);
  indexed(0x3ce, 5, 8);  // compare
  indexed(0x3ce, 2, 5);
  indexed(0x3ce, 7, 0x0f);
  EXPECT_EQ(machine.memory.load<uint8_t>(kWindow), 0xf0);
  indexed(0x3ce, 5, 0);
  indexed(0x3ce, 8, 0xff);
  indexed(0x3ce, 3, 0x1a);  // rotate by 2, exclusive or
  machine.memory.store<uint8_t>(kWindow, 0x03);
  EXPECT_EQ(plane(0), 0x30);
}

TEST_F(VgaTest, Mode13h) {
  set_palette();
  indexed(0x3c4, 4, 0x0e);
  indexed(0x3c4, 2, 0x0f);
  indexed(0x3ce, 5, 0x40);
  indexed(0x3ce, 6, 0x05);
  indexed(0x3d4, 0x01, 79);
  indexed(0x3d4, 0x07, 0x02);
  indexed(0x3d4, 0x12, 143);
  indexed(0x3d4, 0x09, 0x41);
  indexed(0x3d4, 0x13, 40);
  indexed(0x3d4, 0x17, 0xa3);
  machine.memory.store<uint8_t>(kWindow + 320 * 3 + 5, 9);
  const ui::Surface screen = picture();
  EXPECT_EQ(screen.width, 320u);
  EXPECT_EQ(screen.height, 200u);
  EXPECT_EQ(screen.row(3)[5], red(9));
  EXPECT_EQ(screen.row(3)[6], 0u);
}

TEST_F(VgaTest, LinearModes) {
  machine.outw(0x1ce, 0);
  EXPECT_EQ(machine.inw(0x1cf), 0xb0c5);
  EXPECT_EQ(machine.memory.load<uint16_t>(kRegisters + 0x500), 0xb0c5);
  linear_mode(640, 480, 32);
  machine.memory.store<uint32_t>(kMemory + 4 * (640 * 2 + 3), 0x123456);
  EXPECT_EQ(picture().width, 640u);
  EXPECT_EQ(picture().row(2)[3], 0x123456u);
  dispi(9, 1);  // scrolled by a line
  EXPECT_EQ(picture().row(1)[3], 0x123456u);
  linear_mode(100, 10, 16);
  EXPECT_EQ(picture().row(0)[0], 0u) << "enabling clears";
  machine.memory.store<uint16_t>(kMemory + 2, 0xf800);
  EXPECT_EQ(picture().row(0)[1], 0xff0000u);
  linear_mode(8, 4, 24);
  dispi(5, 1);
  machine.memory.store<uint8_t>(kWindow + 1, 0x77);
  EXPECT_EQ(machine.memory.load<uint8_t>(kMemory + 0x10001), 0x77);
}

TEST_F(VgaTest, NoRegisterValueDisturbsTheRenderer) {
  for (unsigned fill : {0xffu, 0x5au, 0x00u}) {
    for (unsigned i = 0; i < 32; ++i)
      indexed(0x3d4, static_cast<uint8_t>(i), static_cast<uint8_t>(fill));
    for (unsigned graphics = 0; graphics < 2; ++graphics) {
      indexed(0x3ce, 6, static_cast<uint8_t>(graphics));
      for (unsigned mode : {0u, 0x20u, 0x40u, 0x60u}) {
        indexed(0x3ce, 5, static_cast<uint8_t>(mode));
        EXPECT_FALSE(picture().pixels.empty());
      }
    }
  }
  linear_mode(0xffff, 300, 32);
  dispi(8, 0xffff);
  dispi(9, 0xffff);
  EXPECT_EQ(picture().width, 4096u);
}

TEST_F(VgaTest, StateHoldsThePicture) {
  linear_mode(64, 64, 8);
  machine.memory.store<uint32_t>(kMemory + 70, 0x01020304);
  const auto stream = core::testing::save_state(*vga);
  machine.memory.store<uint32_t>(kMemory + 70, 0);
  machine.memory.store<uint32_t>(kMemory + 0x5000, 1);
  vga->reset();
  ASSERT_TRUE(core::testing::load_state(*vga, stream));
  EXPECT_EQ(core::testing::save_state(*vga), stream);
  EXPECT_EQ(machine.memory.load<uint32_t>(kMemory + 70), 0x01020304u);
}

TEST(VgaRomTest, TheRomFileAppears) {
  const std::string path = ::testing::TempDir() + "vireo-vga-test.rom";
  std::ofstream(path, std::ios::binary) << "\x55\xaaROM";
  core::testing::TestMachine machine;
  PciBus bus{nullptr, machine.memory.root()};
  auto vga = core::make_device<Vga>();
  ASSERT_TRUE(vga->set_property("romfile", path));
  ASSERT_TRUE(vga->attach(bus));
  ASSERT_TRUE(vga->realize(machine.environment()));
  vga->config_write(kPciRomBar, 4, 0xfe000001);
  vga->config_write(kPciCommand, 2, 2);
  EXPECT_EQ(machine.memory.load<uint16_t>(0xfe000000), 0xaa55);
  vga->unrealize();
  std::filesystem::remove(path);
  auto missing = core::make_device<Vga>();
  ASSERT_TRUE(missing->set_property("romfile", path));
  ASSERT_TRUE(missing->attach(bus));
  EXPECT_FALSE(missing->realize(machine.environment()));
}

}  // namespace
}  // namespace vireo::hw
