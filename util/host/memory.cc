// Host memory through mmap. Anonymous, not of a memfd: Linux gives huge pages to shared memory only
// where its administrator has asked for that.
#include "util/host/memory.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

#include "util/bits.h"

namespace vireo::util {
namespace {

void* map(size_t size) {
  return mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
              -1, 0);
}

/// `size` bytes on a boundary of huge pages: what lies before and behind goes back.
void* map_aligned(size_t size) {
  void* const mapped = map(size + kHugePage);
  if (mapped == MAP_FAILED) return mapped;
  auto* const begin = static_cast<std::byte*>(mapped);
  const size_t before = -reinterpret_cast<uintptr_t>(begin) & (kHugePage - 1);
  if (before != 0) munmap(begin, before);
  munmap(begin + before + size, kHugePage - before);
#ifdef MADV_HUGEPAGE
  madvise(begin + before, size, MADV_HUGEPAGE);  // where they cannot be had, small pages do
#endif
  return begin + before;
}

}  // namespace

size_t host_page_size() {
  static const size_t size = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return size;
}

Status forbid_access(std::byte* pages, size_t size) {
  if (mprotect(pages, size, PROT_NONE) == 0) return {};
  return Error(ErrorCode::kNoMemory, fmt::format("cannot protect memory: {}", strerror(errno)));
}

Result<MemoryMapping> MemoryMapping::create(const char* name, size_t size, Pages pages) {
  const auto failed = [&] {
    return Error(ErrorCode::kNoMemory, fmt::format("cannot get {} bytes of memory for '{}': {}",
                                                   size, name, strerror(errno)));
  };
  if (size == 0 || size > SIZE_MAX / 2) return errno = ENOMEM, failed();
  MemoryMapping mapping;
  mapping.size_ = align_up(size, host_page_size());
  void* const data =
      pages == Pages::huge_if_possible ? map_aligned(mapping.size_) : map(mapping.size_);
  if (data == MAP_FAILED) return failed();
  mapping.data_ = static_cast<std::byte*>(data);
  return mapping;
}

MemoryMapping::MemoryMapping(MemoryMapping&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MemoryMapping& MemoryMapping::operator=(MemoryMapping&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

MemoryMapping::~MemoryMapping() {
  if (data_) munmap(data_, size_);
}

}  // namespace vireo::util
