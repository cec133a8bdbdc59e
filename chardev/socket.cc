// A TCP or UNIX stream socket, as client or as server of one peer at a time.

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "chardev/descriptor_stream.h"
#include "chardev/factory.h"
#include "core/machine_lock.h"
#include "util/async/event_loop.h"
#include "util/log.h"

namespace vireo::chardev {

namespace {

class Socket final : public DescriptorStream {
 public:
  /// Either end may be -1.
  Socket(util::EventLoop& loop, int listener, int peer, std::string unlink_path)
      : DescriptorStream(loop), listener_(listener), unlink_path_(std::move(unlink_path)) {
    if (listener >= 0) {
      listener_watch_ =
          std::make_unique<util::FdWatch>(loop, listener, [this] { on_connection(); });
    }
    if (peer >= 0) {
      adopt(peer);
    } else {
      listener_watch_->watch_readable(true);
    }
  }
  ~Socket() override {
    drop_peer();
    listener_watch_.reset();
    if (listener_ >= 0) ::close(listener_);
    if (!unlink_path_.empty()) ::unlink(unlink_path_.c_str());
  }

 private:
  void adopt(int peer) {
    peer_ = peer;
    ::fcntl(peer, F_SETFL, O_NONBLOCK);
    const int one = 1;
    ::setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    connect(peer, peer);
    notify(Event::opened);
  }

  void on_connection() {
    const core::MachineLockGuard lock;
    const int peer = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (peer < 0) return;
    listener_watch_->watch_readable(false);
    adopt(peer);
  }

  void drop_peer() {
    disconnect();
    if (peer_ >= 0) ::close(peer_);
    peer_ = -1;
  }

  void on_hangup() override {
    drop_peer();
    notify(Event::closed);
    if (listener_watch_) listener_watch_->watch_readable(true);
  }

  int listener_;
  int peer_ = -1;
  std::string unlink_path_;
  std::unique_ptr<util::FdWatch> listener_watch_;
};

std::string where(const Spec& spec) {
  return spec.path.empty() ? fmt::format("{}:{}", spec.host, spec.port) : spec.path;
}

util::Error failed(const Spec& spec, std::string_view what, std::string_view why) {
  return {util::ErrorCode::kIo,
          fmt::format("chardev '{}': cannot {} {}: {}", spec.id, what, where(spec), why)};
}

util::Result<int> bind_or_connect(const Spec& spec, int family, const sockaddr* address,
                                  socklen_t size) {
  const int fd = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int one = 1;
  if (fd >= 0) ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  const bool done = fd >= 0 && (spec.server ? ::bind(fd, address, size) == 0 && ::listen(fd, 1) == 0
                                            : ::connect(fd, address, size) == 0);
  if (done) return fd;
  util::Error error = failed(spec, spec.server ? "listen at" : "connect to", strerror(errno));
  if (fd >= 0) ::close(fd);
  return error;
}

util::Result<int> open_unix(const Spec& spec) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (spec.path.size() >= sizeof address.sun_path) {
    return failed(
        spec, "use",
        fmt::format("a socket path has at most {} characters", sizeof address.sun_path - 1));
  }
  std::memcpy(address.sun_path, spec.path.c_str(), spec.path.size() + 1);
  if (spec.server) ::unlink(spec.path.c_str());
  return bind_or_connect(spec, AF_UNIX, reinterpret_cast<sockaddr*>(&address), sizeof address);
}

util::Result<int> open_tcp(const Spec& spec) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = spec.server ? AI_PASSIVE : 0;
  addrinfo* found = nullptr;
  const int code = ::getaddrinfo(spec.host.empty() ? nullptr : spec.host.c_str(), spec.port.c_str(),
                                 &hints, &found);
  if (code != 0) return failed(spec, "resolve", gai_strerror(code));
  auto fd = bind_or_connect(spec, found->ai_family, found->ai_addr, found->ai_addrlen);
  ::freeaddrinfo(found);
  return fd;
}

}  // namespace

util::Result<std::unique_ptr<Chardev>> open_socket(const Spec& spec, util::EventLoop& loop) {
  VIREO_TRY_ASSIGN(fd, spec.path.empty() ? open_tcp(spec) : open_unix(spec));
  if (!spec.server) return std::unique_ptr<Chardev>(new Socket(loop, -1, fd, ""));
  int peer = -1;
  if (spec.wait) {
    util::warn(fmt::format("waiting for a connection at {}", where(spec)));
    peer = ::accept4(fd, nullptr, nullptr, SOCK_CLOEXEC);
    if (peer < 0) return failed(spec, "accept at", strerror(errno));
  }
  return std::unique_ptr<Chardev>(new Socket(loop, fd, peer, spec.path));
}

}  // namespace vireo::chardev
