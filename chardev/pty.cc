// A pseudo-terminal whose other end users open with a terminal program.

#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "chardev/descriptor_stream.h"
#include "chardev/factory.h"
#include "util/log.h"

namespace vireo::chardev {

namespace {

// Both ends stay open here, so that the pair lives on while nobody uses the other one.
class Pty final : public DescriptorStream {
 public:
  Pty(util::EventLoop& loop, int master, int slave)
      : DescriptorStream(loop), master_(master), slave_(slave) {
    connect(master, master);
  }
  ~Pty() override {
    disconnect();
    ::close(slave_);
    ::close(master_);
  }

 private:
  int master_;
  int slave_;
};

util::Error failed(const Spec& spec) {
  return {util::ErrorCode::kIo,
          fmt::format("chardev '{}': cannot make a pseudo-terminal: {}", spec.id, strerror(errno))};
}

}  // namespace

util::Result<std::unique_ptr<Chardev>> open_pty(const Spec& spec, util::EventLoop& loop) {
  const int master = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (master < 0) return failed(spec);
  const char* name = nullptr;
  int slave = -1;
  if (::grantpt(master) == 0 && ::unlockpt(master) == 0 && (name = ::ptsname(master)) != nullptr) {
    slave = ::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
  }
  termios raw;
  if (slave < 0 || ::tcgetattr(slave, &raw) != 0) {
    util::Error error = failed(spec);
    ::close(master);
    return error;
  }
  ::cfmakeraw(&raw);
  ::tcsetattr(slave, TCSANOW, &raw);
  ::fcntl(master, F_SETFL, O_NONBLOCK);
  util::warn(fmt::format("character device '{}' is at {}", spec.id, name));
  return std::unique_ptr<Chardev>(new Pty(loop, master, slave));
}

}  // namespace vireo::chardev
