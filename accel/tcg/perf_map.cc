// Symbols of generated code for perf.

#include "accel/tcg/perf_map.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace vireo::accel {

std::string PerfMap::default_path() { return fmt::format("/tmp/perf-{}.map", ::getpid()); }

// The folder is everybody's: a link that waits there is not followed.
util::Result<std::unique_ptr<PerfMap>> PerfMap::create(const std::string& path) {
  ::unlink(path.c_str());
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  std::FILE* file = fd < 0 ? nullptr : ::fdopen(fd, "w");
  if (file == nullptr) {
    return util::Error(util::ErrorCode::kIo,
                       fmt::format("cannot write the perf map '{}': {}", path, strerror(errno)));
  }
  std::setvbuf(file, nullptr, _IOLBF, 0);  // perf may look while the guest runs
  return std::unique_ptr<PerfMap>(new PerfMap(file));
}

void PerfMap::add(std::span<const std::byte> code, uint64_t guest_linear, bool user) {
  if (code.empty()) return;
  fmt::print(file_.get(), "{:x} {:x} guest-{}:{:#x}\n", reinterpret_cast<uint64_t>(code.data()),
             code.size(), user ? "user" : "kernel", guest_linear);
}

}  // namespace vireo::accel
