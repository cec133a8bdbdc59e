// The raw format.

#include "block/format/raw.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace vireo::block {

namespace {

constexpr uint64_t kSector = 512;

class RawNode final : public Node {
 public:
  explicit RawNode(std::unique_ptr<Node> file) : file_(std::move(file)) {}

  std::string description() const override { return file_->description(); }
  uint64_t size() const override { return (file_->size() + kSector - 1) & ~(kSector - 1); }
  bool read_only() const override { return file_->read_only(); }

  util::Task<> read(uint64_t offset, std::span<std::byte> into) override {
    const size_t inside = within_file(offset, into.size());
    std::memset(into.data() + inside, 0, into.size() - inside);
    return file_->read(offset, into.first(inside));
  }
  util::Task<> write(uint64_t offset, std::span<const std::byte> from) override {
    return file_->write(offset, from.first(within_file(offset, from.size())));
  }
  util::Task<> flush() override { return file_->flush(); }
  util::Task<> discard(uint64_t offset, uint64_t length) override {
    return file_->discard(offset, within_file(offset, length));
  }
  util::Task<> write_zeroes(uint64_t offset, uint64_t length) override {
    return file_->write_zeroes(offset, within_file(offset, length));
  }

 private:
  size_t within_file(uint64_t offset, uint64_t length) const {
    const uint64_t end = file_->size();
    return offset >= end ? 0 : static_cast<size_t>(std::min(length, end - offset));
  }

  std::unique_ptr<Node> file_;
};

}  // namespace

std::unique_ptr<Node> make_raw(std::unique_ptr<Node> file) {
  return std::make_unique<RawNode>(std::move(file));
}

}  // namespace vireo::block
