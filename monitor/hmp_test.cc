#include "monitor/hmp.h"

#include <gtest/gtest.h>

#include "monitor/control.h"

namespace vireo::monitor {
namespace {

class FakeControl final : public Control {
 public:
  void quit() override { calls += "quit "; }
  void stop() override { calls += "stop "; }
  void cont() override { calls += "cont "; }
  void system_reset() override { calls += "reset "; }
  void system_powerdown() override { calls += "powerdown "; }
  void nmi() override { calls += "nmi "; }
  util::Status machine_check(const MachineCheck& error) override {
    calls += "mce";
    for (const uint64_t number :
         {error.cpu, error.bank, error.status, error.mcg_status, error.address, error.misc})
      calls += ":" + std::to_string(number);
    calls += " ";
    return {};
  }
  bool running() const override { return true; }
  void restart_profile() override { calls += "restart-profile "; }
  util::Status screendump(const std::string& path, std::string_view format) override {
    if (path == "/bad") return util::Error(util::ErrorCode::kIo, "cannot write /bad");
    calls += "dump:" + path + ":" + std::string(format) + " ";
    return {};
  }
  void send_keys(const std::vector<uint16_t>& codes, unsigned hold_ms) override {
    calls += "keys";
    for (const uint16_t code : codes) calls += ":" + std::to_string(code);
    calls += "/" + std::to_string(hold_ms) + " ";
  }
  util::Result<std::string> examine_physical(uint64_t address, unsigned count,
                                             unsigned width) override {
    calls +=
        "xp " + std::to_string(address) + "/" + std::to_string(count) + "/" + std::to_string(width);
    return std::string("data\n");
  }
  util::Result<std::string> info(std::string_view topic, bool verbose) override {
    return std::string(topic) + (verbose ? " more info\n" : " info\n");
  }
  std::string info_topics() const override { return "status\n"; }
  std::string calls;
};

struct HmpTest : testing::Test {
  void type(std::string_view text) {
    hmp.input({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
  }
  FakeControl control;
  std::string out;
  Hmp hmp{control, [this](std::string_view text) { out += text; }};
};

TEST_F(HmpTest, EachUserIsGreetedAndBeginsWithAnEmptyLine) {
  hmp.greet();
  type("sto");
  hmp.greet();
  EXPECT_TRUE(out.ends_with("(vireo) sto"));
  EXPECT_EQ(out.rfind("Vireo monitor"), 0u);
  out.clear();
  hmp.begin_session();
  EXPECT_EQ(out.find("Vireo monitor"), 0u);
  type("cont\n");
  EXPECT_EQ(control.calls, "cont ");
}

TEST_F(HmpTest, CommandsAndTheirShortFormsReachTheMachine) {
  type("stop\rc\rsystem_reset\rscreendump /tmp/a.png\rprofile_restart\rq\r");
  EXPECT_EQ(control.calls, "stop cont reset dump:/tmp/a.png:png restart-profile quit ");
}

TEST_F(HmpTest, ErrorsAreText) {
  type("stpo\r");
  EXPECT_NE(out.find("did you mean 'stop'"), std::string::npos);
  type("screendump /bad\r");
  EXPECT_NE(out.find("Error: cannot write /bad"), std::string::npos);
  type("screendump\r");
  EXPECT_NE(out.find("usage: screendump file"), std::string::npos);
}

TEST_F(HmpTest, ScreendumpHasFormats) {
  type("screendump a.ppm\rscreendump b -f ppm\rscreendump c -f png\rscreendump d -f gif\r");
  EXPECT_EQ(control.calls, "dump:a.ppm:ppm dump:b:ppm dump:c:png ");
  EXPECT_NE(out.find("the formats are png and ppm"), std::string::npos);
}

TEST_F(HmpTest, SendkeyTakesChordsAndAHoldTime) {
  type("sendkey ctrl-alt-delete\rsendkey ret 20\rsendkey foo\rsendkey a 99999999\r");
  EXPECT_EQ(control.calls, "keys:29:56:111/100 keys:28/20 ");
  EXPECT_NE(out.find("there is no key 'foo'"), std::string::npos);
}

TEST_F(HmpTest, MceTakesSixNumbers) {
  type("mce 0 1 2 3 4 0x10\rmce -b 0 1 2 3 4 5\r");
  EXPECT_EQ(control.calls, "mce:0:1:2:3:4:16 mce:0:1:2:3:4:5 ");
  type("mce 0 1 2 3 4 5 6\r");
  EXPECT_NE(out.find("usage: mce"), std::string::npos);
}

TEST_F(HmpTest, LinesCanBeEditedAndRecalled) {
  type(
      "stopp\x7f\rx\x15"
      "cont\r\x1b[A\x1b[A\r");
  EXPECT_EQ(control.calls, "stop cont stop ");
}

TEST_F(HmpTest, ExamineParsesItsFormat) {
  type("xp /16xg 0x1000\r");
  EXPECT_EQ(control.calls, "xp 4096/16/8");
}

}  // namespace
}  // namespace vireo::monitor
