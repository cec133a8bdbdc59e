#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "util/result.h"

namespace vireo::core {
class AddressSpace;
}

namespace vireo::hw {

/// The saved part of a queue. `vector` and `enabled` are the transport's.
struct QueueState {
  uint16_t size = 0;  ///< Entries; 0 for a queue that does not exist.
  bool enabled = false;
  uint16_t vector = 0xffff;
  uint64_t descriptors = 0;  ///< Guest addresses of the three areas.
  uint64_t available = 0;
  uint64_t used = 0;
  uint16_t next_available = 0;  ///< The next entry of the available ring to take.
  uint16_t next_used = 0;       ///< The used index that the driver sees.
  uint16_t signalled_used = 0;  ///< next_used when the driver was last considered for an interrupt.
  bool signalled_valid = false;
  bool notifications = true;  ///< Whether the driver is asked to notify.
};

/// A stretch of a buffer that lies in guest RAM.
struct BufferPiece {
  uint64_t address = 0;  ///< Guest-physical.
  std::span<std::byte> host;
};

/// One buffer that the driver made available: a chain of descriptors.
struct QueueElement {
  uint16_t head = 0;
  std::vector<BufferPiece> readable;
  std::vector<BufferPiece> writable;

  uint64_t readable_length() const;
  uint64_t writable_length() const;
};

/// Copies up to `into.size()` bytes from `offset` of `pieces`; returns how many there were.
size_t copy_from_pieces(std::span<const BufferPiece> pieces, uint64_t offset,
                        std::span<std::byte> into);
/// Copies up to `from.size()` bytes to `offset` of `pieces`; returns how many fitted.
size_t copy_to_pieces(std::span<const BufferPiece> pieces, uint64_t offset,
                      std::span<const std::byte> from);
/// The part of `pieces` from `offset` on, at most `length` bytes.
std::vector<BufferPiece> slice_pieces(std::span<const BufferPiece> pieces, uint64_t offset,
                                      uint64_t length);

/// The device's side of a split virtqueue (virtio 1.2, 2.7). Rings are the guest's and may hold
/// anything: whatever makes no sense breaks the queue, which then stays silent until reset. Rings
/// and buffers have to lie in RAM. Machine lock held.
class Virtqueue {
 public:
  static constexpr unsigned kMaxSize = 1024;
  /// Most descriptors of one chain, indirect ones included.
  static constexpr unsigned kMaxChain = 1024;

  /// `features` are the negotiated ones. `on_broken` hears once why the queue broke.
  Virtqueue(core::AddressSpace& memory, QueueState& state, const uint64_t& features,
            std::function<void(std::string_view why)> on_broken);

  QueueState& state() { return state_; }
  bool broken() const { return broken_; }
  /// After a reset, a load, or a change of addresses or of the memory topology: forgets what was
  /// derived.
  void invalidate() { mapped_ = false; }
  void set_broken(bool broken) { broken_ = broken; }

  /// Takes the next buffer; false if there is none, or the queue is not enabled or is broken.
  bool pop(QueueElement& element);
  /// Whether pop() would find an entry.
  bool has_available();
  /// Reads the chain at `head` again, for a buffer taken before the state was saved.
  bool read_chain(uint16_t head, QueueElement& element);
  /// Undoes the latest pop().
  void unpop() { --state_.next_available; }
  /// Gives a buffer back, `written` bytes into its writable part.
  void push(const QueueElement& element, uint32_t written);
  /// The same in two steps for several buffers at once: place() the first, second, ... and
  /// publish() their number.
  void place(const QueueElement& element, uint32_t written, uint16_t index);
  void publish(uint16_t count);
  /// After push(): whether the driver wants an interrupt for what was given back since the last
  /// call.
  bool should_interrupt();
  /// Asks the driver to notify of new buffers, or not to. After switching on, look once more.
  void set_notifications(bool on);

 private:
  struct Descriptor {
    uint64_t address;
    uint32_t length;
    uint16_t flags;
    uint16_t next;
  };

  bool map();
  bool event_index() const;
  void ask_for_notification();
  bool fail(std::string_view why);
  uint16_t available_index() const;
  Descriptor descriptor(std::span<const std::byte> table, uint16_t index) const;
  bool indirect_table(const Descriptor& from, std::span<const std::byte>& table);
  bool add_piece(const Descriptor& descriptor, QueueElement& element);

  core::AddressSpace& memory_;
  QueueState& state_;
  const uint64_t& features_;
  std::function<void(std::string_view)> on_broken_;
  bool broken_ = false;
  bool mapped_ = false;
  std::span<std::byte> descriptors_, available_, used_;
};

}  // namespace vireo::hw
