// Generated code: one mapping that is writable and executable, or one memfd mapped twice. One
// mapping costs half the page faults, counts once in the process's size, may get huge pages, and is
// anonymous: perf looks into its map of a process for code in such memory only.
#include "util/host/jit_mapping.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "util/bits.h"
#include "util/host/memory.h"

namespace vireo::util {

Result<JitMapping> JitMapping::create(size_t size) {
  const auto failed = [&] {
    return Error(ErrorCode::kNoMemory,
                 fmt::format("cannot map {} bytes for generated code: {}", size, strerror(errno)));
  };
  JitMapping mapping;
  mapping.size_ = align_up(size, host_page_size());
  if (mapping.map_anonymous()) return mapping;
  const int fd = memfd_create("vireo-code", MFD_CLOEXEC);
  if (fd < 0) return failed();
  if (ftruncate(fd, static_cast<off_t>(mapping.size_)) != 0) return close(fd), failed();
  void* const writable = mmap(nullptr, mapping.size_, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  void* const executable = mmap(nullptr, mapping.size_, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
  close(fd);
  if (writable != MAP_FAILED) mapping.writable_ = static_cast<std::byte*>(writable);
  if (executable != MAP_FAILED) mapping.executable_ = static_cast<std::byte*>(executable);
  if (!mapping.writable_ || !mapping.executable_) return failed();
  return mapping;
}

bool JitMapping::map_anonymous() {
  void* const both = mmap(nullptr, size_, PROT_READ | PROT_WRITE | PROT_EXEC,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (both == MAP_FAILED) return false;
  writable_ = executable_ = static_cast<std::byte*>(both);
#ifdef MADV_HUGEPAGE
  madvise(both, size_, MADV_HUGEPAGE);  // where they cannot be had, small pages do
#endif
  return true;
}

JitMapping::JitMapping(JitMapping&& other) noexcept
    : writable_(std::exchange(other.writable_, nullptr)),
      executable_(std::exchange(other.executable_, nullptr)),
      size_(std::exchange(other.size_, 0)) {}

JitMapping& JitMapping::operator=(JitMapping&& other) noexcept {
  std::swap(writable_, other.writable_);
  std::swap(executable_, other.executable_);
  std::swap(size_, other.size_);
  return *this;
}

JitMapping::~JitMapping() {
  if (writable_) munmap(writable_, size_);
  if (executable_ && executable_ != writable_) munmap(executable_, size_);
}

void JitMapping::flush_instruction_cache(size_t offset, size_t length) const {
  // Clean the data side where it was written, then invalidate where it is fetched: caches go by
  // either address.
  char* const written = reinterpret_cast<char*>(writable_ + offset);
  char* const fetched = reinterpret_cast<char*>(executable_ + offset);
  __builtin___clear_cache(written, written + length);
  __builtin___clear_cache(fetched, fetched + length);
}

}  // namespace vireo::util
