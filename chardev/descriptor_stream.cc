// Moving bytes between a device and host descriptors without ever blocking the machine.

#include "chardev/descriptor_stream.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "core/machine_lock.h"
#include "util/async/event_loop.h"

namespace vireo::chardev {

namespace {

constexpr size_t kMaxPending = 64 << 10;
constexpr size_t kChunk = 4096;  // at most PIPE_BUF: a writable pipe takes it without blocking

bool writable_now(int fd) {
  pollfd entry{fd, POLLOUT, 0};
  return ::poll(&entry, 1, 0) == 1 && (entry.revents & (POLLOUT | POLLERR)) != 0;
}

}  // namespace

DescriptorStream::DescriptorStream(util::EventLoop& loop) : loop_(loop) {}

DescriptorStream::~DescriptorStream() { *alive_ = false; }

void DescriptorStream::connect(int input, int output) {
  input_ = input;
  output_ = output;
  input_watch_.reset();
  output_watch_.reset();
  if (input >= 0) {
    input_watch_ = std::make_unique<util::FdWatch>(loop_, input, [this] { on_readable(); });
  }
  if (output >= 0) {
    output_watch_ = std::make_unique<util::FdWatch>(loop_, output, std::function<void()>{},
                                                    [this] { on_writable(); });
  }
  post_update();
}

void DescriptorStream::disconnect() {
  input_watch_.reset();
  output_watch_.reset();
  input_ = output_ = -1;
  pending_.clear();
}

void DescriptorStream::notify(Event event) {
  if (receiver_.event) receiver_.event(event);
}

void DescriptorStream::set_receiver(Receiver receiver) {
  receiver_ = std::move(receiver);
  post_update();
}

void DescriptorStream::accept_input() { post_update(); }

void DescriptorStream::set_write_ready(std::function<void()> callback) {
  write_ready_ = std::move(callback);
}

// Watches belong to the loop's thread; devices call from vCPU threads.
void DescriptorStream::post_update() {
  if (update_posted_) return;
  update_posted_ = true;
  loop_.post([this, alive = alive_] {
    if (!*alive) return;
    const core::MachineLockGuard lock;
    update_posted_ = false;
    update_watches();
  });
}

void DescriptorStream::update_watches() {
  if (input_watch_) {
    input_watch_->watch_readable(receiver_.can_receive && receiver_.can_receive() > 0);
  }
  if (output_watch_) output_watch_->watch_writable(!pending_.empty());
}

size_t DescriptorStream::write(std::span<const uint8_t> bytes) {
  if (output_ < 0) return bytes.size();  // nobody listens: as on an unplugged line
  const size_t taken = std::min(bytes.size(), kMaxPending - pending_.size());
  pending_.insert(pending_.end(), bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(taken));
  if (!flush() || !pending_.empty()) post_update();
  fell_short_ = taken < bytes.size();
  return taken;
}

// Returns false if the stream broke; the loop's thread then finds out as well.
bool DescriptorStream::flush() {
  size_t done = 0;
  bool healthy = true;
  while (done < pending_.size() && writable_now(output_)) {
    const size_t size = std::min(kChunk, pending_.size() - done);
    const ssize_t written = ::write(output_, pending_.data() + done, size);
    if (written < 0 && (errno == EINTR)) continue;
    if (written < 0) {
      healthy = errno == EAGAIN;
      if (!healthy) done = pending_.size();
      break;
    }
    done += static_cast<size_t>(written);
  }
  pending_.erase(pending_.begin(), pending_.begin() + static_cast<ptrdiff_t>(done));
  return healthy;
}

void DescriptorStream::on_writable() {
  const core::MachineLockGuard lock;
  if (output_ < 0) return;
  flush();
  update_watches();
  if (fell_short_ && pending_.size() < kMaxPending / 2) {
    fell_short_ = false;
    if (write_ready_) write_ready_();
  }
}

void DescriptorStream::on_readable() {
  const core::MachineLockGuard lock;
  if (input_ < 0) return;
  const size_t room = receiver_.can_receive ? receiver_.can_receive() : 0;
  if (room > 0) {
    uint8_t buffer[kChunk];
    const ssize_t got = ::read(input_, buffer, std::min(room, sizeof buffer));
    if (got > 0) {
      receiver_.receive({buffer, static_cast<size_t>(got)});
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
      on_hangup();
      return;
    }
  }
  update_watches();
}

}  // namespace vireo::chardev
