// The virtio block device: requests of a header, data and a status byte (virtio 1.2, 5.2.6).

#include "hw/virtio/virtio_blk.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "util/log.h"

namespace vireo::hw {
namespace {

using core::field;
using Kind = block::DriveRequest::Kind;

enum Feature : uint8_t {
  kSegMax = 2,
  kGeometry = 4,
  kReadOnly = 5,
  kBlockSize = 6,
  kFlush = 9,
  kTopology = 10,
  kDiscard = 13,
  kWriteZeroes = 14,
};
enum RequestType : uint32_t {
  kTypeIn = 0,
  kTypeOut = 1,
  kTypeFlush = 4,
  kTypeGetId = 8,
  kTypeDiscard = 11,
  kTypeWriteZeroes = 13,
};
enum RequestStatus : uint8_t { kOk = 0, kIoError = 1, kUnsupported = 2 };
// Offsets in the device configuration.
enum Config : uint8_t {
  kConfigCapacity = 0,
  kConfigSegMax = 12,
  kConfigCylinders = 16,
  kConfigHeads = 18,
  kConfigSectors = 19,
  kConfigBlockSize = 20,
  kConfigPhysicalExponent = 24,
  kConfigMinIo = 26,
  kConfigOptIo = 28,
  kConfigNumQueues = 34,
  kConfigMaxDiscard = 36,
  kConfigMaxDiscardSegments = 40,
  kConfigDiscardAlignment = 44,
  kConfigMaxWriteZeroes = 48,
  kConfigMaxWriteZeroesSegments = 52,
  kConfigWriteZeroesMayUnmap = 56,
};

constexpr unsigned kSectorShift = 9;
constexpr uint64_t kSectorSize = 512;
constexpr size_t kHeaderSize = 16;
constexpr size_t kRangeSize = 16;
constexpr size_t kIdSize = 20;
constexpr uint32_t kUnmapFlag = 1;
constexpr uint32_t kMaxEraseSectors = 1u << 22;
// Scattered data up to this size goes through one buffer, so that it is one host request.
constexpr uint64_t kMaxBounce = 4 << 20;
constexpr uint16_t kHeads = 16;
constexpr uint8_t kSectorsPerTrack = 63;

// Neighbours in guest memory that are neighbours on the host too become one.
std::vector<std::span<std::byte>> merge(const std::vector<BufferPiece>& pieces) {
  std::vector<std::span<std::byte>> merged;
  for (const BufferPiece& piece : pieces) {
    if (!merged.empty() && merged.back().data() + merged.back().size() == piece.host.data()) {
      merged.back() = {merged.back().data(), merged.back().size() + piece.host.size()};
    } else {
      merged.push_back(piece.host);
    }
  }
  return merged;
}

}  // namespace

struct VirtioBlk::Request : std::enable_shared_from_this<Request> {
  VirtioBlk* device = nullptr;  // null once the device has forgotten the request
  QueueElement element;
  std::vector<BufferPiece> data;  // what is read or written
  uint32_t data_length = 0;       // of writable data
  std::vector<std::byte> bounce;
  bool read = false;
};

void VirtioBlk::describe(core::Description<VirtioBlk>& d) {
  d.type("virtio-blk-pci", "virtio disk");
  describe_virtio(d);
  d.property("drive", &VirtioBlk::drive_, "the disk's contents");
  d.property("serial", &VirtioBlk::serial_, "up to 20 characters");
  d.property("logical_block_size", &VirtioBlk::logical_block_size_,
             "smallest unit of requests: a power of two from 512 to 32768");
  d.property("physical_block_size", &VirtioBlk::physical_block_size_,
             "unit that the medium likes: a power of two from logical_block_size to 32768");
  d.property("discard", &VirtioBlk::discard_, "offer discard");
  d.state(&VirtioBlk::state_, 1, field("in-flight", &State::in_flight));
}

util::Status VirtioBlk::on_virtio_realize() {
  const auto error = [this](std::string text) {
    return util::Error(util::ErrorCode::kInvalidArgument, fmt::format("{}: {}", label(), text));
  };
  if (!drive_) return error("the property 'drive' has to name a drive");
  if (!drive_->has_medium()) return error(fmt::format("drive '{}' is empty", drive_->id()));
  for (const uint32_t size : {logical_block_size_, physical_block_size_}) {
    if (!std::has_single_bit(size) || size < 512 || size > 32768 || size < logical_block_size_) {
      return error(
          fmt::format("{} is no block size: it is a power of two from 512 to 32768, and "
                      "the physical one is not the smaller",
                      size));
    }
  }
  add_queue(kQueueSize);
  return {};
}

void VirtioBlk::on_virtio_unrealize() { forget_requests(); }

void VirtioBlk::on_virtio_reset() {
  forget_requests();
  state_ = {};
  orphans_ = false;
}

util::Status VirtioBlk::after_virtio_load() {
  forget_requests();
  orphans_ = true;
  return {};
}

void VirtioBlk::set_in_flight(uint16_t head, bool on) {
  const auto bit = static_cast<uint8_t>(1u << (head % 8));
  uint8_t& byte = state_.in_flight[head / 8];
  byte = static_cast<uint8_t>(on ? byte | bit : byte & ~bit);
}

// Host requests cannot be called back: their ends find nobody who cares.
void VirtioBlk::forget_requests() {
  for (const auto& request : requests_) request->device = nullptr;
  requests_.clear();
}

void VirtioBlk::restart_requests() {
  orphans_ = false;
  for (uint16_t head = 0; head < kQueueSize; ++head) {
    if (!is_in_flight(head)) continue;
    auto request = std::make_shared<Request>();
    if (!queue(0).read_chain(head, request->element)) return;
    start(std::move(request));
  }
}

uint64_t VirtioBlk::device_features() const {
  uint64_t features = virtio_bit(kSegMax) | virtio_bit(kGeometry) | virtio_bit(kBlockSize) |
                      virtio_bit(kFlush) | virtio_bit(kTopology);
  if (drive_->read_only()) return features | virtio_bit(kReadOnly);
  features |= virtio_bit(kWriteZeroes);
  if (discard_) features |= virtio_bit(kDiscard);
  return features;
}

VirtioPci::DeviceConfig VirtioBlk::device_config() const {
  DeviceConfig config{};
  const auto put = [&]<class T>(unsigned at, T value) {
    util::store_little<T>(&config[at], value);
  };
  const uint64_t sectors = drive_->size() >> kSectorShift;
  const uint64_t cylinders = std::clamp<uint64_t>(sectors / (kHeads * kSectorsPerTrack), 2, 16383);
  put(kConfigCapacity, sectors);
  // A request's header and status byte take two descriptors.
  put(kConfigSegMax, uint32_t{kQueueSize - 2});
  put(kConfigCylinders, static_cast<uint16_t>(cylinders));
  put(kConfigHeads, static_cast<uint8_t>(kHeads));
  put(kConfigSectors, kSectorsPerTrack);
  put(kConfigBlockSize, logical_block_size_);
  put(kConfigPhysicalExponent,
      static_cast<uint8_t>(std::countr_zero(physical_block_size_ / logical_block_size_)));
  put(kConfigMinIo, static_cast<uint16_t>(physical_block_size_ / logical_block_size_));
  put(kConfigOptIo, uint32_t{0});
  put(kConfigNumQueues, uint16_t{1});
  put(kConfigMaxDiscard, kMaxEraseSectors);
  put(kConfigMaxDiscardSegments, uint32_t{1});
  put(kConfigDiscardAlignment, logical_block_size_ >> kSectorShift);
  put(kConfigMaxWriteZeroes, kMaxEraseSectors);
  put(kConfigMaxWriteZeroesSegments, uint32_t{1});
  put(kConfigWriteZeroesMayUnmap, uint8_t{1});
  return config;
}

void VirtioBlk::queue_notified(unsigned) {
  Virtqueue& requests = queue(0);
  batching_ = true;
  completed_ = false;
  if (orphans_) restart_requests();
  unsigned burst = 0;
  do {
    requests.set_notifications(false);
    while (burst++ < kQueueSize) {
      auto request = std::make_shared<Request>();
      if (!requests.pop(request->element)) break;
      if (is_in_flight(request->element.head)) {
        needs_reset("a buffer was made available twice");
        break;
      }
      set_in_flight(request->element.head, true);
      start(std::move(request));
    }
    requests.set_notifications(true);
  } while (requests.has_available() && burst <= kQueueSize);
  if (burst > kQueueSize) resume_later();
  batching_ = false;
  if (completed_) notify_driver(0);
}

void VirtioBlk::start(std::shared_ptr<Request> request) {
  request->device = this;
  requests_.insert(request);
  QueueElement& element = request->element;
  std::byte header[kHeaderSize];
  const uint64_t writable = element.writable_length();
  if (copy_from_pieces(element.readable, 0, header) != kHeaderSize || writable == 0) {
    needs_reset("a request without header or status");
    return;
  }
  const auto type = util::load_little<uint32_t>(header);
  const auto sector = util::load_little<uint64_t>(header + 8);
  switch (type) {
    case kTypeIn:
      request->data = slice_pieces(element.writable, 0, writable - 1);
      return transfer(request, sector, /*read=*/true);
    case kTypeOut:
      request->data = slice_pieces(element.readable, kHeaderSize, ~uint64_t{0});
      return transfer(request, sector, /*read=*/false);
    case kTypeFlush:
      return submit(request, {.kind = Kind::flush});
    case kTypeGetId: {
      std::byte id[kIdSize] = {};
      std::memcpy(id, serial_.data(), std::min(serial_.size(), kIdSize));
      const auto length = static_cast<size_t>(std::min<uint64_t>(kIdSize, writable - 1));
      copy_to_pieces(element.writable, 0, std::span(id).first(length));
      return complete(*request, kOk, static_cast<uint32_t>(length));
    }
    case kTypeDiscard:
    case kTypeWriteZeroes:
      return erase(request, type == kTypeWriteZeroes);
    default:
      util::log(util::kLogGuestErrors, "{}: unknown request {}", label(), type);
      complete(*request, kUnsupported, 0);
  }
}

void VirtioBlk::transfer(const std::shared_ptr<Request>& request, uint64_t sector, bool read) {
  uint64_t length = 0;
  for (const BufferPiece& piece : request->data) length += piece.host.size();
  const uint64_t unit = logical_block_size_;
  // The status byte is counted too, so that a length of 32 bits holds all.
  if (length % unit != 0 || length >= UINT32_MAX || sector > UINT64_MAX / kSectorSize) {
    return complete(*request, kIoError, 0);
  }
  if (length == 0) return complete(*request, kOk, 0);
  request->read = read;
  request->data_length = read ? static_cast<uint32_t>(length) : 0;
  block::DriveRequest drive_request{.kind = read ? Kind::read : Kind::write,
                                    .offset = sector << kSectorShift,
                                    .buffers = merge(request->data)};
  if (drive_request.buffers.size() > 1 && length <= kMaxBounce) {
    request->bounce.resize(length);
    if (!read) copy_from_pieces(request->data, 0, request->bounce);
    drive_request.buffers = {request->bounce};
  }
  submit(request, std::move(drive_request));
}

void VirtioBlk::erase(const std::shared_ptr<Request>& request, bool write_zeroes) {
  std::byte range[kRangeSize];
  const uint64_t length = request->element.readable_length() - kHeaderSize;
  // The configuration allows one segment a request.
  if (length != kRangeSize ||
      copy_from_pieces(request->element.readable, kHeaderSize, range) != kRangeSize) {
    return complete(*request, length > kRangeSize ? kUnsupported : kIoError, 0);
  }
  const auto sector = util::load_little<uint64_t>(range);
  const auto count = util::load_little<uint32_t>(range + 8);
  const auto flags = util::load_little<uint32_t>(range + 12);
  if (!has_feature(write_zeroes ? kWriteZeroes : kDiscard) ||
      (flags & ~(write_zeroes ? kUnmapFlag : 0))) {
    return complete(*request, kUnsupported, 0);
  }
  if (count > kMaxEraseSectors || sector > UINT64_MAX / kSectorSize) {
    return complete(*request, kIoError, 0);
  }
  if (count == 0) return complete(*request, kOk, 0);
  submit(request, {.kind = write_zeroes ? Kind::write_zeroes : Kind::discard,
                   .offset = sector << kSectorShift,
                   .length = uint64_t{count} << kSectorShift});
}

void VirtioBlk::submit(const std::shared_ptr<Request>& request, block::DriveRequest drive_request) {
  drive_request.done = [request](util::Status status) {
    VirtioBlk* const device = request->device;
    if (device == nullptr) return;
    if (!status) {
      util::log(util::kLogGuestErrors, "{}: {}", device->label(), status.error().message());
      // Part of the data may have arrived.
      for (const BufferPiece& piece : request->data) {
        if (request->read) {
          device->environment().memory.mark_written(piece.address, piece.host.size());
        }
      }
      return device->complete(*request, kIoError, 0);
    }
    if (request->read && !request->bounce.empty()) {
      copy_to_pieces(request->data, 0, request->bounce);
    }
    device->complete(*request, kOk, request->data_length);
  };
  drive_->submit(std::move(drive_request));
}

void VirtioBlk::complete(Request& request, uint8_t status, uint32_t written) {
  const QueueElement& element = request.element;
  // The status is the last byte, behind data that may be shorter than its buffer.
  const std::byte value{status};
  const uint64_t last = element.writable_length() - 1;
  copy_to_pieces(element.writable, last, {&value, 1});
  const std::vector<BufferPiece> place = slice_pieces(element.writable, last, 1);
  environment().memory.mark_written(place[0].address, 1);
  queue(0).push(element, written + 1);
  set_in_flight(element.head, false);
  requests_.erase(request.shared_from_this());
  if (batching_) {
    completed_ = true;
  } else {
    notify_driver(0);
  }
}

REGISTER_DEVICE(VirtioBlk);

}  // namespace vireo::hw
