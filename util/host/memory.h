#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "util/result.h"

namespace vireo::util {

/// The host's page size in bytes, a power of two.
size_t host_page_size();

/// A shared, zero-filled mapping that is unmapped (and its descriptor closed) on destruction.
class SharedMapping {
 public:
  enum class Pages { host_default, huge_if_possible };

  /// Reserves `size` bytes (rounded up to host pages); memory is committed when touched. `name`
  /// shows in /proc/<pid>/maps. Errors: the host refuses (kNoMemory).
  static Result<SharedMapping> create(const char* name, size_t size,
                                      Pages pages = Pages::host_default);

  SharedMapping() = default;
  SharedMapping(SharedMapping&& other) noexcept;
  SharedMapping& operator=(SharedMapping&& other) noexcept;
  ~SharedMapping();

  std::byte* data() const { return data_; }
  size_t size() const { return size_; }
  /// Can be handed to other processes or mapped again.
  int fd() const { return fd_; }
  /// Gives whole pages within [offset, offset + length) back to the host; they read as zeros
  /// afterwards.
  void discard(size_t offset, size_t length);

 private:
  std::byte* data_ = nullptr;
  size_t size_ = 0;
  int fd_ = -1;
};

}  // namespace vireo::util
