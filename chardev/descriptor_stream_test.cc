#include "chardev/descriptor_stream.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

#include "core/machine_lock.h"
#include "util/async/event_loop.h"

namespace vireo::chardev {
namespace {

// A stream that keeps its output when its input ends, as standard input and output do.
class HalfClosing final : public DescriptorStream {
 public:
  HalfClosing(util::EventLoop& loop, int input, int output)
      : DescriptorStream(loop), output_(output) {
    connect(input, output);
  }
  int hangups = 0;

 private:
  void on_hangup() override {
    ++hangups;
    connect(-1, output_);
  }
  int output_;
};

struct DescriptorStreamTest : testing::Test {
  DescriptorStreamTest() {
    EXPECT_EQ(::pipe(input), 0);
    EXPECT_EQ(::pipe(output), 0);
    const core::MachineLockGuard lock;
    stream = std::make_unique<HalfClosing>(loop, input[0], output[1]);
    stream->set_receiver(
        {.can_receive = [] { return size_t{16}; },
         .receive =
             [this](std::span<const uint8_t> bytes) { got.append(bytes.begin(), bytes.end()); },
         .event = {}});
  }
  ~DescriptorStreamTest() override {
    stream.reset();
    for (const int fd : {input[0], output[0], output[1]}) ::close(fd);
    if (input[1] >= 0) ::close(input[1]);
  }
  void end_input() {
    ::close(input[1]);
    input[1] = -1;
  }
  // How many handlers a millisecond sees; few, unless something is always ready.
  int handlers_run() {
    int count = 0;
    while (count < 100 && loop.run_one(1'000'000)) ++count;
    return count;
  }

  util::EventLoop loop;
  int input[2], output[2];
  std::unique_ptr<HalfClosing> stream;
  std::string got;
};

TEST_F(DescriptorStreamTest, ReadsUntilTheInputEnds) {
  ASSERT_EQ(::write(input[1], "abc", 3), 3);
  end_input();
  EXPECT_LT(handlers_run(), 20);
  EXPECT_EQ(got, "abc");
  EXPECT_EQ(stream->hangups, 1);
}

TEST_F(DescriptorStreamTest, AnEndedInputCostsNothingAndOutputGoesOn) {
  end_input();
  handlers_run();
  {
    const core::MachineLockGuard lock;
    const uint8_t text[] = {'x', 'y'};
    EXPECT_EQ(stream->write(text), 2u);
    stream->accept_input();
  }
  EXPECT_LT(handlers_run(), 5);
  char back[2];
  ASSERT_EQ(::read(output[0], back, 2), 2);
  EXPECT_EQ(std::string(back, 2), "xy");
}

}  // namespace
}  // namespace vireo::chardev
