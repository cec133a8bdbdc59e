#pragma once

#include <memory>
#include <string>

#include "block/node.h"
#include "util/async/thread_pool.h"

namespace vireo::block {

/// Host threads and the loop on which block requests are carried out; outlives all nodes.
struct IoContext {
  util::EventLoop& loop;
  util::ThreadPool& threads;
};

/// A host file or block device.
class FileNode final : public Node {
 public:
  /// Opens `path`. Errors: what the host says, a directory, a file that is neither a regular file
  /// nor a block device.
  static util::Result<std::unique_ptr<FileNode>> open(IoContext& context, const std::string& path,
                                                      bool read_only);
  /// A new file without a name, of `size` zero bytes, that vanishes with the node.
  static util::Result<std::unique_ptr<FileNode>> create_temporary(IoContext& context,
                                                                  uint64_t size);
  ~FileNode() override;

  std::string description() const override { return path_; }
  uint64_t size() const override { return size_; }
  bool read_only() const override { return read_only_; }
  util::Task<> read(uint64_t offset, std::span<std::byte> into) override;
  util::Task<> write(uint64_t offset, std::span<const std::byte> from) override;
  util::Task<> flush() override;
  util::Task<> discard(uint64_t offset, uint64_t length) override;
  util::Task<> write_zeroes(uint64_t offset, uint64_t length) override;

 private:
  FileNode(IoContext& context, std::string path, int fd, uint64_t size, bool read_only);

  IoContext& context_;
  std::string path_;
  int fd_;
  uint64_t size_;
  bool read_only_;
};

}  // namespace vireo::block
