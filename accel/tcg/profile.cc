// Samples of vCPU threads. The signal handler only counts: by what the thread says that it does,
// and, in translated code, in a cell for each 16 bytes of the code cache. Who asks has the cells
// attributed to blocks.

#include "accel/tcg/profile.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>

#include "core/machine_lock.h"

namespace vireo::accel {

namespace {

constexpr const char* kActivityNames[util::kActivities] = {
    "loop, interrupts, exceptions",
    "helpers",
    "block lookup and linking",
    "translation: decoding",
    "translation: passes",
    "translation: code generation",
    "TLB refills and page walks",
    "accesses out of line",
    "devices and ports",
};

std::string line(const char* what, double share) {
  return fmt::format("  {:<30} {:5.1f}%\n", what, 100 * share);
}

}  // namespace

util::Status Profile::begin() {
  const size_t cells = backend_.code_cache().size() / kCellBytes;
  if (cells > 0) {
    VIREO_TRY_ASSIGN(mapping, util::MemoryMapping::create("the profile", cells * sizeof(Cell)));
    mapping_ = std::move(mapping);
    // Zeros are what empty atomics are.
    cells_ = {reinterpret_cast<Cell*>(mapping_.data()), cells};
  }
  core::MachineLock::count_waiting(&lock_ns_);
  VIREO_TRY_ASSIGN(sampler, util::ThreadSampler::start(
                                [](void* self, const void* instruction) {
                                  static_cast<Profile*>(self)->sample(instruction);
                                },
                                this));
  sampler_ = std::move(sampler);
  return {};
}

void Profile::end() {
  if (sampler_ == nullptr) return;
  ended_ = sampler_->times();
  sampler_.reset();
  core::MachineLock::count_waiting(nullptr);
}

// The sums go first: samples meanwhile may then be missing in blocks, but not in the sums.
void Profile::restart() {
  if (sampler_ == nullptr) return;
  in_cache_ = 0;
  for (auto& count : by_activity_) count = 0;
  collect();
  blocks_.clear();
  in_blocks_ = 0;
  slept_ns_ = paused_ns_ = lock_ns_ = 0;
  restarted_ = sampler_->times();
}

util::ThreadSampler::Times Profile::times() const {
  const util::ThreadSampler::Times last = sampler_ != nullptr ? sampler_->times() : ended_;
  return {last.wall_ns - restarted_.wall_ns, last.processor_ns - restarted_.processor_ns,
          last.kernel_ns - restarted_.kernel_ns};
}

void Profile::sample(const void* instruction) {
  const std::span<const std::byte> code = backend_.code_cache();
  const auto offset = static_cast<size_t>(static_cast<const std::byte*>(instruction) - code.data());
  if (offset / kCellBytes >= cells_.size()) {
    by_activity_[static_cast<unsigned>(util::Activity{util::current_activity})].fetch_add(
        1, std::memory_order_relaxed);
    return;
  }
  in_cache_.fetch_add(1, std::memory_order_relaxed);
  Cell& cell = cells_[offset / kCellBytes];
  cell.samples.fetch_add(1, std::memory_order_relaxed);
  cell.place.store(frame_.code_base | (user_ ? 1 : 0), std::memory_order_relaxed);
}

// Blocks begin at multiples of a cell's size, but for those behind a checked entry: a cell belongs
// to whose code its last byte is, or else its first.
void Profile::add(const std::byte* code, uint64_t samples, uint64_t place) {
  const tcg::TranslatedBlock* found = backend_.block_at(code + kCellBytes - 1);
  if (found == nullptr) found = backend_.block_at(code);
  if (found == nullptr) return;
  const tcg::CodePage& page = *found->page;
  const uint64_t base = page.relocatable ? tcg::page_of(place) : page.key.linear;
  const uint64_t linear = base + found->offset;
  const bool user = (place & 1) != 0;
  const auto& guest_code = guest_code_.at(backend_.host_code(*found).data());
  Block& block = blocks_[{linear, page.key.mode, user, guest_code}];
  block.linear = linear;
  block.mode = page.key.mode;
  block.user = user;
  block.guest_code = guest_code;
  block.guest_insns = found->guest_insns;
  block.host_size = found->host_size;
  block.translation = found;
  block.samples += samples;
  in_blocks_ += samples;
}

void Profile::collect() {
  const std::byte* code = backend_.code_cache().data();
  for (Cell& cell : cells_) {
    if (cell.samples.load(std::memory_order_relaxed) != 0) {
      const uint64_t samples = cell.samples.exchange(0, std::memory_order_relaxed);
      add(code, samples, cell.place.load(std::memory_order_relaxed));
    }
    code += kCellBytes;
  }
}

void Profile::flush() {
  collect();
  for (auto& [key, block] : blocks_) block.translation = nullptr;
}

uint64_t Profile::samples() const {
  uint64_t sum = in_cache_;
  for (const auto& count : by_activity_) sum += count;
  return sum;
}

std::string Profile::shares() const {
  const util::ThreadSampler::Times used = times();
  const auto wall = static_cast<double>(std::max<int64_t>(used.wall_ns - paused_ns_, 1));
  const auto of_wall = [wall](int64_t nanoseconds) {
    return static_cast<double>(nanoseconds) / wall;
  };
  const uint64_t count = samples();
  const double working = of_wall(used.processor_ns);
  const auto of_samples = [&](uint64_t part) {
    return count == 0 ? 0 : working * static_cast<double>(part) / static_cast<double>(count);
  };
  std::string text = fmt::format("time                {:.3f} s, {} samples\n", wall * 1e-9, count);
  const bool interpreted = cells_.empty();
  const auto by = [this](unsigned i) { return by_activity_[i].load(); };
  constexpr auto kGuest = static_cast<unsigned>(util::Activity::kGuest);
  if (!interpreted) {
    text += line("translated code", of_samples(in_blocks_));
    text += line("ways into it and out of it", of_samples(in_cache_ - in_blocks_));
  }
  text += line(interpreted ? "interpreter and helpers" : kActivityNames[kGuest],
               of_samples(by(kGuest)));
  for (unsigned i = 0; i < util::kActivities; ++i) {
    if (i != kGuest) text += line(kActivityNames[i], of_samples(by(i)));
  }
  const double idle = of_wall(slept_ns_), waiting = of_wall(lock_ns_);
  text += line("idle", idle) + line("waiting for the machine lock", waiting);
  text += line("not running", std::max(0.0, 1 - working - idle - waiting));
  return text + line("(of all: in the host's kernel)", of_wall(used.kernel_ns));
}

std::vector<Profile::Block> Profile::hottest(size_t most) const {
  std::vector<Block> found;
  for (const auto& [key, block] : blocks_) found.push_back(block);
  const size_t kept = std::min(most, found.size());
  std::partial_sort(found.begin(), found.begin() + static_cast<ptrdiff_t>(kept), found.end(),
                    [](const Block& a, const Block& b) { return a.samples > b.samples; });
  found.resize(kept);
  return found;
}

}  // namespace vireo::accel
