#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

namespace vireo::chardev {

/// What happens on the far side of a byte stream beside bytes.
enum class Event : uint8_t {
  opened,      ///< A peer connected; the stream carries data from now on.
  closed,      ///< The peer went away.
  break_sent,  ///< The line was held in the break condition.
  focused      ///< A shared terminal now reads for this device.
};

/// Line settings that a serial device asks of a back end that has a real line.
struct LineParameters {
  uint32_t baud = 9600;
  uint8_t data_bits = 8;  ///< 5 to 8.
  uint8_t stop_bits = 1;  ///< 1 or 2.
  char parity = 'N';      ///< 'N', 'E' or 'O'.
};

/// A device's end of a byte stream. All are called under the machine lock; any may be empty.
struct Receiver {
  /// How many bytes `receive` takes now.
  std::function<size_t()> can_receive;
  /// At most as many bytes as `can_receive` just said.
  std::function<void(std::span<const uint8_t>)> receive;
  std::function<void(Event)> event;
};

/// A byte stream between one device and a back end. All methods need the machine lock.
class Chardev {
 public:
  virtual ~Chardev() = default;

  /// Takes bytes from the device; returns how many went out (the rest is lost or is to be offered
  /// again after `set_write_ready`'s callback). Never blocks for long.
  virtual size_t write(std::span<const uint8_t> bytes) = 0;
  /// Makes `receiver` the device's end; an empty one detaches.
  virtual void set_receiver(Receiver receiver) = 0;
  /// Tells that `can_receive` may have grown: held-back bytes are delivered.
  virtual void accept_input() {}
  /// Calls back when a `write` that fell short may be tried again. Back ends that never fall short
  /// ignore it.
  virtual void set_write_ready(std::function<void()> callback) { (void)callback; }
  virtual void set_parameters(const LineParameters& parameters) { (void)parameters; }
  /// Holds the line in the break condition, or ends it.
  virtual void set_break(bool on) { (void)on; }
};

}  // namespace vireo::chardev
