// From a device's request to the block graph and back.

#include "block/drive.h"

#include <fmt/format.h>

#include <optional>

#include "block/format/overlay.h"
#include "block/format/raw.h"
#include "core/machine_lock.h"

namespace vireo::block {

namespace {

constexpr int64_t kPreloadWaitNs = 1'000'000'000;

uint64_t length_of(const DriveRequest& request) {
  uint64_t length = request.length;
  for (const auto& buffer : request.buffers) length += buffer.size();
  return length;
}

bool changes_medium(DriveRequest::Kind kind) {
  return kind != DriveRequest::Kind::read && kind != DriveRequest::Kind::flush;
}

}  // namespace

Drive::Drive(IoContext& context, DriveSpec spec, std::unique_ptr<Node> node)
    : context_(context), spec_(std::move(spec)), node_(std::move(node)) {}

util::Status Drive::check(const DriveRequest& request) const {
  if (node_ == nullptr) {
    return util::Error(util::ErrorCode::kNotFound, fmt::format("drive '{}' is empty", spec_.id));
  }
  const uint64_t length = length_of(request);
  if (request.offset > node_->size() || length > node_->size() - request.offset) {
    return util::Error(util::ErrorCode::kInvalidArgument,
                       fmt::format("drive '{}': request past the end", spec_.id));
  }
  if (changes_medium(request.kind) && read_only()) {
    return util::Error(util::ErrorCode::kInvalidArgument,
                       fmt::format("drive '{}' is read-only", spec_.id));
  }
  return {};
}

util::Task<> Drive::carry_out(DriveRequest& request) {
  using Kind = DriveRequest::Kind;
  util::Status status = check(request);
  if (!status) co_return status;
  if (request.kind == Kind::flush) co_return co_await node_->flush();
  if (request.kind == Kind::discard)
    co_return co_await node_->discard(request.offset, request.length);
  if (request.kind == Kind::write_zeroes) {
    co_return co_await node_->write_zeroes(request.offset, request.length);
  }
  uint64_t offset = request.offset;
  for (const auto buffer : request.buffers) {
    if (request.kind == Kind::read) {
      status = co_await node_->read(offset, buffer);
    } else {
      status = co_await node_->write(offset, buffer);
    }
    if (!status) co_return status;
    offset += buffer.size();
  }
  co_return util::Status{};
}

void Drive::submit(DriveRequest request) {
  ++in_flight_;
  auto run = [](Drive& drive, DriveRequest moved) -> util::Task<void> {
    DriveRequest own = std::move(moved);
    util::Status status = co_await drive.carry_out(own);
    const core::MachineLockIfNeeded lock;
    own.done(std::move(status));
    // Last: what is done often leads to the next request.
    if (--drive.in_flight_ == 0 && drive.became_quiet_) drive.became_quiet_();
  };
  util::spawn(context_.loop, run(*this, std::move(request)));
}

util::Status Drive::preload() {
  preloaded_.resize(size());
  std::optional<util::Status> outcome;
  submit({.kind = DriveRequest::Kind::read,
          .buffers = {preloaded_},
          .done = [&outcome](util::Status status) { outcome = std::move(status); }});
  while (!outcome) context_.loop.run_one(kPreloadWaitNs);
  if (!*outcome) preloaded_.clear();
  return *std::move(outcome);
}

util::Result<std::unique_ptr<Drive>> open_drive(IoContext& context, const DriveSpec& spec) {
  if (spec.file.empty()) return std::make_unique<Drive>(context, spec, nullptr);
  if (!spec.format.empty() && spec.format != "raw") {
    return util::Error(util::ErrorCode::kUnsupported,
                       fmt::format("'{}': no format '{}'; there is raw", spec.file, spec.format));
  }
  VIREO_TRY_ASSIGN(file, FileNode::open(context, spec.file, spec.read_only || spec.snapshot));
  if (file->size() == 0) {
    return util::Error(
        util::ErrorCode::kCorrupt,
        fmt::format("'{}' is empty: a disk image has at least one sector", spec.file));
  }
  std::unique_ptr<Node> node = make_raw(std::move(file));
  if (spec.snapshot && !spec.read_only) {
    VIREO_TRY_ASSIGN(store, FileNode::create_temporary(context, node->size()));
    node = make_overlay(std::move(node), std::move(store));
  }
  return std::make_unique<Drive>(context, spec, std::move(node));
}

}  // namespace vireo::block
