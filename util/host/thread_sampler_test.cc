#include "util/host/thread_sampler.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "util/activity.h"

namespace vireo::util {
namespace {

void burn(int steps) {
  for (int i = 0; i < steps; ++i) asm volatile("");
}

struct Counts {
  std::atomic<int> samples{0}, busy{0};
  std::atomic<const void*> last{nullptr};
};

void count(void* context, const void* instruction) {
  auto& counts = *static_cast<Counts*>(context);
  ++counts.samples;
  if (current_activity == Activity::kDevice) ++counts.busy;
  counts.last = instruction;
}

TEST(ThreadSampler, SamplesWorkAndNotSleep) {
  Counts counts;
  std::thread([&] {
    auto sampler = ThreadSampler::start(&count, &counts);
    ASSERT_TRUE(sampler) << sampler.error().message();
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    EXPECT_LE(counts.samples, 1);
    {
      const ActivityScope scope(Activity::kDevice);
      while ((*sampler)->times().processor_ns < 100'000'000) continue;
    }
    EXPECT_GE(counts.busy, 5);
    EXPECT_EQ(Activity{current_activity}, Activity::kLoop);
    const ThreadSampler::Times times = (*sampler)->times();
    EXPECT_GE(times.wall_ns, times.processor_ns + 20'000'000);
    EXPECT_LE(times.kernel_ns, times.processor_ns + 20'000'000);
  }).join();
  EXPECT_NE(counts.last, nullptr);
}

TEST(ThreadSampler, EndsWithItsObject) {
  Counts counts;
  std::thread([&] {
    auto sampler = ThreadSampler::start(&count, &counts);
    ASSERT_TRUE(sampler);
    sampler->reset();
    const int before = counts.samples;
    burn(20'000'000);
    EXPECT_EQ(counts.samples, before);
  }).join();
}

TEST(ActivityScope, NestsAndComesBack) {
  const ActivityScope outer(Activity::kAccess);
  {
    const ActivityScope inner(Activity::kDevice);
    EXPECT_EQ(Activity{current_activity}, Activity::kDevice);
  }
  EXPECT_EQ(Activity{current_activity}, Activity::kAccess);
}

}  // namespace
}  // namespace vireo::util
