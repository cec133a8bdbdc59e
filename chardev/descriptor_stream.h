#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "chardev/chardev.h"

namespace vireo::util {
class EventLoop;
class FdWatch;
}  // namespace vireo::util

namespace vireo::chardev {

/// A byte stream over host descriptors: buffers what the host does not take at once, and reads only
/// what the device can take. Base of the back ends that have a descriptor. Objects die on the
/// loop's thread or after it ended.
class DescriptorStream : public Chardev {
 public:
  explicit DescriptorStream(util::EventLoop& loop);
  ~DescriptorStream() override;

  size_t write(std::span<const uint8_t> bytes) override;
  void set_receiver(Receiver receiver) override;
  void accept_input() override;
  void set_write_ready(std::function<void()> callback) override;

 protected:
  /// Takes the stream's descriptors (not their ownership); -1 where there is none. Loop thread, or
  /// before it runs; machine lock held.
  void connect(int input, int output);
  void disconnect();
  bool connected() const { return input_ >= 0 || output_ >= 0; }
  void notify(Event event);
  /// The peer closed the stream or it failed; runs under the machine lock on the loop's thread.
  virtual void on_hangup() { disconnect(); }

  util::EventLoop& loop() { return loop_; }

 private:
  void update_watches();
  void post_update();
  void on_readable();
  void on_writable();
  bool flush();

  util::EventLoop& loop_;
  int input_ = -1;
  int output_ = -1;
  std::unique_ptr<util::FdWatch> input_watch_;
  std::unique_ptr<util::FdWatch> output_watch_;
  Receiver receiver_;
  std::function<void()> write_ready_;
  std::vector<uint8_t> pending_;  // not yet taken by the host
  bool fell_short_ = false;
  bool update_posted_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace vireo::chardev
