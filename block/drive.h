#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "block/node.h"
#include "block/protocol/file.h"

namespace vireo::block {

/// What to open; see open_drive().
struct DriveSpec {
  std::string id;
  std::string file;    ///< Empty: a drive without a medium (a CD-ROM tray).
  std::string format;  ///< Empty or "raw".
  bool read_only = false;
  bool snapshot = false;  ///< Keep writes in a temporary file.
  bool cdrom = false;
};

/// One request of a device. Buffers are host memory (of the guest's RAM, or the device's) and stay
/// valid until `done`.
struct DriveRequest {
  enum class Kind : uint8_t { read, write, flush, discard, write_zeroes } kind;
  uint64_t offset = 0;  ///< Bytes.
  uint64_t length = 0;  ///< Of discard and write_zeroes; else the buffers say.
  std::vector<std::span<std::byte>> buffers;
  std::function<void(util::Status)> done;
};

/// The host side of a disk: what a storage device model is given. Submitting is possible under the
/// machine lock on any thread; `done` is called on the loop's thread under the machine lock.
class Drive {
 public:
  Drive(IoContext& context, DriveSpec spec, std::unique_ptr<Node> node);

  const std::string& id() const { return spec_.id; }
  bool has_medium() const { return node_ != nullptr; }
  bool is_cdrom() const { return spec_.cdrom; }
  bool read_only() const { return node_ == nullptr || node_->read_only() || spec_.read_only; }
  /// Bytes; 0 without a medium.
  uint64_t size() const { return node_ != nullptr ? node_->size() : 0; }

  /// Requests outside the medium or writes to a read-only one fail; they never reach the node.
  void submit(DriveRequest request);
  /// Reads the whole medium, for a device that holds it in memory: on the loop's thread, before
  /// anything else runs there. Errors: an empty drive, the medium's own.
  util::Status preload();
  /// What preload() has read, once.
  std::vector<std::byte> take_preloaded() { return std::exchange(preloaded_, {}); }
  /// Requests submitted whose `done` has not returned.
  unsigned in_flight() const { return in_flight_; }
  /// Called each time that in_flight() becomes 0, on the loop's thread under the machine lock.
  void set_quiet_listener(std::function<void()> listener) { became_quiet_ = std::move(listener); }

 private:
  util::Task<> carry_out(DriveRequest& request);
  util::Status check(const DriveRequest& request) const;

  IoContext& context_;
  DriveSpec spec_;
  std::unique_ptr<Node> node_;
  std::vector<std::byte> preloaded_;
  unsigned in_flight_ = 0;  // machine lock
  std::function<void()> became_quiet_;
};

/// Errors: what is wrong with the file or its format.
util::Result<std::unique_ptr<Drive>> open_drive(IoContext& context, const DriveSpec& spec);

}  // namespace vireo::block
