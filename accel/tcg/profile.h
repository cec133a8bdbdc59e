#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "tcg/backend/backend.h"
#include "util/activity.h"
#include "util/host/memory.h"
#include "util/host/thread_sampler.h"

namespace vireo::accel {

/// What translations were made from, by the address of their host code: guests overwrite theirs.
using GuestCode = std::map<const std::byte*, std::vector<std::byte>>;

/// Where a vCPU's thread spends its time: samples by what it is at (util::Activity), those in
/// translated code by block, and how long it sleeps. For `-accel tcg,profile=on` and `-d perf`.
class Profile {
 public:
  /// A block that samples hit, by guest code.
  struct Block {
    uint64_t linear = 0;  ///< Guest-virtual address.
    uint64_t mode = 0;    ///< See tcg::CodePageKey.
    bool user = false;
    uint16_t guest_insns = 0;
    uint32_t host_size = 0;
    uint64_t samples = 0;
    std::vector<std::byte> guest_code;
    /// Null since it was flushed.
    const tcg::TranslatedBlock* translation = nullptr;
  };

  /// `guest_code` has every translation of `backend`. `user`: whether the vCPU is in user mode;
  /// read in signal handlers, as `frame` is.
  Profile(const tcg::Backend& backend, const GuestCode& guest_code, const tcg::Frame& frame,
          const bool& user)
      : backend_(backend), guest_code_(guest_code), frame_(frame), user_(user) {}

  // On the vCPU's thread.
  /// From here to end() the calling thread is sampled. Errors: the host cannot do this.
  util::Status begin();
  void end();
  /// Forgets what was counted so far; translation lock held.
  void restart();
  void slept(int64_t nanoseconds) { slept_ns_ += nanoseconds; }
  /// While the machine stands still: does not count at all.
  void paused(int64_t nanoseconds) { paused_ns_ += nanoseconds; }

  // From any thread, translation lock held.
  /// Attributes what was sampled since the last time to blocks.
  void collect();
  /// All translations are about to go.
  void flush();
  /// After collect(), a line an activity, in per cent of the time.
  std::string shares() const;
  /// After collect(), the most sampled first.
  std::vector<Block> hottest(size_t most) const;
  /// Of the processor time.
  uint64_t samples() const;

  /// In the signal handler: the thread is before `instruction`.
  void sample(const void* instruction);

 private:
  /// Samples in a stretch of code, and the last one's Frame::code_base with the privilege in its
  /// lowest bit.
  struct Cell {
    std::atomic<uint64_t> samples;
    std::atomic<uint64_t> place;
  };
  static constexpr size_t kCellBytes = 16;

  util::ThreadSampler::Times times() const;
  void add(const std::byte* code, uint64_t samples, uint64_t place);

  const tcg::Backend& backend_;
  const GuestCode& guest_code_;
  const tcg::Frame& frame_;
  const bool& user_;
  std::unique_ptr<util::ThreadSampler> sampler_;
  util::ThreadSampler::Times restarted_;  // what sampler_ had then
  util::ThreadSampler::Times ended_;      // what sampler_ had last
  util::MemoryMapping mapping_;
  std::span<Cell> cells_;  // for the code cache
  std::array<std::atomic<uint64_t>, util::kActivities> by_activity_{};
  std::atomic<uint64_t> in_cache_{0};
  std::atomic<int64_t> slept_ns_{0}, paused_ns_{0}, lock_ns_{0};
  uint64_t in_blocks_ = 0;
  /// Block::linear, mode, user and guest_code.
  using Key = std::tuple<uint64_t, uint64_t, bool, std::vector<std::byte>>;
  std::map<Key, Block> blocks_;
};

}  // namespace vireo::accel
