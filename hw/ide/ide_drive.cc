// What ATA and ATAPI drives have in common: registers, PIO and DMA data, disk requests
// (ATA/ATAPI-6, 9.5 to 9.8).

#include "hw/ide/ide_drive.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "hw/ide/ide_channel.h"
#include "util/bits.h"
#include "util/byte_order.h"
#include "util/log.h"

namespace vireo::hw {
namespace {

// Read ahead for PIO, so that the disk is asked seldom.
constexpr uint64_t kPioChunk = 128 << 10;
constexpr uint8_t kDefaultTransferMode = 0x22;  // multiword DMA mode 2

}  // namespace

// A request to the disk; `drive` is null once the drive has forgotten it.
struct IdeDrive::Request {
  IdeDrive* drive;
  std::vector<uint8_t> bytes;
};

// Life.

IdeChannel& IdeDrive::channel() const { return *static_cast<IdeChannel*>(bus()); }

util::Status IdeDrive::on_realize() {
  restart_timer_.attach(environment().timers, [this] { launch_io(); });
  return on_drive_realize();
}

void IdeDrive::on_unrealize() {
  restart_timer_.cancel();
  forget_io();
}

void IdeDrive::on_reset() {
  forget_io();
  regs_.transfer_mode = kDefaultTransferMode;
  on_drive_reset();
  show_signature();
  channel().update_interrupt();
}

util::Status IdeDrive::after_load() {
  forget_io();
  const Transfer& t = transfer_;
  const bool fits = t.position <= t.block_end && t.block_end <= t.buffer.size() &&
                    t.left <= INT64_MAX && t.offset <= INT64_MAX &&
                    (t.io != Io::write || t.buffer.size() == t.chunk);
  if (fits) return {};
  return util::Error(util::ErrorCode::kCorrupt, "the data transfer makes no sense");
}

// The controller saves the channel's interrupt: a loaded drive is no edge.
void IdeDrive::sync_outputs() {
  restart_timer_.arm(transfer_.io != Io::none && !request_ ? 0 : -1);
}

void IdeDrive::show_signature() {
  regs_.feature = 0;
  regs_.error = 1;  // diagnostics passed
  regs_.address = {1, 1, static_cast<uint8_t>(signature()), static_cast<uint8_t>(signature() >> 8)};
  regs_.previous = {};
  regs_.device = 0;
  regs_.status = status_after_reset();
  regs_.interrupt = false;
}

void IdeDrive::reset_device() {
  abort_transfer();
  device_was_reset();
  show_signature();
}

void IdeDrive::hold_in_reset() {
  abort_transfer();
  regs_.status = kAtaBusy;
  regs_.interrupt = false;
}

void IdeDrive::abort_transfer() {
  forget_io();
  transfer_ = {};
}

// Registers.

uint8_t IdeDrive::read_register(unsigned offset, bool previous) const {
  switch (offset) {
    case kAtaError:
      return regs_.error;
    case kAtaDevice:
      return regs_.device | 0xa0;
    default:
      return (previous ? regs_.previous : regs_.address)[offset - kAtaCount];
  }
}

void IdeDrive::write_register(unsigned offset, uint8_t value) {
  switch (offset) {
    case kAtaError:
      regs_.feature = value;
      break;
    case kAtaDevice:
      regs_.device = value;
      break;
    default:
      regs_.previous[offset - kAtaCount] = regs_.address[offset - kAtaCount];
      regs_.address[offset - kAtaCount] = value;
  }
}

void IdeDrive::raise_interrupt() {
  regs_.interrupt = true;
  channel().update_interrupt();
}

void IdeDrive::execute(uint8_t command) {
  abort_transfer();
  regs_.command = command;
  regs_.error = 0;
  regs_.status = kAtaReady | kAtaSeekComplete;
  run_command(command);
}

void IdeDrive::complete(uint8_t status, bool interrupt) {
  transfer_ = {};
  regs_.status = status;
  if (interrupt) raise_interrupt();
}

bool IdeDrive::set_transfer_mode(uint8_t mode) {
  const uint8_t number = mode & 7;
  switch (mode & 0xf8) {
    case 0x00:
      return number <= 1;  // default PIO: the DMA mode stays
    case 0x08:
      return number <= 4;
    case 0x20:
      if (number > 2) return false;
      break;
    case 0x40:
      if (number > 5) return false;
      break;
    default:
      return false;
  }
  regs_.transfer_mode = mode;
  return true;
}

// Disk requests.

void IdeDrive::forget_io() {
  if (request_) request_->drive = nullptr;
  request_.reset();
}

void IdeDrive::start_io(Io io) {
  transfer_.io = io;
  regs_.status = (regs_.status & ~kAtaDataRequest) | kAtaBusy;
  launch_io();
}

void IdeDrive::launch_io() {
  auto request = std::make_shared<Request>(Request{this, {}});
  request_ = request;
  block::DriveRequest drive_request{.kind = block::DriveRequest::Kind::flush};
  if (transfer_.io != Io::flush) {
    const bool write = transfer_.io == Io::write;
    drive_request.kind = write ? block::DriveRequest::Kind::write : block::DriveRequest::Kind::read;
    drive_request.offset = transfer_.offset;
    // A copy: the request may outlive the transfer.
    if (write) request->bytes = transfer_.buffer;
    request->bytes.resize(transfer_.chunk);
    drive_request.buffers = {std::as_writable_bytes(std::span(request->bytes))};
  }
  drive_request.done = [request](util::Status status) {
    if (request->drive != nullptr) request->drive->io_done(status, request->bytes);
  };
  if (drive_) {
    drive_->submit(std::move(drive_request));
  } else {
    drive_request.done(util::Error(util::ErrorCode::kNotFound, "no drive"));
  }
}

void IdeDrive::io_done(const util::Status& status, std::vector<uint8_t>& bytes) {
  request_.reset();
  const Io io = std::exchange(transfer_.io, Io::none);
  regs_.status &= ~kAtaBusy;
  if (!status) {
    util::log(util::kLogGuestErrors, "{}: {}", label(), status.error().message());
    return io_failed(io != Io::read);
  }
  switch (io) {
    case Io::read:
      transfer_.buffer = std::move(bytes);
      transfer_.position = transfer_.block_end = 0;
      transfer_.offset += transfer_.chunk;
      transfer_.left -= std::min<uint64_t>(transfer_.left, transfer_.chunk);
      return transfer_.mode == Mode::dma_in ? continue_dma() : continue_pio_in();
    case Io::write:
      transfer_.offset += transfer_.chunk;
      transfer_.buffer.clear();
      transfer_.position = transfer_.block_end = 0;
      return continue_write();
    case Io::flush:
    case Io::none:
      return transfer_done();
  }
}

void IdeDrive::read_medium(Mode mode, uint64_t offset, uint64_t length, uint32_t block_size) {
  transfer_ = {.mode = mode, .offset = offset, .left = length, .block_size = block_size};
  if (mode == Mode::dma_in) {
    continue_dma();
  } else {
    continue_pio_in();
  }
}

void IdeDrive::write_medium(Mode mode, uint64_t offset, uint64_t length, uint32_t block_size) {
  transfer_ = {.mode = mode, .offset = offset, .left = length, .block_size = block_size};
  if (mode == Mode::dma_out) {
    continue_dma();
  } else {
    begin_pio_out_chunk(/*interrupt=*/false);
  }
}

// PIO.

void IdeDrive::reply(std::span<const uint8_t> bytes, uint32_t block_size) {
  transfer_ = {.mode = Mode::pio_in, .block_size = block_size};
  transfer_.buffer.assign(bytes.begin(), bytes.end());
  continue_pio_in();
}

void IdeDrive::reply_words(std::span<const uint16_t, 256> words) {
  std::array<uint8_t, 512> bytes;
  for (size_t i = 0; i < words.size(); ++i) util::store_little<uint16_t>(&bytes[2 * i], words[i]);
  reply(bytes, 512);
}

void IdeDrive::receive_packet(uint32_t length) {
  transfer_ = {.mode = Mode::packet, .block_size = length};
  transfer_.buffer.resize(length);
  begin_block(/*interrupt=*/false);
}

void IdeDrive::begin_block(bool interrupt) {
  const size_t rest = transfer_.buffer.size() - transfer_.position;
  const auto length = static_cast<uint32_t>(std::min<size_t>(rest, transfer_.block_size));
  transfer_.block_end = transfer_.position + length;
  regs_.status = (regs_.status & ~kAtaBusy) | kAtaReady | kAtaDataRequest;
  block_begins(length);
  if (interrupt) raise_interrupt();
}

void IdeDrive::continue_pio_in() {
  if (transfer_.position < transfer_.buffer.size()) return begin_block(/*interrupt=*/true);
  regs_.status &= ~kAtaDataRequest;
  if (transfer_.left == 0) return transfer_done();
  const uint64_t whole_blocks =
      std::max<uint64_t>(kPioChunk / transfer_.block_size, 1) * transfer_.block_size;
  transfer_.chunk = static_cast<uint32_t>(std::min({transfer_.left, whole_blocks, kMaxChunk}));
  start_io(Io::read);
}

void IdeDrive::begin_pio_out_chunk(bool interrupt) {
  const uint64_t whole_blocks =
      std::max<uint64_t>(kPioChunk / transfer_.block_size, 1) * transfer_.block_size;
  transfer_.buffer.resize(std::min({transfer_.left, whole_blocks, kMaxChunk}));
  transfer_.position = 0;
  begin_block(interrupt);
}

void IdeDrive::block_finished() {
  if (transfer_.mode == Mode::pio_in) return continue_pio_in();
  if (transfer_.position < transfer_.buffer.size()) return begin_block(/*interrupt=*/true);
  regs_.status &= ~kAtaDataRequest;
  if (transfer_.mode == Mode::packet) {
    const std::vector<uint8_t> packet = std::move(transfer_.buffer);
    transfer_ = {};
    return packet_received(packet);
  }
  transfer_.chunk = static_cast<uint32_t>(transfer_.buffer.size());
  transfer_.left -= std::min<uint64_t>(transfer_.left, transfer_.chunk);
  start_io(Io::write);
}

void IdeDrive::continue_write() {
  if (transfer_.left != 0) {
    if (transfer_.mode == Mode::dma_out) return continue_dma();
    return begin_pio_out_chunk(/*interrupt=*/true);
  }
  if (writes_through()) return flush_medium();
  transfer_done();
}

uint32_t IdeDrive::read_data(unsigned width) {
  Transfer& t = transfer_;
  if (t.mode != Mode::pio_in || !(regs_.status & kAtaDataRequest)) {
    return static_cast<uint32_t>(util::low_mask(8 * width));
  }
  const uint32_t part = std::min<uint32_t>(width, t.block_end - t.position);
  uint32_t value = 0;
  if (part == 4) {
    value = util::load_little<uint32_t>(&t.buffer[t.position]);
  } else {
    for (unsigned i = 0; i < part; ++i) value |= uint32_t{t.buffer[t.position + i]} << 8 * i;
  }
  t.position += part;
  if (t.position == t.block_end) block_finished();
  return value;
}

void IdeDrive::write_data(uint32_t value, unsigned width) {
  Transfer& t = transfer_;
  if ((t.mode != Mode::pio_out && t.mode != Mode::packet) || t.io != Io::none ||
      !(regs_.status & kAtaDataRequest)) {
    return;
  }
  const uint32_t part = std::min<uint32_t>(width, t.block_end - t.position);
  for (unsigned i = 0; i < part; ++i) {
    t.buffer[t.position + i] = static_cast<uint8_t>(value >> 8 * i);
  }
  t.position += part;
  if (t.position == t.block_end) block_finished();
}

// DMA. The drive waits, with DRQ set, until the bus master runs.

void IdeDrive::reply_by_dma(std::span<const uint8_t> bytes) {
  transfer_ = {.mode = Mode::dma_in};
  transfer_.buffer.assign(bytes.begin(), bytes.end());
  continue_dma();
}

void IdeDrive::continue_dma() {
  Transfer& t = transfer_;
  if ((t.mode != Mode::dma_in && t.mode != Mode::dma_out) || t.io != Io::none) return;
  if (!channel().dma_running()) {
    regs_.status |= kAtaDataRequest;
    return;
  }
  const bool in = t.mode == Mode::dma_in;
  if (!in && t.buffer.empty()) t.buffer.resize(std::min(t.left, kMaxChunk));
  if (t.position < t.buffer.size()) {
    const auto rest = std::as_writable_bytes(std::span(t.buffer)).subspan(t.position);
    const size_t moved = channel().dma_transfer(rest, in);
    t.position += static_cast<uint32_t>(moved);
    t.block_end = t.position;
    // Too little memory: the drive waits for more, or for a reset.
    if (moved < rest.size()) {
      regs_.status |= kAtaDataRequest;
      return;
    }
  }
  if (in) {
    if (t.left == 0) return transfer_done();
    t.chunk = static_cast<uint32_t>(std::min(t.left, kMaxChunk));
    t.buffer.clear();
    t.position = t.block_end = 0;
    start_io(Io::read);
  } else {
    t.chunk = static_cast<uint32_t>(t.buffer.size());
    t.left -= std::min<uint64_t>(t.left, t.chunk);
    start_io(Io::write);
  }
}

// IDENTIFY.

namespace {

// Text in an IDENTIFY block has the first character of each pair in the high byte.
void put_text(std::span<uint16_t> words, std::string_view text) {
  const auto character = [&](size_t i) -> uint16_t {
    return i < text.size() ? static_cast<uint8_t>(text[i]) : ' ';
  };
  for (size_t i = 0; i < words.size(); ++i) {
    words[i] = static_cast<uint16_t>(character(2 * i) << 8 | character(2 * i + 1));
  }
}

}  // namespace

void IdeDrive::identify_common(std::span<uint16_t, 256> words) const {
  put_text(words.subspan(10, 10), serial_);
  put_text(words.subspan(23, 4), "1.0");
  put_text(words.subspan(27, 20), model_);
  words[48] = 1;       // 32-bit PIO
  words[49] = 0x0b00;  // IORDY, LBA, DMA
  words[53] = 0x0007;  // words 54-58, 64-70 and 88 are valid
  const uint8_t mode = regs_.transfer_mode;
  const auto selected = static_cast<uint16_t>(0x100 << (mode & 7));
  words[63] = static_cast<uint16_t>(0x07 | ((mode & 0xf8) == 0x20 ? selected : 0));
  words[64] = 0x0003;                                  // PIO modes 3 and 4
  for (unsigned i = 65; i <= 68; ++i) words[i] = 120;  // cycle times in ns
  words[80] = 0x0070;                                  // ATA-4 to ATA-6
  words[88] = static_cast<uint16_t>(0x3f | ((mode & 0xf8) == 0x40 ? selected : 0));
  words[93] = 0x600b;  // passed diagnostics, 80-conductor cable
}

}  // namespace vireo::hw
