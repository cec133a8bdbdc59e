// Host memory through mmap and memfd.
#include "util/host/memory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "util/bits.h"

namespace vireo::util {

size_t host_page_size() {
  static const size_t size = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return size;
}

Result<SharedMapping> SharedMapping::create(const char* name, size_t size, Pages pages) {
  const auto failed = [&] {
    return Error(ErrorCode::kNoMemory, fmt::format("cannot get {} bytes of memory for '{}': {}",
                                                   size, name, strerror(errno)));
  };
  SharedMapping mapping;
  if (size == 0 || size > SIZE_MAX - host_page_size()) return errno = EINVAL, failed();
  mapping.size_ = align_up(size, host_page_size());
  mapping.fd_ = memfd_create(name, MFD_CLOEXEC);
  if (mapping.fd_ < 0 || ftruncate(mapping.fd_, static_cast<off_t>(mapping.size_)) != 0)
    return failed();
  void* const data = mmap(nullptr, mapping.size_, PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_NORESERVE, mapping.fd_, 0);
  if (data == MAP_FAILED) return failed();
  mapping.data_ = static_cast<std::byte*>(data);
  // Only advice: hosts without transparent huge pages for shared memory refuse it.
  if (pages == Pages::huge_if_possible) madvise(data, mapping.size_, MADV_HUGEPAGE);
  return mapping;
}

SharedMapping::SharedMapping(SharedMapping&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      fd_(std::exchange(other.fd_, -1)) {}

SharedMapping& SharedMapping::operator=(SharedMapping&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(fd_, other.fd_);
  return *this;
}

SharedMapping::~SharedMapping() {
  if (data_) munmap(data_, size_);
  if (fd_ >= 0) close(fd_);
}

void SharedMapping::discard(size_t offset, size_t length) {
  if (offset > size_ || length > size_ - offset) return;
  const size_t first = align_up(offset, host_page_size());
  const size_t end = align_down(offset + length, host_page_size());
  if (first >= end) return;
  // Not by madvise, which emulators of Linux programs take for mere advice.
  fallocate(fd_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(first),
            static_cast<off_t>(end - first));
}

}  // namespace vireo::util
