// A copy-on-write layer whose allocation map lives in memory only.

#include "block/format/overlay.h"

#include <algorithm>
#include <coroutine>
#include <cstring>
#include <deque>
#include <vector>

namespace vireo::block {

namespace {

constexpr uint64_t kCluster = 64 << 10;

// Lets one coroutine in at a time, in the order of arrival; for one event loop's thread.
class AsyncMutex {
 public:
  struct Lock {
    AsyncMutex& mutex;
    bool await_ready() const noexcept { return !mutex.locked_; }
    void await_suspend(std::coroutine_handle<> awaiter) { mutex.waiting_.push_back(awaiter); }
    void await_resume() noexcept { mutex.locked_ = true; }
  };
  Lock lock() { return {*this}; }
  void unlock() {
    locked_ = false;
    if (waiting_.empty()) return;
    const auto next = waiting_.front();
    waiting_.pop_front();
    next.resume();
  }

 private:
  bool locked_ = false;
  std::deque<std::coroutine_handle<>> waiting_;
};

class OverlayNode final : public Node {
 public:
  OverlayNode(std::unique_ptr<Node> base, std::unique_ptr<Node> store)
      : base_(std::move(base)),
        store_(std::move(store)),
        allocated_((base_->size() + kCluster - 1) / kCluster) {}

  std::string description() const override { return base_->description(); }
  uint64_t size() const override { return base_->size(); }
  bool read_only() const override { return false; }

  util::Task<> read(uint64_t offset, std::span<std::byte> into) override {
    while (!into.empty()) {
      const auto part = into.first(run_length(offset, into.size()));
      Node& source = allocated_[offset / kCluster] ? *store_ : *base_;
      const util::Status status = co_await source.read(offset, part);
      if (!status) co_return status;
      offset += part.size();
      into = into.subspan(part.size());
    }
    co_return util::Status{};
  }

  util::Task<> write(uint64_t offset, std::span<const std::byte> from) override {
    if (from.empty()) co_return util::Status{};
    const util::Status ready = co_await allocate(offset, from.size());
    if (!ready) co_return ready;
    co_return co_await store_->write(offset, from);
  }

  util::Task<> flush() override { co_return util::Status{}; }
  util::Task<> discard(uint64_t, uint64_t) override { co_return util::Status{}; }

  util::Task<> write_zeroes(uint64_t offset, uint64_t length) override {
    if (length == 0) co_return util::Status{};
    const util::Status ready = co_await allocate(offset, length);
    if (!ready) co_return ready;
    co_return co_await store_->write_zeroes(offset, length);
  }

 private:
  // How many bytes from `offset` have the same origin.
  size_t run_length(uint64_t offset, size_t limit) const {
    const bool kind = allocated_[offset / kCluster];
    uint64_t end = (offset / kCluster + 1) * kCluster;
    while (end < offset + limit && allocated_[end / kCluster] == kind) end += kCluster;
    return static_cast<size_t>(std::min<uint64_t>(limit, end - offset));
  }

  // Copies the clusters that a write touches from the base, unless they are in the store already.
  util::Task<> allocate(uint64_t offset, uint64_t length) {
    co_await mutex_.lock();
    util::Status status;
    std::vector<std::byte> buffer;
    for (uint64_t c = offset / kCluster; c <= (offset + length - 1) / kCluster && status; ++c) {
      if (allocated_[c]) continue;
      const uint64_t start = c * kCluster;
      buffer.resize(static_cast<size_t>(std::min(kCluster, size() - start)));
      const bool whole = offset <= start && offset + length >= start + buffer.size();
      if (!whole) {
        status = co_await base_->read(start, buffer);
        if (status) status = co_await store_->write(start, buffer);
      }
      if (status) allocated_[c] = true;
    }
    mutex_.unlock();
    co_return status;
  }

  std::unique_ptr<Node> base_;
  std::unique_ptr<Node> store_;
  std::vector<bool> allocated_;
  AsyncMutex mutex_;
};

}  // namespace

std::unique_ptr<Node> make_overlay(std::unique_ptr<Node> base, std::unique_ptr<Node> store) {
  return std::make_unique<OverlayNode>(std::move(base), std::move(store));
}

}  // namespace vireo::block
