// Reading whole files for the machine: firmware, kernels, initial RAM disks.

#include "hw/i386/host_file.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace vireo::hw {

util::Result<std::vector<std::byte>> read_host_file(const std::string& path, size_t max_size) {
  using util::Error;
  using util::ErrorCode;
  std::error_code failure;
  const auto status = std::filesystem::status(path, failure);
  if (!std::filesystem::exists(status)) {
    return Error(ErrorCode::kNotFound, fmt::format("'{}': no such file", path));
  }
  if (!std::filesystem::is_regular_file(status)) {
    return Error(ErrorCode::kInvalidArgument, fmt::format("'{}' is no regular file", path));
  }
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  const uintmax_t size = std::filesystem::file_size(path, failure);
  if (!file || failure) {
    return Error(ErrorCode::kIo, fmt::format("cannot open '{}': {}", path, std::strerror(errno)));
  }
  if (size == 0) return Error(ErrorCode::kInvalidArgument, fmt::format("'{}' is empty", path));
  if (size > max_size) {
    return Error(ErrorCode::kInvalidArgument,
                 fmt::format("'{}' has {} bytes, at most {} fit", path, size, max_size));
  }
  std::vector<std::byte> contents(size);
  file.read(reinterpret_cast<char*>(contents.data()), static_cast<std::streamsize>(size));
  if (!file) return Error(ErrorCode::kIo, fmt::format("cannot read '{}'", path));
  return contents;
}

}  // namespace vireo::hw
