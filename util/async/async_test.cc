#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <thread>

#include "util/async/event_loop.h"
#include "util/async/task.h"
#include "util/async/thread_pool.h"

namespace vireo::util {
namespace {

constexpr int64_t kSoon = 5'000'000'000;  // a limit for what happens at once

TEST(EventLoop, RunsPostedFunctionsUntilStopped) {
  EventLoop loop;
  int runs = 0;
  std::thread other([&] {
    for (int i = 0; i < 100; ++i) loop.post([&] { ++runs; });
    loop.post([&] { loop.stop(); });
  });
  loop.run();
  other.join();
  EXPECT_EQ(runs, 100);
  loop.post([&] { EXPECT_TRUE(loop.in_loop_thread()); });
  EXPECT_EQ(loop.poll(), 1u);
  EXPECT_FALSE(loop.in_loop_thread());
}

TEST(EventLoop, TimersFireOnceInOrderOrNotAtAll) {
  EventLoop loop;
  std::string order;
  LoopTimer late(loop, [&] { order += 'l', loop.stop(); });
  LoopTimer early(loop, [&] { order += 'e'; });
  LoopTimer cancelled(loop, [&] { order += 'c'; });
  const int64_t now = host_monotonic_ns();
  late.arm(now + 3'000'000);
  early.arm(now + 1'000'000'000);
  early.arm(now + 1'000'000);
  cancelled.arm(now);
  cancelled.cancel();
  loop.run();
  EXPECT_EQ(order, "el");
}

TEST(EventLoop, TimersAreSetByAnyThreadWhileTheLoopWaits) {
  EventLoop loop;
  int runs = 0;
  LoopTimer timer(loop, [&] { ++runs, loop.stop(); });
  std::thread other([&] {
    timer.arm(host_monotonic_ns() + 10 * kSoon);
    timer.arm(host_monotonic_ns() + 30'000'000);
  });
  const int64_t start = host_monotonic_ns();
  loop.run();
  other.join();
  EXPECT_EQ(runs, 1);
  EXPECT_GE(host_monotonic_ns() - start, 30'000'000);
}

TEST(EventLoop, ATimerThatHasExpiredCanStillBeMoved) {
  EventLoop loop;
  int runs = 0;
  LoopTimer timer(loop, [&] { ++runs; });
  timer.arm(host_monotonic_ns());
  usleep(2000);
  timer.arm(host_monotonic_ns() + 10 * kSoon);
  loop.poll();
  EXPECT_EQ(runs, 0);
  timer.arm(host_monotonic_ns() + 1'000'000);
  while (runs == 0) ASSERT_TRUE(loop.run_one(kSoon));
  timer.arm(-5);
  while (runs == 1) ASSERT_TRUE(loop.run_one(kSoon));
  EXPECT_EQ(runs, 2);
}

TEST(FdWatch, IsLevelTriggeredAndLeavesTheDescriptorBlocking) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  EventLoop loop;
  std::string got;
  {
    FdWatch watch(loop, ends[0], [&] {
      char byte = 0;
      if (read(ends[0], &byte, 1) == 1) got += byte;
    });
    watch.watch_readable(true);
    ASSERT_EQ(write(ends[1], "abc", 3), 3);
    while (got.size() < 2) ASSERT_TRUE(loop.run_one(kSoon));
    watch.watch_readable(false);
    loop.poll();
    EXPECT_EQ(got, "ab");
    watch.watch_readable(true);
    while (got.size() < 3) ASSERT_TRUE(loop.run_one(kSoon));
    watch.watch_readable(true);
  }
  ASSERT_EQ(write(ends[1], "d", 1), 1);
  loop.poll();
  EXPECT_EQ(got, "abc") << "a destroyed watch is silent";
  EXPECT_EQ(fcntl(ends[0], F_GETFL) & O_NONBLOCK, 0);
  close(ends[0]), close(ends[1]);
}

TEST(FdWatch, SeesHangUpsAndRegularFiles) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  close(ends[1]);
  EventLoop loop;
  int hang_ups = 0, reads = 0;
  FdWatch pipe_watch(loop, ends[0], [&] { ++hang_ups; });
  pipe_watch.watch_readable(true);
  while (hang_ups == 0) ASSERT_TRUE(loop.run_one(kSoon));
  pipe_watch.watch_readable(false);
  FILE* file = tmpfile();
  FdWatch file_watch(loop, fileno(file), [&] { ++reads; });
  file_watch.watch_readable(true);
  while (reads < 2) ASSERT_TRUE(loop.run_one(kSoon));
  close(ends[0]);
  fclose(file);
}

TEST(SignalWatch, CallsBackOnTheLoop) {
  EventLoop loop;
  int seen = 0;
  SignalWatch watch(loop, {SIGUSR1}, [&](int signal) { seen = signal; });
  kill(getpid(), SIGUSR1);
  ASSERT_TRUE(loop.run_one(kSoon));
  while (seen == 0) ASSERT_TRUE(loop.run_one(kSoon));
  EXPECT_EQ(seen, SIGUSR1);
}

Task<int> count_down(int from) {
  if (from == 0) co_return 0;
  const int below = co_await count_down(from - 1);
  co_return below + 1;
}

Task<> fails() { co_return Error(ErrorCode::kIo, "broken"); }

TEST(Task, ReturnsValuesAndErrors) {
  EventLoop loop;
  EXPECT_EQ(run_until_complete(loop, count_down(100)), 100);
  const Status status = run_until_complete(loop, fails());
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().message(), "broken");
}

TEST(Task, IsLazyAndFreesItsFrameUnstarted) {
  auto held = std::make_shared<int>(1);
  const auto keep = [](std::shared_ptr<int> value) -> Task<int> { co_return *value; };
  { const Task<int> never = keep(held); }
  EXPECT_EQ(held.use_count(), 1);
}

TEST(Task, BlockingWorkComesBackToTheLoop) {
  EventLoop loop;
  ThreadPool pool(2);
  const auto main_thread = std::this_thread::get_id();
  const auto work = [&]() -> Task<int> {
    int sum = 0;
    for (int i = 0; i < 50; ++i) {
      const auto blocking = [&, i] {
        EXPECT_NE(std::this_thread::get_id(), main_thread);
        return i;
      };
      sum += co_await run_blocking(pool, loop, blocking);
      EXPECT_EQ(std::this_thread::get_id(), main_thread);
    }
    co_return sum;
  };
  EXPECT_EQ(run_until_complete(loop, work()), 49 * 50 / 2);
}

TEST(Task, SpawnStartsOnTheLoopFromAnyThread) {
  EventLoop loop;
  int result = 0;
  std::thread other([&] {
    spawn(loop, count_down(3), [&](int value) {
      EXPECT_TRUE(loop.in_loop_thread());
      result = value;
      loop.stop();
    });
  });
  loop.run();
  other.join();
  EXPECT_EQ(result, 3);
}

TEST(ThreadPool, FinishesItsWorkBeforeItGoes) {
  std::atomic<int> done = 0;
  {
    ThreadPool pool(3);
    for (int i = 0; i < 100; ++i) pool.submit([&] { ++done; });
  }
  EXPECT_EQ(done, 100);
}

}  // namespace
}  // namespace vireo::util
