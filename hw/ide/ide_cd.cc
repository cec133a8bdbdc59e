// ATAPI CD-ROM drives: the PACKET protocol and the ATA commands around it (ATA/ATAPI-6, 8.23 and
// 9.8). The packet commands are in ide_cd_packets.cc.

#include "hw/ide/ide_cd.h"

#include <algorithm>

namespace vireo::hw {
namespace {

using core::field;

constexpr uint32_t kPacketSize = 12;
constexpr uint16_t kDefaultByteLimit = 0xfffe;
constexpr uint8_t kFeatureDma = 1;
constexpr uint8_t kSetTransferMode = 3;

enum Command : uint8_t {
  kReadSectors = 0x20,
  kPacket = 0xa0,
  kIdentifyPacket = 0xa1,
  kIdleImmediate = 0xe1,
  kStandbyImmediate = 0xe0,
  kCheckPower = 0xe5,
  kSleep = 0xe6,
  kFlush = 0xe7,
  kIdentify = 0xec,
  kSetFeatures = 0xef,
};

}  // namespace

void IdeCd::describe(core::Description<IdeCd>& d) {
  d.type("ide-cd", "ATAPI CD-ROM drive");
  describe_drive(d);
  d.state(&IdeCd::state_, 1,
          field("sense", &State::sense, field("key", &Sense::key), field("code", &Sense::code),
                field("qualifier", &Sense::qualifier)),
          field("tray-open", &State::tray_open), field("locked", &State::locked),
          field("tray-event", &State::tray_event), field("packet-by-dma", &State::packet_by_dma),
          field("byte-limit", &State::byte_limit));
}

bool IdeCd::medium_present() const { return drive_ && drive_->has_medium() && !state_.tray_open; }

uint32_t IdeCd::total_sectors() const {
  return static_cast<uint32_t>(std::min<uint64_t>(drive_->size() / kSectorSize, UINT32_MAX));
}

void IdeCd::abort() {
  regs_.error = kAtaAborted;
  complete(kAtaReady | kAtaCheck, /*interrupt=*/true);
}

void IdeCd::run_command(uint8_t command) {
  switch (command) {
    case kPacket:
      return begin_packet();
    case kIdentifyPacket:
      return identify();
    case kAtaDeviceReset:
      return reset_device();
    case kIdentify:
    case kReadSectors: {
      // Drivers tell packet devices by the signature behind the refusal.
      const uint8_t device = regs_.device;
      reset_device();
      regs_.device = device & kAtaDeviceOne;
      return abort();
    }
    case kSetFeatures:
      return set_features();
    case kCheckPower:
      reg(kAtaCount) = 0xff;
      return complete(kAtaReady, /*interrupt=*/true);
    case kIdleImmediate:
    case kStandbyImmediate:
    case kSleep:
    case kFlush:
      return complete(kAtaReady, /*interrupt=*/true);
    default:
      return abort();
  }
}

void IdeCd::set_features() {
  if (regs_.feature != kSetTransferMode || !set_transfer_mode(reg(kAtaCount))) return abort();
  complete(kAtaReady, /*interrupt=*/true);
}

void IdeCd::identify() {
  std::array<uint16_t, 256> words{};
  identify_common(words);
  words[0] = 0x85c0;  // packet device, CD-ROM, removable, fast DRQ, 12-byte packets
  words[71] = 30;     // us from a packet, and from SERVICE, to the release of the bus
  words[72] = 30;
  words[82] = 0x4210;  // NOP, DEVICE RESET, PACKET
  words[83] = 0x4000;
  words[84] = 0x4000;
  words[85] = 0x4210;
  words[87] = 0x4000;
  reply_words(words);
}

void IdeCd::begin_packet() {
  const auto limit = static_cast<uint16_t>(reg(kAtaMid) | reg(kAtaHigh) << 8);
  state_.byte_limit = limit == 0 || limit == 0xffff ? kDefaultByteLimit : limit;
  state_.packet_by_dma = regs_.feature & kFeatureDma;
  receive_packet(kPacketSize);
}

// A block that does not end the data has an even length.
uint32_t IdeCd::pio_block_size() const { return std::max<uint32_t>(state_.byte_limit & ~1u, 2); }

void IdeCd::block_begins(uint32_t length) {
  if (transfer_.mode == Mode::packet) {
    reg(kAtaCount) = kAtapiCommand;
  } else if (regs_.command == kPacket) {
    reg(kAtaCount) = kAtapiToHost;
    reg(kAtaMid) = static_cast<uint8_t>(length);
    reg(kAtaHigh) = static_cast<uint8_t>(length >> 8);
  }
}

void IdeCd::transfer_done() {
  if (regs_.command == kPacket) return good();
  complete(kAtaReady, /*interrupt=*/false);
}

void IdeCd::io_failed(bool) { fail({0x03, 0x11, 0x00}); }  // unrecovered read error

void IdeCd::good() {
  state_.sense = {};
  reg(kAtaCount) = kAtapiDone;
  complete(kAtaReady, /*interrupt=*/true);
}

void IdeCd::fail(Sense sense) {
  state_.sense = sense;
  reg(kAtaCount) = kAtapiDone;
  regs_.error = static_cast<uint8_t>(sense.key << 4 | kAtaAborted);
  complete(kAtaReady | kAtaCheck, /*interrupt=*/true);
}

void IdeCd::reply_packet(std::span<const uint8_t> bytes, size_t allocation) {
  const auto part = bytes.first(std::min(bytes.size(), allocation));
  if (part.empty()) return good();
  if (state_.packet_by_dma) return reply_by_dma(part);
  reply(part, pio_block_size());
}

void IdeCd::read_sectors(uint64_t first, uint64_t count) {
  if (first + count > total_sectors()) return fail({0x05, 0x21, 0x00});  // address out of range
  if (count == 0) return good();
  read_medium(state_.packet_by_dma ? Mode::dma_in : Mode::pio_in, first * kSectorSize,
              count * kSectorSize, state_.packet_by_dma ? kSectorSize : pio_block_size());
}

REGISTER_DEVICE(IdeCd);

}  // namespace vireo::hw
