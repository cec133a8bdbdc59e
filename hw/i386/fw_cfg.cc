// The firmware configuration device.

#include "hw/i386/fw_cfg.h"

#include <algorithm>

#include "core/memory/address_space.h"
#include "util/byte_order.h"
#include "util/log.h"

namespace vireo::hw {
namespace {

using core::field;

constexpr uint16_t kPortBase = 0x510;
constexpr uint16_t kDmaPortBase = 0x514;
constexpr uint32_t kVersionWithDma = 3;
constexpr uint64_t kDmaSignature = 0x51454d5520434647;  // "QEMU CFG"
constexpr uint16_t kWriteBit = 0x4000;
constexpr size_t kNameSize = 56;
constexpr size_t kChunk = 0x10000;
enum DmaControl : uint32_t {
  kDmaError = 1,
  kDmaRead = 2,
  kDmaSkip = 4,
  kDmaSelect = 8,
  kDmaWrite = 16,
};

template <class T>
FwCfg::Bytes little(T value) {
  FwCfg::Bytes bytes(sizeof(T));
  util::store_little<T>(bytes.data(), value);
  return bytes;
}

}  // namespace

void FwCfg::describe(core::Description<FwCfg>& d) {
  d.type("fw_cfg", "firmware configuration");
  d.user_creatable(false);
  d.region("control", core::Space::ports, 2, &FwCfg::read, &FwCfg::write,
           {.implemented_max = 2, .unaligned = true});
  d.region("dma", core::Space::ports, 8, &FwCfg::read_dma, &FwCfg::write_dma,
           {.implemented_max = 8});
  d.state(&FwCfg::regs_, 1, field("key", &Regs::key), field("offset", &Regs::offset),
          field("dma-address", &Regs::dma_address));
}

FwCfg::FwCfg() {
  items_[kSignature] = {'Q', 'E', 'M', 'U'};
  set32(kInterfaceVersion, kVersionWithDma);
  update_directory();
}

util::Status FwCfg::on_realize() {
  map_region("control", kPortBase);
  map_region("dma", kDmaPortBase);
  return {};
}

void FwCfg::set16(uint16_t key, uint16_t value) { set(key, little(value)); }
void FwCfg::set32(uint16_t key, uint32_t value) { set(key, little(value)); }
void FwCfg::set64(uint16_t key, uint64_t value) { set(key, little(value)); }

void FwCfg::set_file(std::string_view name, Bytes contents) {
  auto place = files_.find(name);
  if (place == files_.end()) {
    place = files_.emplace(name, static_cast<uint16_t>(kFirstFile + files_.size())).first;
  }
  items_[place->second] = std::move(contents);
  update_directory();
}

// A count, and for each file its size, key and name; big-endian, in the order of names.
void FwCfg::update_directory() {
  Bytes directory(4);
  util::store_big<uint32_t>(directory.data(), static_cast<uint32_t>(files_.size()));
  for (const auto& [name, key] : files_) {
    const size_t at = directory.size();
    directory.resize(at + 8 + kNameSize);
    util::store_big<uint32_t>(&directory[at], static_cast<uint32_t>(items_[key].size()));
    util::store_big<uint16_t>(&directory[at + 4], key);
    name.copy(reinterpret_cast<char*>(&directory[at + 8]), kNameSize - 1);
  }
  items_[kFileDirectory] = std::move(directory);
}

void FwCfg::select(uint16_t key) {
  regs_.key = key & ~kWriteBit;
  regs_.offset = 0;
  const bool is_file = key >= kFirstFile && key < kFirstFile + files_.size();
  if (is_file && file_chosen_) file_chosen_();
}

const FwCfg::Bytes* FwCfg::selected() const {
  const auto place = items_.find(regs_.key);
  return place == items_.end() ? nullptr : &place->second;
}

// Past its end, an item reads as zeros.
uint8_t FwCfg::next_byte() {
  const Bytes* item = selected();
  if (item == nullptr || regs_.offset >= item->size()) return 0;
  return (*item)[regs_.offset++];
}

uint64_t FwCfg::read(uint64_t offset, unsigned width) {
  return offset == 1 && width == 1 ? next_byte() : 0;
}

void FwCfg::write(uint64_t offset, unsigned width, uint64_t value) {
  if (offset == 0 && width == 2) select(static_cast<uint16_t>(value));
}

// The DMA register is big-endian, and shows a signature.
uint64_t FwCfg::read_dma(uint64_t offset, unsigned width) {
  uint8_t bytes[8];
  util::store_big<uint64_t>(bytes, kDmaSignature);
  return util::load_little(bytes + offset, width);
}

void FwCfg::write_dma(uint64_t offset, unsigned width, uint64_t value) {
  if (width == 4 && offset == 0) {
    regs_.dma_address = uint64_t{util::swap_bytes(static_cast<uint32_t>(value))} << 32;
  } else if (width == 4 && offset == 4) {
    regs_.dma_address |= util::swap_bytes(static_cast<uint32_t>(value));
    run_dma();
  } else if (width == 8) {
    regs_.dma_address = util::swap_bytes(value);
    run_dma();
  }
}

bool FwCfg::transfer(uint64_t address, uint32_t length) {
  std::vector<std::byte> chunk(std::min<size_t>(length, kChunk));
  while (length != 0) {
    const auto size = std::min<size_t>(length, kChunk);
    for (size_t i = 0; i < size; ++i) chunk[i] = std::byte{next_byte()};
    if (!environment().memory.write(address, std::span(chunk).first(size))) return false;
    address += size;
    length -= static_cast<uint32_t>(size);
  }
  return true;
}

// The request: control, length and address, big-endian; control is written back when done.
void FwCfg::run_dma() {
  const uint64_t request = std::exchange(regs_.dma_address, 0);
  std::array<std::byte, 16> bytes{};
  core::AddressSpace& memory = environment().memory;
  if (!memory.read(request, bytes)) {
    util::log(util::kLogGuestErrors, "fw_cfg: no DMA request at {:#x}\n", request);
    return;
  }
  const auto control = util::load_big<uint32_t>(bytes.data());
  const auto length = util::load_big<uint32_t>(&bytes[4]);
  const auto address = util::load_big<uint64_t>(&bytes[8]);
  if (control & kDmaSelect) select(static_cast<uint16_t>(control >> 16));
  bool good = true;
  if (control & kDmaRead) {
    good = transfer(address, length);
  } else if (control & kDmaWrite) {
    good = false;  // no item can be written
  } else if (control & kDmaSkip) {
    regs_.offset =
        static_cast<uint32_t>(std::min<uint64_t>(uint64_t{regs_.offset} + length, UINT32_MAX));
  }
  memory.store<uint32_t>(request, util::swap_bytes(good ? 0u : uint32_t{kDmaError}));
}

REGISTER_DEVICE(FwCfg);

}  // namespace vireo::hw
