// Host files and block devices, with blocking calls made on a thread pool.

#include "block/protocol/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace vireo::block {

namespace {

util::Error io_error(const std::string& path, std::string_view what, int error) {
  return {util::ErrorCode::kIo, fmt::format("{} '{}': {}", what, path, strerror(error))};
}

// Reads or writes all of it; returns 0 or an errno. The end of a file that shrank reads as zeros.
int read_fully(int fd, uint64_t offset, std::span<std::byte> into) {
  while (!into.empty()) {
    const ssize_t got = ::pread(fd, into.data(), into.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno;
    if (got == 0) {
      std::memset(into.data(), 0, into.size());
      return 0;
    }
    into = into.subspan(static_cast<size_t>(got));
    offset += static_cast<uint64_t>(got);
  }
  return 0;
}

int write_fully(int fd, uint64_t offset, std::span<const std::byte> from) {
  while (!from.empty()) {
    const ssize_t put = ::pwrite(fd, from.data(), from.size(), static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return errno;
    from = from.subspan(static_cast<size_t>(put));
    offset += static_cast<uint64_t>(put);
  }
  return 0;
}

int write_zeroes_slowly(int fd, uint64_t offset, uint64_t length) {
  static constexpr std::byte kZeroes[64 << 10] = {};
  while (length > 0) {
    const size_t size = length < sizeof kZeroes ? static_cast<size_t>(length) : sizeof kZeroes;
    const int error = write_fully(fd, offset, {kZeroes, size});
    if (error != 0) return error;
    offset += size;
    length -= size;
  }
  return 0;
}

int punch(int fd, uint64_t offset, uint64_t length) {
#ifdef FALLOC_FL_PUNCH_HOLE
  const int done = ::fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                               static_cast<off_t>(offset), static_cast<off_t>(length));
  return done == 0 ? 0 : errno;
#else
  return ENOTSUP;
#endif
}

}  // namespace

FileNode::FileNode(IoContext& context, std::string path, int fd, uint64_t size, bool read_only)
    : context_(context), path_(std::move(path)), fd_(fd), size_(size), read_only_(read_only) {}

FileNode::~FileNode() { ::close(fd_); }

util::Result<std::unique_ptr<FileNode>> FileNode::open(IoContext& context, const std::string& path,
                                                       bool read_only) {
  // Non-blocking, so that a FIFO cannot hang us; it means nothing to files and block devices.
  const int flags = (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK;
  const int fd = ::open(path.c_str(), flags);
  if (fd < 0) return io_error(path, "cannot open", errno);
  struct stat information {};
  std::string refusal;
  if (::fstat(fd, &information) != 0) {
    refusal = strerror(errno);
  } else if (S_ISDIR(information.st_mode)) {
    refusal = "it is a directory";
  } else if (!S_ISREG(information.st_mode) && !S_ISBLK(information.st_mode)) {
    refusal = "it is neither a file nor a block device";
  }
  const off_t end = refusal.empty() ? ::lseek(fd, 0, SEEK_END) : 0;
  if (end < 0) refusal = strerror(errno);
  if (!refusal.empty()) {
    ::close(fd);
    return util::Error(util::ErrorCode::kIo, fmt::format("cannot use '{}': {}", path, refusal));
  }
  return std::unique_ptr<FileNode>(
      new FileNode(context, path, fd, static_cast<uint64_t>(end), read_only));
}

util::Result<std::unique_ptr<FileNode>> FileNode::create_temporary(IoContext& context,
                                                                   uint64_t size) {
  const char* directory = std::getenv("TMPDIR");
  std::string path = fmt::format("{}/vireo-XXXXXX", directory != nullptr ? directory : "/var/tmp");
  const int fd = ::mkstemp(path.data());
  if (fd < 0) return io_error(path, "cannot create temporary file", errno);
  ::unlink(path.c_str());
  if (::ftruncate(fd, static_cast<off_t>(size)) != 0) {
    util::Error error = io_error(path, "cannot size temporary file", errno);
    ::close(fd);
    return error;
  }
  return std::unique_ptr<FileNode>(new FileNode(context, path, fd, size, false));
}

util::Task<> FileNode::read(uint64_t offset, std::span<std::byte> into) {
  const auto work = [this, offset, into] { return read_fully(fd_, offset, into); };
  const int error = co_await util::run_blocking(context_.threads, context_.loop, work);
  if (error != 0) co_return io_error(path_, "cannot read", error);
  co_return util::Status{};
}

util::Task<> FileNode::write(uint64_t offset, std::span<const std::byte> from) {
  const auto work = [this, offset, from] { return write_fully(fd_, offset, from); };
  const int error = co_await util::run_blocking(context_.threads, context_.loop, work);
  if (error != 0) co_return io_error(path_, "cannot write", error);
  co_return util::Status{};
}

util::Task<> FileNode::flush() {
  const auto work = [this] { return ::fdatasync(fd_) == 0 ? 0 : errno; };
  const int error = co_await util::run_blocking(context_.threads, context_.loop, work);
  if (error != 0) co_return io_error(path_, "cannot flush", error);
  co_return util::Status{};
}

util::Task<> FileNode::discard(uint64_t offset, uint64_t length) {
  const auto work = [this, offset, length] { return punch(fd_, offset, length); };
  const int error = co_await util::run_blocking(context_.threads, context_.loop, work);
  if (error != 0 && error != EOPNOTSUPP && error != ENOSYS) {
    co_return io_error(path_, "cannot discard in", error);
  }
  co_return util::Status{};
}

util::Task<> FileNode::write_zeroes(uint64_t offset, uint64_t length) {
  const auto work = [this, offset, length] {
    if (punch(fd_, offset, length) == 0) return 0;
    return write_zeroes_slowly(fd_, offset, length);
  };
  const int error = co_await util::run_blocking(context_.threads, context_.loop, work);
  if (error != 0) co_return io_error(path_, "cannot write zeroes to", error);
  co_return util::Status{};
}

}  // namespace vireo::block
