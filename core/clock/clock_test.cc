#include <gtest/gtest.h>

#include <thread>

#include "core/clock/guest_clock.h"
#include "core/clock/timer.h"
#include "core/machine_lock.h"
#include "core/testing/test_machine.h"

namespace vireo::core {
namespace {

TEST(GuestClock, StandsStillWhileStopped) {
  GuestClock clock;
  EXPECT_EQ(clock.now_ns(), 0);
  clock.set_ns(1000);
  EXPECT_EQ(clock.now_ns(), 1000);
  clock.start();
  const int64_t first = clock.now_ns();
  while (clock.now_ns() == first) {
  }
  EXPECT_GE(first, 1000);
  clock.stop();
  const int64_t stopped = clock.now_ns();
  EXPECT_EQ(clock.now_ns(), stopped);
  clock.start();
  EXPECT_GE(clock.now_ns(), stopped);
}

class TimerTest : public ::testing::Test {
 protected:
  testing::TestMachine machine_;
  std::string order_;
};

TEST_F(TimerTest, FiresAtItsDeadlineInOrder) {
  Timer late, early;
  late.attach(machine_.timers,
              [&] { order_ += "l" + std::to_string(machine_.clock.now_ns()) + " "; });
  early.attach(machine_.timers, [&] {
    EXPECT_FALSE(early.armed());
    order_ += "e" + std::to_string(machine_.clock.now_ns()) + " ";
    if (machine_.clock.now_ns() < 25) early.arm(machine_.clock.now_ns() + 10);
  });
  late.arm(30);
  early.arm(10);
  machine_.advance_ns(9);
  EXPECT_EQ(order_, "");
  machine_.advance_ns(100);
  EXPECT_EQ(order_, "e10 e20 l30 e30 ");
}

TEST_F(TimerTest, CancelsByNegativeDeadlineAndDestruction) {
  Timer timer;
  timer.attach(machine_.timers, [&] { order_ += "x"; });
  timer.arm(5);
  timer.arm(-7);
  EXPECT_EQ(timer.deadline_ns(), -1);
  {
    Timer gone;
    gone.attach(machine_.timers, [&] { order_ += "y"; });
    gone.arm(5);
  }
  machine_.advance_ns(10);
  EXPECT_EQ(order_, "");
}

TEST_F(TimerTest, ATimerThatRearmsInThePresentDoesNotHoldTheLoop) {
  Timer timer;
  int runs = 0;
  timer.attach(machine_.timers, [&] { ++runs, timer.arm(0); });
  timer.arm(0);
  machine_.timers.run_due();
  EXPECT_GT(runs, 0);
  EXPECT_TRUE(timer.armed());
  timer.cancel();
}

TEST_F(TimerTest, TheLoopDrivesARunningClock) {
  Timer timer;
  timer.attach(machine_.timers, [&] {
    EXPECT_TRUE(machine_lock().held_by_me());
    order_ += "x";
    machine_.loop.stop();
  });
  machine_.clock.start();
  machine_.timers.clock_changed();
  timer.arm(machine_.clock.now_ns() + 50'000'000);
  timer.arm(machine_.clock.now_ns() + 1'000'000);
  machine_.loop.run();
  EXPECT_EQ(order_, "x");
  EXPECT_GE(machine_.clock.now_ns(), 1'000'000);
}

TEST(MachineLock, KnowsItsOwner) {
  EXPECT_FALSE(machine_lock().held_by_me());
  {
    MachineLockGuard lock;
    EXPECT_TRUE(machine_lock().held_by_me());
    MachineLockIfNeeded again;
    std::thread([] { EXPECT_FALSE(machine_lock().held_by_me()); }).join();
  }
  EXPECT_FALSE(machine_lock().held_by_me());
}

}  // namespace
}  // namespace vireo::core
