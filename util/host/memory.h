#pragma once

#include <cstddef>

#include "util/result.h"

namespace vireo::util {

inline constexpr size_t kHugePage = size_t{2} << 20;

/// The host's page size in bytes, a power of two.
size_t host_page_size();

/// Has these pages, of a MemoryMapping, fault whenever they are touched. Errors: the host refuses.
Status forbid_access(std::byte* pages, size_t size);

/// Private, zero-filled memory that is unmapped on destruction.
class MemoryMapping {
 public:
  enum class Pages { host_default, huge_if_possible };

  /// Reserves `size` bytes (rounded up to host pages); memory is committed when touched. With
  /// huge_if_possible it begins where a huge page may. Errors: the host refuses (kNoMemory); `name`
  /// is what the message calls it.
  static Result<MemoryMapping> create(const char* name, size_t size,
                                      Pages pages = Pages::host_default);

  MemoryMapping() = default;
  MemoryMapping(MemoryMapping&& other) noexcept;
  MemoryMapping& operator=(MemoryMapping&& other) noexcept;
  ~MemoryMapping();

  std::byte* data() const { return data_; }
  size_t size() const { return size_; }
  /// Leaves the memory to another owner.
  void release() { data_ = nullptr, size_ = 0; }

 private:
  std::byte* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace vireo::util
