#pragma once

#include <vector>

namespace vireo::core {

/// Receives interrupt lines. Being told the same level again must have no effect: edges are what
/// the receiver makes of its own saved levels, so that a restored machine sees none.
class IrqHandler {
 public:
  virtual ~IrqHandler() = default;
  virtual void set_irq(unsigned line, bool level) = 0;
};

/// One input of a receiver.
struct IrqInput {
  IrqHandler* handler = nullptr;
  unsigned line = 0;
};

/// An interrupt (or reset, or DMA request) output of a device; unconnected until the machine or a
/// bus connects it. Machine lock held.
class IrqLine {
 public:
  /// Adds a receiver, and tells it the present level. It has to outlive the line's use.
  void connect(IrqInput input);
  /// Forgets all receivers.
  void disconnect() { inputs_.clear(); }
  bool connected() const { return !inputs_.empty(); }

  void set(bool level) {
    level_ = level;
    for (const IrqInput& input : inputs_) input.handler->set_irq(input.line, level);
  }
  void raise() { set(true); }
  void lower() { set(false); }
  void pulse() {
    raise();
    lower();
  }
  bool level() const { return level_; }

 private:
  std::vector<IrqInput> inputs_;
  bool level_ = false;
};

}  // namespace vireo::core
