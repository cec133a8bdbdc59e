#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

namespace vireo::net {

/// A card's end of a network: frames are Ethernet frames without FCS. Called under the machine
/// lock.
struct Receiver {
  /// Whether `receive` would take a frame now.
  std::function<bool()> can_receive;
  std::function<void(std::span<const uint8_t> frame)> receive;
  /// Whether frames beyond kEthernetFrame may be TCP segments over IPv4 that stand for several.
  /// Empty: never.
  std::function<bool()> takes_large_segments;
};

/// What a network card is connected to. All methods need the machine lock.
class Backend {
 public:
  virtual ~Backend() = default;
  /// Whether it takes TCP segments of up to 64 KiB, whatever its MTU.
  virtual bool takes_large_segments() const { return false; }
  /// Sends a frame from the card; never blocks. Frames that do not fit are dropped.
  virtual void send(std::span<const uint8_t> frame) = 0;
  /// Makes `receiver` the card's end; an empty one detaches.
  virtual void set_receiver(Receiver receiver) = 0;
  /// Tells that `can_receive` may be true again: held-back frames are delivered.
  virtual void accept_input() {}
};

}  // namespace vireo::net
