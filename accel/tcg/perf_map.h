#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <string>

#include "util/result.h"

namespace vireo::accel {

/// A file that tells `perf report` what lies where in generated code, a line a block: "START SIZE
/// NAME", hexadecimal without 0x (perf's tools/perf/Documentation/jit-interface.txt). A name is
/// "guest-user:ADDRESS" or "guest-kernel:ADDRESS" with the guest-virtual address of the code. Lines
/// are only ever added: where code was replaced, perf takes the later.
class PerfMap {
 public:
  /// Where perf looks for this process's.
  static std::string default_path();
  /// Replaces what an earlier process of that number left. Errors: the file cannot be made.
  static util::Result<std::unique_ptr<PerfMap>> create(const std::string& path);

  void add(std::span<const std::byte> code, uint64_t guest_linear, bool user);

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  explicit PerfMap(std::FILE* file) : file_(file) {}

  std::unique_ptr<std::FILE, Close> file_;
};

}  // namespace vireo::accel
