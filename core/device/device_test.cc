#include "core/device/device.h"

#include <gtest/gtest.h>

#include "core/clock/timer.h"
#include "core/device/bus.h"
#include "core/device/description.h"
#include "core/testing/test_machine.h"

namespace vireo::core {
namespace {

struct Disk {
  int sectors = 7;
};

enum class Mode : uint8_t { slow, fast };

// A base class with its own properties and state, as PCI devices have.
class Card : public Device {
 protected:
  template <class D>
  static void describe_card(Description<D>& d) {
    d.bus("test");
    d.property("slot", &Card::slot_, "where it sits");
    d.state("card", &Card::card_, 1, field("config", &CardRegs::config));
  }
  struct CardRegs {
    std::array<uint8_t, 8> config{};
  };
  CardRegs card_;
  int8_t slot_ = -1;
};

class Gadget final : public Card {
 public:
  static void describe(Description<Gadget>& d) {
    describe_card(d);
    d.type("test-gadget", "has some of everything");
    d.property("iobase", &Gadget::iobase_, "first I/O port");
    d.property("mode", &Gadget::mode_, "how fast", {{"slow", Mode::slow}, {"fast", Mode::fast}});
    d.property("mac", &Gadget::mac_, "address");
    d.property("uuid", &Gadget::uuid_, "identity");
    d.property("memory", &Gadget::memory_, "bytes");
    d.property("debug", &Gadget::debug_, "say more");
    d.property("drive", &Gadget::drive_, "its disk");
    d.interrupt("bark", &Gadget::bark_);
    d.interrupt_inputs("in", 4, &Gadget::set_input);
    d.port(0, "RELOAD", &Gadget::read_reload, &Gadget::write_reload, 2);
    d.port(2, "INPUTS", &Gadget::read_inputs, nullptr);
    d.port(3, "BARK", nullptr, &Gadget::write_bark);
    d.region("window", Space::memory, 0x100, &Gadget::read_window, &Gadget::write_window);
    d.state(&Gadget::regs_, /*version=*/2, field("reload", &Regs::reload),
            field("barked", &Regs::barked), field("mode", &Regs::mode).max(1),
            field("levels", &Regs::levels), field("log", &Regs::log).max(16),
            field("channels", &Regs::channels, field("count", &Channel::count),
                  field("tag", &Channel::tag)),
            derived(&Regs::inputs), field("deadline-ns", &Regs::deadline_ns).since(2));
    d.state_kept_over_reset("nvram", &Gadget::nvram_, 1, field("cell", &Nvram::cell));
    d.custom_state("count", 1, &Gadget::save_count, &Gadget::load_count);
  }

  int syncs() const { return syncs_; }
  Disk* disk() const { return drive_.get(); }

 private:
  struct Channel {
    uint32_t count = 3;
    uint8_t tag[3] = {1, 2, 3};
  };
  struct Regs {
    uint16_t reload = 0x1234;
    bool barked = false;
    Mode mode = Mode::slow;
    bool levels[4] = {};
    std::vector<uint8_t> log;
    std::array<Channel, 2> channels;
    uint8_t inputs = 0;
    int64_t deadline_ns = -1;
  };
  struct Nvram {
    uint32_t cell = 0;
  };

  util::Status on_realize() override {
    if (iobase_ == 0) return util::Error(util::ErrorCode::kInvalidArgument, "iobase must not be 0");
    timer_.attach(environment().timers, [this] { regs_.barked = true, sync_outputs(); });
    map_ports(iobase_);
    map_region("window", 0x200000);
    return {};
  }
  void on_reset() override {
    regs_.mode = mode_;
    count_ = 0;
  }
  util::Status after_load() override {
    if (regs_.reload == 0xdead) return util::Error(util::ErrorCode::kCorrupt, "reload is nonsense");
    return {};
  }
  void sync_outputs() override {
    ++syncs_;
    regs_.inputs = 0;
    for (int i = 0; i < 4; ++i) regs_.inputs |= static_cast<uint8_t>(regs_.levels[i] << i);
    bark_.set(regs_.barked);
    timer_.arm(regs_.deadline_ns);
  }
  void set_input(unsigned line, bool level) {
    regs_.levels[line] = level;
    sync_outputs();
  }
  uint16_t read_reload() const { return regs_.reload; }
  void write_reload(uint16_t value, unsigned width) {
    regs_.reload = width == 1 ? static_cast<uint16_t>((regs_.reload & 0xff00) | value) : value;
    regs_.log.push_back(static_cast<uint8_t>(value));
    regs_.deadline_ns = environment().clock.now_ns() + regs_.reload;
    nvram_.cell = count_++;
    sync_outputs();
  }
  uint8_t read_inputs() { return regs_.inputs; }
  void write_bark(uint8_t value) {
    regs_.barked = value != 0;
    sync_outputs();
  }
  uint64_t read_window(uint64_t offset, unsigned width) { return offset * 16 + width; }
  void write_window(uint64_t offset, unsigned, uint64_t value) {
    regs_.channels[1].count = static_cast<uint32_t>(value + offset);
  }
  void save_count(FieldWriter& fields) const { fields.value("count", count_); }
  util::Status load_count(const FieldReader& fields, uint32_t) {
    return fields.value("count", count_);
  }

  Regs regs_;
  Nvram nvram_;
  uint32_t count_ = 0;
  int syncs_ = 0;
  Timer timer_;
  IrqLine bark_;
  uint16_t iobase_ = 0x100;
  Mode mode_ = Mode::slow;
  MacAddress mac_;
  Uuid uuid_;
  ByteSize memory_;
  bool debug_ = false;
  BackendRef<Disk> drive_{"drive"};
};
REGISTER_DEVICE(Gadget);

class DeviceTest : public ::testing::Test {
 protected:
  Gadget& realized() {
    const util::Status status = gadget_->realize(machine_.environment());
    EXPECT_TRUE(status) << status.error().message();
    return *gadget_;
  }
  std::string refusal(std::string_view name, std::string_view value) {
    const util::Status status = gadget_->set_property(name, value);
    return status ? "" : status.error().message();
  }
  testing::TestMachine machine_;
  std::unique_ptr<Gadget> gadget_ = make_device<Gadget>();
};

TEST_F(DeviceTest, IsFoundInTheRegistry) {
  EXPECT_EQ(DeviceRegistry::global().find("test-gadget"), &device_type<Gadget>());
  EXPECT_EQ((*DeviceRegistry::global().create("test-gadget"))->type().summary,
            "has some of everything");
  const auto missing = DeviceRegistry::global().create("test-gadgte");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message(),
            "there is no device 'test-gadgte' (did you mean 'test-gadget'?)");
}

TEST_F(DeviceTest, PropertiesAreReadAndShown) {
  const std::pair<const char*, const char*> cases[] = {
      {"iobase", "768"}, {"mode", "fast"},    {"mac", "52:54:00:ab:cd:ef"},
      {"debug", "on"},   {"memory", "65536"}, {"uuid", "550e8400-e29b-41d4-a716-446655440000"},
      {"drive", "hd0"},  {"slot", "-3"}};
  for (const auto& [name, value] : cases) {
    EXPECT_EQ(refusal(name, value), "");
    EXPECT_EQ(*gadget_->property(name), value);
  }
  EXPECT_EQ(refusal("memory", "64K"), "");
  EXPECT_EQ(refusal("iobase", "0x300"), "");
  EXPECT_EQ(*gadget_->property("iobase"), "768");
}

TEST_F(DeviceTest, WrongPropertiesSayWhatWouldBeRight) {
  EXPECT_EQ(refusal("iobas", "1"),
            "device 'test-gadget' has no property 'iobas' (did you mean 'iobase'?)");
  EXPECT_EQ(refusal("mode", "quick"),
            "property 'mode' of 'test-gadget': 'quick' is not one of slow, fast");
  for (const auto& [name, value] : {std::pair{"iobase", "65536"},
                                    {"slot", "128"},
                                    {"mac", "52:54:00:ab:cd"},
                                    {"mac", "5:54:00:ab:cd:ef0"},
                                    {"uuid", "550e8400e29b41d4a716446655440000"},
                                    {"debug", "1"},
                                    {"memory", "x"}}) {
    EXPECT_NE(refusal(name, value), "") << name << value;
  }
}

TEST_F(DeviceTest, DefaultsYieldToWhatWasSet) {
  ASSERT_TRUE(gadget_->set_property("iobase", "0x20"));
  ASSERT_TRUE(gadget_->set_default_property("iobase", "0x30"));
  EXPECT_EQ(gadget_->property("iobase").value(), "32");
  ASSERT_TRUE(gadget_->set_default_property("drive", "hd0"));
  EXPECT_EQ(gadget_->property("drive").value(), "hd0");
  EXPECT_FALSE(gadget_->set_default_property("nonsense", "1"));
}

TEST_F(DeviceTest, BackendsAreResolvedAtRealize) {
  ASSERT_TRUE(gadget_->set_property("drive", "hd0"));
  const util::Status status = gadget_->realize(machine_.environment());
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().message(), "property 'drive' of 'test-gadget': there is no drive 'hd0'");
  Disk disk;
  machine_.backends.add("drive", "hd0", &disk);
  EXPECT_EQ(realized().disk(), &disk);
}

TEST_F(DeviceTest, AFailedRealizeLeavesNothingBehind) {
  ASSERT_TRUE(gadget_->set_property("iobase", "0"));
  EXPECT_FALSE(gadget_->realize(machine_.environment()));
  EXPECT_FALSE(gadget_->realized());
  ASSERT_TRUE(gadget_->set_property("iobase", "16"));
  realized();
  EXPECT_EQ(machine_.inw(16), 0x1234);
  gadget_->unrealize();
  EXPECT_EQ(machine_.inw(16), 0xffff);
}

TEST_F(DeviceTest, RegistersAreSplitAndMerged) {
  realized();
  EXPECT_EQ(machine_.inw(0x100), 0x1234);
  EXPECT_EQ(machine_.inb(0x100), 0x34);
  EXPECT_EQ(machine_.inb(0x101), 0x12);
  EXPECT_EQ(machine_.inl(0x100), 0xff001234u);
  EXPECT_EQ(machine_.inb(0x103), 0xff) << "write-only";
  machine_.outb(0x100, 0x99);
  EXPECT_EQ(machine_.inw(0x100), 0x1299);
  machine_.outb(0x101, 0x77);
  EXPECT_EQ(machine_.inw(0x100), 0x1299) << "the middle of a register takes no writes";
  machine_.outl(0x100, 0x01005678);
  EXPECT_EQ(machine_.inw(0x100), 0x5678);
  EXPECT_TRUE(gadget_->interrupt_output("bark").level());
  EXPECT_EQ(machine_.memory.load<uint32_t>(0x200010), 0x104u);
}

TEST_F(DeviceTest, InterruptsFlowBothWays) {
  testing::IrqProbe probe;
  realized().interrupt_output("bark").connect(probe.input(3));
  machine_.outb(0x103, 1);
  EXPECT_TRUE(probe.level(3));
  const IrqInput input = gadget_->interrupt_input("in", 2);
  input.handler->set_irq(input.line, true);
  EXPECT_EQ(machine_.inb(0x102), 4);
  gadget_->reset();
  EXPECT_FALSE(probe.level(3));
  EXPECT_EQ(probe.edges(3), 1);
}

TEST_F(DeviceTest, ResetGoesBackToTheInitialisersAndKeepsWhatItShould) {
  realized();
  const auto fresh = testing::save_state(*gadget_);
  machine_.outw(0x100, 5);
  machine_.outw(0x100, 6);
  const auto used = testing::save_state(*gadget_);
  gadget_->reset();
  EXPECT_EQ(machine_.inw(0x100), 0x1234);
  const auto after = testing::save_state(*gadget_);
  EXPECT_NE(after, used);
  EXPECT_NE(after, fresh) << "the nvram cell holds 1";
}

TEST_F(DeviceTest, SaveLoadSaveIsAnIdentityAndRestoresEffects) {
  realized();
  machine_.outw(0x100, 500);
  machine_.outb(0x103, 1);
  machine_.memory.store<uint32_t>(0x200004, 40);
  const auto saved = testing::save_state(*gadget_);
  gadget_->reset();
  EXPECT_FALSE(gadget_->interrupt_output("bark").level());
  const util::Status status = testing::load_state(*gadget_, saved);
  ASSERT_TRUE(status) << status.error().message();
  EXPECT_EQ(testing::save_state(*gadget_), saved);
  EXPECT_TRUE(gadget_->interrupt_output("bark").level());
  EXPECT_EQ(machine_.timers.next_deadline_ns(), 500);
}

TEST_F(DeviceTest, RefusesStateThatTheModelExcludes) {
  realized();
  machine_.outw(0x100, 0xdead);
  EXPECT_FALSE(testing::load_state(*gadget_, testing::save_state(*gadget_)))
      << "after_load refuses";
  gadget_->reset();
  for (int i = 0; i < 17; ++i) machine_.outw(0x100, 1);
  const util::Status status = testing::load_state(*gadget_, testing::save_state(*gadget_));
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().message(),
            "section 'test-gadget/regs': state field 'log' has 17 bytes; at most 16");
}

TEST_F(DeviceTest, OldVersionsLeaveNewFieldsAtReset) {
  struct Old {
    uint8_t a = 1;
  };
  struct New {
    uint8_t a = 1;
    int32_t b = -2;
  };
  std::vector<std::byte> bytes;
  FieldWriter writer(bytes);
  Old old{9};
  save_fields(state_fields<Old>(field("a", &Old::a)), &old, writer);
  const auto reader = FieldReader::parse(bytes);
  const auto fields =
      state_fields<New>(field("a", &New::a).max(8), field("b", &New::b).since(2).min(-3).max(3));
  New loaded;
  EXPECT_FALSE(load_fields(fields, &loaded, *reader, 1)) << "9 is above its maximum";
  old.a = 8;
  bytes.clear();
  save_fields(state_fields<Old>(field("a", &Old::a)), &old, writer);
  EXPECT_TRUE(load_fields(fields, &loaded, *FieldReader::parse(bytes), 1));
  EXPECT_EQ(loaded.a, 8);
  EXPECT_EQ(loaded.b, -2);
  EXPECT_FALSE(load_fields(fields, &loaded, *FieldReader::parse(bytes), 2))
      << "version 2 has to have it";
}

TEST_F(DeviceTest, SitsOnBusesOfItsKind) {
  Bus wrong("isa", "isa.0"), right("test", "test.0");
  const util::Status status = gadget_->attach(wrong);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().message(),
            "device 'test-gadget' needs a bus of kind 'test', but 'isa.0' is of kind 'isa'");
  ASSERT_TRUE(gadget_->attach(right));
  EXPECT_EQ(right.children().size(), 1u);
  gadget_.reset();
  EXPECT_TRUE(right.children().empty());
}

}  // namespace
}  // namespace vireo::core
