#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "util/async/task.h"

namespace vireo::block {

/// A node of the block graph: a file, a device, or a format on top of other nodes. Methods are for
/// the event loop's thread; several may be in flight. Ranges lie within size(); a node may be asked
/// for any byte range, whatever the sector size of the device on top.
class Node {
 public:
  virtual ~Node() = default;

  /// For messages: a path, or the format and the path below it.
  virtual std::string description() const = 0;
  /// In bytes.
  virtual uint64_t size() const = 0;
  virtual bool read_only() const = 0;

  virtual util::Task<> read(uint64_t offset, std::span<std::byte> into) = 0;
  virtual util::Task<> write(uint64_t offset, std::span<const std::byte> from) = 0;
  /// Everything written before it is durable afterwards.
  virtual util::Task<> flush() = 0;
  /// The range may lose its contents and give its space back; reads then return anything.
  virtual util::Task<> discard(uint64_t offset, uint64_t length) = 0;
  /// The range reads as zeros afterwards.
  virtual util::Task<> write_zeroes(uint64_t offset, uint64_t length) = 0;
};

}  // namespace vireo::block
