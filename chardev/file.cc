// A file that records what a device sends.

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "chardev/factory.h"
#include "util/log.h"

namespace vireo::chardev {

namespace {

class File final : public Chardev {
 public:
  explicit File(int fd) : fd_(fd) {}
  ~File() override { ::close(fd_); }

  size_t write(std::span<const uint8_t> bytes) override {
    size_t done = 0;
    while (done < bytes.size()) {
      const ssize_t written = ::write(fd_, bytes.data() + done, bytes.size() - done);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return report(bytes.size());
      done += static_cast<size_t>(written);
    }
    return done;
  }
  void set_receiver(Receiver) override {}

 private:
  size_t report(size_t size) {
    if (!reported_) util::warn(fmt::format("character file: {}; output is lost", strerror(errno)));
    reported_ = true;
    return size;
  }

  int fd_;
  bool reported_ = false;
};

}  // namespace

util::Result<std::unique_ptr<Chardev>> open_file(const Spec& spec, util::EventLoop&) {
  const int fd = ::open(spec.path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) {
    return util::Error(util::ErrorCode::kIo, fmt::format("chardev '{}': cannot write '{}': {}",
                                                         spec.id, spec.path, strerror(errno)));
  }
  return std::unique_ptr<Chardev>(new File(fd));
}

}  // namespace vireo::chardev
