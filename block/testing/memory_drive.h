#pragma once

#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "block/drive.h"
#include "block/node.h"
#include "util/async/thread_pool.h"

namespace vireo::block::testing {

/// What a MemoryDrive was asked for, and holds.
struct MemoryMedium {
  std::vector<std::byte> bytes;
  bool read_only = false;
  bool failing = false;  ///< Every request ends with an error.
  int reads = 0, writes = 0, flushes = 0, discards = 0;
};

/// A block node on a vector that outlives it.
class MemoryNode final : public Node {
 public:
  explicit MemoryNode(MemoryMedium& medium) : medium_(medium) {}

  std::string description() const override { return "memory"; }
  uint64_t size() const override { return medium_.bytes.size(); }
  bool read_only() const override { return medium_.read_only; }
  util::Task<> read(uint64_t offset, std::span<std::byte> into) override {
    ++medium_.reads;
    std::copy_n(at(offset), into.size(), into.data());
    co_return outcome();
  }
  util::Task<> write(uint64_t offset, std::span<const std::byte> from) override {
    ++medium_.writes;
    std::ranges::copy(from, at(offset));
    co_return outcome();
  }
  util::Task<> flush() override {
    ++medium_.flushes;
    co_return outcome();
  }
  util::Task<> discard(uint64_t offset, uint64_t length) override {
    ++medium_.discards;
    std::fill_n(at(offset), length, std::byte{0});
    co_return outcome();
  }
  util::Task<> write_zeroes(uint64_t offset, uint64_t length) override {
    std::fill_n(at(offset), length, std::byte{0});
    co_return outcome();
  }

 private:
  std::byte* at(uint64_t offset) { return medium_.bytes.data() + offset; }
  util::Status outcome() const {
    if (medium_.failing) return util::Error(util::ErrorCode::kIo, "the medium fails");
    return {};
  }
  MemoryMedium& medium_;
};

/// A drive in memory for tests of devices. Requests complete on `loop`.
class MemoryDrive {
 public:
  MemoryDrive(util::EventLoop& loop, size_t size, DriveSpec spec = {.id = "memory"})
      : context_{loop, threads_} {
    medium.bytes.resize(size);
    for (size_t i = 0; i < size; ++i) {
      medium.bytes[i] = static_cast<std::byte>(i / 512 * 7 + i);
    }
    auto node = size != 0 ? std::make_unique<MemoryNode>(medium) : nullptr;
    drive = std::make_unique<Drive>(context_, std::move(spec), std::move(node));
  }

  MemoryMedium medium;
  std::unique_ptr<Drive> drive;

 private:
  util::ThreadPool threads_{1};
  IoContext context_;
};

}  // namespace vireo::block::testing
