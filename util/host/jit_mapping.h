#pragma once

#include <cstddef>

#include "util/result.h"

namespace vireo::util {

/// Memory for generated code. Where the host allows it, one mapping that is writable and
/// executable; else (hardened systems) two views of the same memory, so that no page is both and no
/// protection is changed while other threads execute. Offsets are the same in both views.
class JitMapping {
 public:
  /// Errors: the host refuses memory or executable mappings.
  static Result<JitMapping> create(size_t size);

  JitMapping() = default;
  JitMapping(JitMapping&& other) noexcept;
  JitMapping& operator=(JitMapping&& other) noexcept;
  ~JitMapping();

  std::byte* writable() const { return writable_; }
  std::byte* executable() const { return executable_; }
  size_t size() const { return size_; }
  /// executable address minus writable address of any byte.
  ptrdiff_t executable_minus_writable() const { return executable_ - writable_; }
  bool contains_executable(const void* address) const {
    return address >= executable_ && address < executable_ + size_;
  }
  /// Makes bytes written at [offset, offset + length) visible to instruction fetch; nothing to do
  /// on x86 hosts.
  void flush_instruction_cache(size_t offset, size_t length) const;

 private:
  bool map_anonymous();

  std::byte* writable_ = nullptr;
  std::byte* executable_ = nullptr;
  size_t size_ = 0;
};

}  // namespace vireo::util
