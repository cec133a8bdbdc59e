// The packet commands of an ATAPI CD-ROM drive (MMC-3, with SPC-3 for the general ones).

#include <algorithm>
#include <array>
#include <string_view>

#include "hw/ide/ide_cd.h"
#include "util/byte_order.h"
#include "util/log.h"

namespace vireo::hw {
namespace {

enum Opcode : uint8_t {
  kTestUnitReady = 0x00,
  kRequestSense = 0x03,
  kInquiry = 0x12,
  kStartStop = 0x1b,
  kPreventRemoval = 0x1e,
  kReadCapacity = 0x25,
  kRead10 = 0x28,
  kSeek10 = 0x2b,
  kReadToc = 0x43,
  kGetConfiguration = 0x46,
  kGetEventStatus = 0x4a,
  kReadDiscInformation = 0x51,
  kModeSense10 = 0x5a,
  kRead12 = 0xa8,
  kSetCdSpeed = 0xbb,
  kMechanismStatus = 0xbd,
  kReadCd = 0xbe,
};

constexpr uint8_t kLeadOut = 0xaa;
constexpr uint8_t kDataTrack = 0x14;  // ADR 1: positions; control 4: data
constexpr uint32_t kFramesBeforeZero = 150;
constexpr uint16_t kProfileCdRom = 0x0008;
constexpr uint16_t kProfileDvdRom = 0x0010;
// More than a CD holds has to be a DVD.
constexpr uint32_t kMaxCdSectors = 80 * 60 * 75;

uint16_t big16(std::span<const uint8_t> packet, size_t at) {
  return util::load_big<uint16_t>(&packet[at]);
}
uint32_t big32(std::span<const uint8_t> packet, size_t at) {
  return util::load_big<uint32_t>(&packet[at]);
}

// A block address as logical block or as minutes, seconds and frames.
void put_address(uint8_t* at, uint32_t block, bool msf) {
  if (!msf) return util::store_big<uint32_t>(at, block);
  const uint32_t frames = block + kFramesBeforeZero;
  at[0] = 0;
  at[1] = static_cast<uint8_t>(frames / 75 / 60);
  at[2] = static_cast<uint8_t>(frames / 75 % 60);
  at[3] = static_cast<uint8_t>(frames % 75);
}

}  // namespace

const IdeCd::PacketCommand IdeCd::kPacketCommands[] = {
    {kTestUnitReady, true, &IdeCd::succeed},
    {kRequestSense, false, &IdeCd::request_sense},
    {kInquiry, false, &IdeCd::inquiry},
    {kStartStop, false, &IdeCd::start_stop},
    {kPreventRemoval, false, &IdeCd::prevent_removal},
    {kReadCapacity, true, &IdeCd::read_capacity},
    {kRead10, true, &IdeCd::read_10},
    {kSeek10, true, &IdeCd::succeed},
    {kReadToc, true, &IdeCd::read_toc},
    {kGetConfiguration, false, &IdeCd::get_configuration},
    {kGetEventStatus, false, &IdeCd::get_event_status},
    {kReadDiscInformation, true, &IdeCd::read_disc_information},
    {kModeSense10, false, &IdeCd::mode_sense},
    {kRead12, true, &IdeCd::read_12},
    {kSetCdSpeed, false, &IdeCd::succeed},
    {kMechanismStatus, false, &IdeCd::mechanism_status},
    {kReadCd, true, &IdeCd::read_cd},
};

void IdeCd::packet_received(Packet packet) {
  const auto* const found = std::ranges::find(kPacketCommands, packet[0], &PacketCommand::opcode);
  if (found == std::end(kPacketCommands)) {
    util::log(util::kLogUnimp, "{}: packet command {:#04x}", label(), packet[0]);
    return fail({0x05, 0x20, 0x00});  // invalid operation code
  }
  if (found->needs_medium && !medium_present()) {
    // Medium not present, tray open or closed.
    return fail({0x02, 0x3a, static_cast<uint8_t>(state_.tray_open ? 2 : 1)});
  }
  (this->*found->run)(packet);
}

void IdeCd::request_sense(Packet packet) {
  std::array<uint8_t, 18> data{};
  data[0] = 0x70;  // current, fixed format
  data[2] = state_.sense.key;
  data[7] = data.size() - 8;
  data[12] = state_.sense.code;
  data[13] = state_.sense.qualifier;
  reply_packet(data, packet[4]);
}

void IdeCd::inquiry(Packet packet) {
  if (packet[1] & 1) return fail_field();  // no vital product data
  std::array<uint8_t, 36> data{};
  data[0] = 0x05;  // CD/DVD
  data[1] = 0x80;  // removable
  data[3] = 0x21;  // ATAPI-2
  data[4] = data.size() - 5;
  const auto text = [&](size_t at, size_t length, std::string_view what) {
    for (size_t i = 0; i < length; ++i) {
      data[at + i] = i < what.size() ? static_cast<uint8_t>(what[i]) : ' ';
    }
  };
  text(8, 8, "VIREO");
  text(16, 16, "CD-ROM");
  text(32, 4, "1.0");
  reply_packet(data, big16(packet, 3));
}

void IdeCd::mode_sense(Packet packet) {
  constexpr uint8_t kErrorRecovery = 0x01, kCapabilities = 0x2a, kAllPages = 0x3f;
  constexpr uint8_t kChangeable = 1, kSaved = 3;
  const uint8_t page = packet[2] & 0x3f;
  const uint8_t control = packet[2] >> 6;
  if (control == kSaved) return fail({0x05, 0x39, 0x00});  // saving is not supported
  if (page != kErrorRecovery && page != kCapabilities && page != kAllPages) return fail_field();
  std::array<uint8_t, 40> data{};
  size_t length = 8;
  data[2] = medium_present() ? 0x01 : 0x70;  // medium type: data disc, or none
  if (page == kErrorRecovery || page == kAllPages) {
    data[length] = kErrorRecovery;
    data[length + 1] = 6;
    if (control != kChangeable) data[length + 3] = 5;  // retries
    length += 8;
  }
  if (page == kCapabilities || page == kAllPages) {
    uint8_t* const at = &data[length];
    at[0] = kCapabilities;
    at[1] = 18;
    if (control != kChangeable) {
      at[2] = 0x3b;  // reads CD-R, CD-RW, method 2, DVD-ROM, DVD-R
      at[4] = 0x70;  // mode 2 forms, multi-session
      at[6] = static_cast<uint8_t>(0x29 | (state_.locked ? 2 : 0));  // tray, eject, lock
      util::store_big<uint16_t>(at + 8, 706);  // kB/s at most, levels of volume, buffer size,
      util::store_big<uint16_t>(at + 10, 2);   // kB/s now
      util::store_big<uint16_t>(at + 12, 512);
      util::store_big<uint16_t>(at + 14, 706);
    }
    length += 20;
  }
  util::store_big<uint16_t>(data.data(), static_cast<uint16_t>(length - 2));
  reply_packet(std::span(data).first(length), big16(packet, 7));
}

void IdeCd::start_stop(Packet packet) {
  const bool load_or_eject = packet[4] & 2;
  const bool start = packet[4] & 1;
  if (packet[4] & 0xf0 || !load_or_eject) return good();         // power, spinning
  if (!start && state_.locked) return fail({0x05, 0x53, 0x02});  // removal prevented
  if (state_.tray_open == start) {
    state_.tray_open = !start;
    state_.tray_event = true;
  }
  good();
}

void IdeCd::prevent_removal(Packet packet) {
  state_.locked = packet[4] & 1;
  good();
}

void IdeCd::read_capacity(Packet) {
  std::array<uint8_t, 8> data{};
  util::store_big<uint32_t>(&data[0], std::max(total_sectors(), 1u) - 1);
  util::store_big<uint32_t>(&data[4], kSectorSize);
  reply_packet(data, data.size());
}

void IdeCd::read_10(Packet packet) { read_sectors(big32(packet, 2), big16(packet, 7)); }
void IdeCd::read_12(Packet packet) { read_sectors(big32(packet, 2), big32(packet, 6)); }

// Only the user data of sectors can be read.
void IdeCd::read_cd(Packet packet) {
  const uint32_t count = uint32_t{packet[6]} << 16 | big16(packet, 7);
  const uint8_t fields = packet[9] & 0xf8;
  if (count == 0 || fields == 0) return good();
  if (fields != 0x10 || packet[10] & 7) return fail({0x05, 0x64, 0x00});  // illegal mode
  read_sectors(big32(packet, 2), count);
}

void IdeCd::read_toc(Packet packet) {
  const bool msf = packet[1] & 2;
  const uint8_t format = packet[2] & 0x0f ? packet[2] & 0x0f : packet[9] >> 6;
  const uint8_t first = packet[6];
  std::array<uint8_t, 20> data{};
  size_t length = 4;
  data[2] = data[3] = 1;  // first and last track, or session
  const auto add_track = [&](uint8_t track, uint32_t block) {
    data[length + 1] = kDataTrack;
    data[length + 2] = track;
    put_address(&data[length + 4], block, msf);
    length += 8;
  };
  if (format == 0) {
    if (first > 1 && first != kLeadOut) return fail_field();
    if (first <= 1) add_track(1, 0);
    add_track(kLeadOut, total_sectors());
  } else if (format == 1) {
    add_track(1, 0);
  } else {
    return fail_field();
  }
  util::store_big<uint16_t>(data.data(), static_cast<uint16_t>(length - 2));
  reply_packet(std::span(data).first(length), big16(packet, 7));
}

void IdeCd::get_configuration(Packet packet) {
  constexpr uint16_t kProfileList = 0x0000, kCore = 0x0001, kRemovableMedium = 0x0003;
  const uint8_t wanted = packet[1] & 3;
  const uint16_t start = big16(packet, 2);
  if (wanted == 3) return fail_field();
  const bool dvd = medium_present() && total_sectors() > kMaxCdSectors;
  const uint16_t profile = !medium_present() ? 0 : dvd ? kProfileDvdRom : kProfileCdRom;
  std::array<uint8_t, 40> data{};
  size_t length = 8;
  util::store_big<uint16_t>(&data[6], profile);
  const auto add = [&](uint16_t feature, std::initializer_list<uint8_t> content) {
    if (wanted == 2 ? feature != start : feature < start) return;
    util::store_big<uint16_t>(&data[length], feature);
    data[length + 2] = 0x03;  // persistent and current
    data[length + 3] = static_cast<uint8_t>(content.size());
    std::ranges::copy(content, &data[length + 4]);
    length += 4 + content.size();
  };
  add(kProfileList, {0, kProfileDvdRom, profile == kProfileDvdRom, 0, 0, kProfileCdRom,
                     profile == kProfileCdRom, 0});
  add(kCore, {0, 0, 0, 2});  // ATAPI
  add(kRemovableMedium, {0x29, 0, 0, 0});
  util::store_big<uint32_t>(data.data(), static_cast<uint32_t>(length - 4));
  reply_packet(std::span(data).first(length), big16(packet, 7));
}

void IdeCd::get_event_status(Packet packet) {
  constexpr uint8_t kPolled = 1, kMediaClass = 4, kMediaClassBit = 1 << kMediaClass;
  if (!(packet[1] & kPolled)) return fail_field();  // no asynchronous events
  std::array<uint8_t, 8> data{};
  data[3] = kMediaClassBit;
  if (!(packet[4] & kMediaClassBit)) {
    data[1] = 2;
    data[2] = 0x80;  // no such class
    return reply_packet(std::span(data).first(4), big16(packet, 7));
  }
  data[1] = 6;
  data[2] = kMediaClass;
  if (std::exchange(state_.tray_event, false)) data[4] = state_.tray_open ? 3 : 2;
  data[5] = static_cast<uint8_t>((medium_present() ? 2 : 0) | (state_.tray_open ? 1 : 0));
  reply_packet(data, big16(packet, 7));
}

void IdeCd::read_disc_information(Packet packet) {
  std::array<uint8_t, 34> data{};
  util::store_big<uint16_t>(data.data(), data.size() - 2);
  data[2] = 0x0e;                             // finalised, last session complete
  data[3] = data[4] = data[5] = data[6] = 1;  // first track, sessions, tracks of the last session
  data[7] = 0x20;                             // unrestricted use
  reply_packet(data, big16(packet, 7));
}

void IdeCd::mechanism_status(Packet packet) {
  std::array<uint8_t, 8> data{};
  if (state_.tray_open) data[1] = 0x10;
  reply_packet(data, big16(packet, 8));
}

}  // namespace vireo::hw
