#include "chardev/mux.h"

#include <gtest/gtest.h>

#include <string>

namespace vireo::chardev {
namespace {

// A stream whose far side is the test.
class FakeStream final : public Chardev {
 public:
  size_t write(std::span<const uint8_t> bytes) override {
    written.append(bytes.begin(), bytes.end());
    return bytes.size();
  }
  void set_receiver(Receiver receiver) override { device = std::move(receiver); }
  void type(std::string_view text) {
    device.receive({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
  }

  std::string written;
  Receiver device;
};

struct MuxTest : testing::Test {
  MuxTest() {
    auto owned = std::make_unique<FakeStream>();
    stream = owned.get();
    mux = std::make_unique<Mux>(std::move(owned), [this] { quits++; });
    for (int i = 0; i < 2; ++i) {
      mux->add_end().set_receiver(
          {.can_receive = [] { return size_t{16}; },
           .receive =
               [this, i](std::span<const uint8_t> bytes) {
                 got[i].append(bytes.begin(), bytes.end());
               },
           .event = [this, i](Event event) { breaks[i] += event == Event::break_sent; }});
    }
  }
  FakeStream* stream;
  std::unique_ptr<Mux> mux;
  std::string got[2];
  int breaks[2] = {};
  int quits = 0;
};

TEST_F(MuxTest, FirstEndHasTheFocusAndCtrlACMovesIt) {
  stream->type(
      "ab\x01"
      "cde\x01"
      "cf");
  EXPECT_EQ(got[0], "abf");
  EXPECT_EQ(got[1], "de");
}

TEST_F(MuxTest, EscapesQuitBreakHelpAndSendCtrlA) {
  stream->type(
      "\x01x\x01"
      "b\x01\x01");
  EXPECT_EQ(quits, 1);
  EXPECT_EQ(breaks[0], 1);
  EXPECT_EQ(got[0], "\x01");
  EXPECT_TRUE(stream->written.empty());
  stream->type("\x01h");
  EXPECT_NE(stream->written.find("C-a x"), std::string::npos);
}

TEST_F(MuxTest, KeepsWhatTheDeviceDoesNotTakeYet) {
  size_t room = 2;
  std::string slow;
  chardev::Chardev& end = mux->add_end();
  end.set_receiver({.can_receive = [&] { return room; },
                    .receive =
                        [&](std::span<const uint8_t> bytes) {
                          slow.append(bytes.begin(), bytes.end());
                          room -= bytes.size();
                        },
                    .event = {}});
  stream->type(
      "\x01"
      "c\x01"
      "cabcd");
  EXPECT_EQ(slow, "ab");
  room = 16;
  end.accept_input();
  EXPECT_EQ(slow, "abcd");
}

}  // namespace
}  // namespace vireo::chardev
