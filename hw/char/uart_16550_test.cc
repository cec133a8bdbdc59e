#include "hw/char/uart_16550.h"

#include <gtest/gtest.h>

#include <string>

#include "core/testing/test_machine.h"
#include "hw/isa/isa_bus.h"

namespace vireo::hw {
namespace {

struct RecordingChardev final : chardev::Chardev {
  size_t write(std::span<const uint8_t> bytes) override {
    if (blocked) return 0;
    sent.append(bytes.begin(), bytes.end());
    return bytes.size();
  }
  void set_receiver(chardev::Receiver r) override { receiver = std::move(r); }
  void set_write_ready(std::function<void()> callback) override { ready = std::move(callback); }
  void set_parameters(const chardev::LineParameters& p) override { parameters = p; }

  chardev::Receiver receiver;
  std::function<void()> ready;
  chardev::LineParameters parameters;
  std::string sent;
  bool blocked = false;
};

class Uart16550Test : public testing::Test {
 protected:
  Uart16550Test() {
    machine.backends.add("chardev", "c", static_cast<chardev::Chardev*>(&chardev));
    EXPECT_TRUE(uart->set_property("chardev", "c"));
    EXPECT_TRUE(uart->attach(bus));
    EXPECT_TRUE(uart->realize(machine.environment()));
    bus.connect_irq_receiver(4, irq.input());
    machine.outb(kBase + 4, 0x0b);
  }
  ~Uart16550Test() override { uart->unrealize(); }

  void receive(std::string_view text) {
    for (char c : text) {
      const auto byte = static_cast<uint8_t>(c);
      chardev.receiver.receive({&byte, 1});
    }
  }

  static constexpr uint16_t kBase = 0x3f8;
  core::testing::TestMachine machine;
  core::testing::IrqProbe irq;
  RecordingChardev chardev;
  IsaBus bus;
  std::unique_ptr<Uart16550> uart = core::make_device<Uart16550>();
};

TEST_F(Uart16550Test, SendsAndInterruptsWhenEmpty) {
  machine.outb(kBase + 1, 0x02);
  EXPECT_EQ(machine.inb(kBase + 2), 0x02);
  EXPECT_FALSE(irq.level());
  machine.outb(kBase, 'A');
  EXPECT_EQ(chardev.sent, "A");
  EXPECT_TRUE(irq.level());
  EXPECT_EQ(machine.inb(kBase + 5), 0x60);
}

TEST_F(Uart16550Test, HoldsBytesThatTheBackEndRefuses) {
  machine.outb(kBase + 2, 0x01);
  chardev.blocked = true;
  for (char c : std::string("xyz")) machine.outb(kBase, static_cast<uint8_t>(c));
  EXPECT_EQ(machine.inb(kBase + 5), 0x00);
  chardev.blocked = false;
  chardev.ready();
  EXPECT_EQ(chardev.sent, "xyz");
  EXPECT_EQ(machine.inb(kBase + 5), 0x60);
}

TEST_F(Uart16550Test, FifoTriggerAndTimeout) {
  machine.outb(kBase + 2, 0x41);  // 4 bytes
  machine.outb(kBase + 1, 0x01);
  EXPECT_EQ(chardev.receiver.can_receive(), 16u);
  receive("abc");
  EXPECT_FALSE(irq.level());
  machine.advance_ns(10'000'000);
  EXPECT_EQ(machine.inb(kBase + 2), 0xcc);
  EXPECT_EQ(machine.inb(kBase), 'a');
  EXPECT_FALSE(irq.level());
  receive("de");
  EXPECT_EQ(machine.inb(kBase + 2), 0xc4);
}

TEST_F(Uart16550Test, OverrunAndBreakAreLineErrors) {
  machine.outb(kBase + 1, 0x04);
  receive("ab");
  EXPECT_EQ(machine.inb(kBase + 2), 0x06);
  EXPECT_EQ(machine.inb(kBase + 5), 0x63);
  EXPECT_EQ(machine.inb(kBase + 5), 0x61);
  EXPECT_EQ(machine.inb(kBase), 'b');
  chardev.receiver.event(chardev::Event::break_sent);
  EXPECT_EQ(machine.inb(kBase + 5), 0x71);
}

TEST_F(Uart16550Test, LoopbackConnectsDataAndModemLines) {
  machine.outb(kBase + 4, 0x1a);  // RTS and OUT2: what Linux probes with
  EXPECT_EQ(machine.inb(kBase + 6) & 0xf0, 0x90);
  machine.outb(kBase, 'L');
  EXPECT_EQ(machine.inb(kBase), 'L');
  EXPECT_EQ(chardev.sent, "");
}

TEST_F(Uart16550Test, DivisorAndLineParameters) {
  machine.outb(kBase + 3, 0x80);
  machine.outb(kBase, 1);
  machine.outb(kBase + 1, 0);
  EXPECT_EQ(machine.inb(kBase), 1);
  machine.outb(kBase + 3, 0x1b);
  EXPECT_EQ(chardev.parameters.baud, 115200u);
  EXPECT_EQ(chardev.parameters.data_bits, 8);
  EXPECT_EQ(chardev.parameters.parity, 'E');
}

TEST_F(Uart16550Test, StateSurvives) {
  machine.outb(kBase + 2, 0x01);
  machine.outb(kBase + 1, 0x0f);
  receive("hello");
  const auto stream = core::testing::save_state(*uart);
  uart->reset();
  ASSERT_TRUE(core::testing::load_state(*uart, stream));
  EXPECT_EQ(core::testing::save_state(*uart), stream);
  EXPECT_EQ(machine.inb(kBase), 'h');
}

}  // namespace
}  // namespace vireo::hw
