// A PCI function: configuration space with write masks, BARs, interrupts (PCI Local Bus
// Specification 3.0, chapter 6).

#include "hw/pci/pci_device.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "core/memory/address_space.h"
#include "core/memory/ram_block.h"
#include "hw/pci/pci_msix.h"
#include "util/text.h"

namespace vireo::hw {
namespace {

constexpr int kBarPriority = 1;
constexpr uint64_t kPortSpace = 0x10000;
constexpr unsigned kMsiControl = 2;
constexpr unsigned kMsiAddress = 4;
constexpr unsigned kMsiData = 12;
constexpr uint8_t kMsiSize = 14;
constexpr uint8_t kMsixSize = 12;

util::Error bad_address(std::string_view text) {
  return util::Error(util::ErrorCode::kInvalidArgument,
                     fmt::format("addr '{}' is no slot (0 to 1f) or slot.function (0 to 7)", text));
}

std::optional<uint64_t> parse_hexadecimal(std::string_view text, uint64_t max) {
  if (text.starts_with("0x")) text.remove_prefix(2);
  if (text.empty() || text.size() > 4) return std::nullopt;
  auto number = util::parse_number("0x" + std::string(text), max);
  return number ? std::optional(*number) : std::nullopt;
}

}  // namespace

PciDevice::PciDevice() {
  set_writable(kPciCommand, 2,
               kPciCommandIo | kPciCommandMemory | kPciCommandMaster | kPciCommandParity |
                   kPciCommandSerr | kPciCommandIntxDisable);
  set_writable(kPciCacheLineSize, 2, 0xffff);
  set_writable(kPciInterruptLine, 1, 0xff);
  set_write_one_to_clear(kPciStatus, 2, 0xf900);
}

PciDevice::~PciDevice() = default;

void PciDevice::set_identity(const PciIdentity& identity) {
  set_config<uint16_t>(kPciVendorId, identity.vendor);
  set_config<uint16_t>(kPciDeviceId, identity.device);
  set_config<uint32_t>(kPciRevision, identity.class_code << 8 | identity.revision);
  set_config<uint16_t>(kPciSubsystemVendorId, identity.subsystem_vendor);
  set_config<uint16_t>(kPciSubsystemId, identity.subsystem);
  set_config<uint8_t>(kPciInterruptPin, identity.interrupt_pin);
}

util::Result<int> PciDevice::requested_devfn() const {
  if (address_.empty()) return -1;
  const auto parts = util::split(address_, '.');
  const auto slot = parse_hexadecimal(parts[0], 31);
  const auto function = parts.size() == 2 ? parse_hexadecimal(parts[1], 7) : 0;
  if (parts.size() > 2 || !slot || !function) return bad_address(address_);
  return static_cast<int>(*slot * 8 + *function);
}

void PciDevice::set_place(PciBus& bus, uint8_t devfn) {
  pci_bus_ = &bus;
  devfn_ = devfn;
}

void PciDevice::set_writable(unsigned offset, unsigned width, uint32_t mask) {
  for (unsigned i = 0; i < width; ++i) writable_[offset + i] = static_cast<uint8_t>(mask >> 8 * i);
}

void PciDevice::set_write_one_to_clear(unsigned offset, unsigned width, uint32_t mask) {
  for (unsigned i = 0; i < width; ++i) {
    write_one_to_clear_[offset + i] = static_cast<uint8_t>(mask >> 8 * i);
  }
}

// Setting up.

void PciDevice::add_bar(unsigned index, core::Region& region, BarKind kind, bool prefetchable) {
  bars_[index].region = &region;
  bars_[index].kind = kind;
  const unsigned offset = bar_offset(index);
  const auto mask = ~(region.size() - 1);
  if (kind == BarKind::io) {
    set_config<uint32_t>(offset, 1);
    set_writable(offset, 4, static_cast<uint32_t>(mask & 0xfffffffc));
    return;
  }
  const uint32_t flags = (kind == BarKind::memory64 ? 4 : 0) | (prefetchable ? 8 : 0);
  set_config<uint32_t>(offset, flags);
  set_writable(offset, 4, static_cast<uint32_t>(mask & 0xfffffff0));
  if (kind == BarKind::memory64) set_writable(offset + 4, 4, static_cast<uint32_t>(mask >> 32));
}

util::Status PciDevice::set_option_rom(std::span<const std::byte> image) {
  const uint64_t size = std::bit_ceil(std::max<uint64_t>(image.size(), core::kGuestPageSize));
  VIREO_TRY_ASSIGN(block, core::RamBlock::create("pci-rom", size));
  std::ranges::copy(image, block->data());
  rom_ = std::move(block);
  rom_region_.reset(new core::Region(core::Region::rom("pci-rom", *rom_, 0, size)));
  bars_[kRomIndex] = {.region = rom_region_.get()};
  set_writable(kPciRomBar, 4, static_cast<uint32_t>(~(size - 1)) | 1);
  return {};
}

uint8_t PciDevice::add_capability(uint8_t id, uint8_t size) {
  const uint8_t offset = next_capability_;
  set_config<uint8_t>(offset, id);
  set_config<uint8_t>(offset + 1u, config_value<uint8_t>(kPciCapabilities));
  set_config<uint8_t>(kPciCapabilities, offset);
  set_config<uint16_t>(kPciStatus, config_value<uint16_t>(kPciStatus) | kPciStatusCapabilities);
  next_capability_ = static_cast<uint8_t>(offset + ((size + 3) & ~3));
  return offset;
}

void PciDevice::add_msi(unsigned vectors) {
  msi_offset_ = add_capability(kPciCapabilityMsi, kMsiSize);
  const auto log2 = static_cast<uint16_t>(std::countr_zero(vectors));
  set_config<uint16_t>(msi_offset_ + kMsiControl, static_cast<uint16_t>(0x80 | log2 << 1));
  set_writable(msi_offset_ + kMsiControl, 2, 0x71);
  set_writable(msi_offset_ + kMsiAddress, 4, 0xfffffffc);
  set_writable(msi_offset_ + kMsiAddress + 4, 4, 0xffffffff);
  set_writable(msi_offset_ + kMsiData, 2, 0xffff);
}

void PciDevice::add_msix(unsigned vectors, core::Region& bar, unsigned bar_index,
                         uint32_t table_offset, uint32_t pending_offset) {
  const uint8_t offset = add_capability(kPciCapabilityMsix, kMsixSize);
  set_config<uint16_t>(offset + 2u, static_cast<uint16_t>(vectors - 1));
  set_config<uint32_t>(offset + 4u, table_offset | bar_index);
  set_config<uint32_t>(offset + 8u, pending_offset | bar_index);
  set_writable(offset + 2u, 2, 0xc000);
  msix_ = std::make_unique<MsixTable>(*this, vectors, offset);
  bar.add_subregion(msix_->table(), table_offset, kBarPriority);
  bar.add_subregion(msix_->pending(), pending_offset, kBarPriority);
}

void PciDevice::add_msix_bar(unsigned vectors, unsigned bar_index) {
  const uint8_t offset = add_capability(kPciCapabilityMsix, kMsixSize);
  msix_ = std::make_unique<MsixTable>(*this, vectors, offset);
  core::Region& bar = msix_->own_bar();
  const auto pending_offset = static_cast<uint32_t>(bar.size() / 2);
  set_config<uint16_t>(offset + 2u, static_cast<uint16_t>(vectors - 1));
  set_config<uint32_t>(offset + 4u, bar_index);
  set_config<uint32_t>(offset + 8u, pending_offset | bar_index);
  set_writable(offset + 2u, 2, 0xc000);
  bar.add_subregion(msix_->table(), 0, kBarPriority);
  bar.add_subregion(msix_->pending(), pending_offset, kBarPriority);
  add_bar(bar_index, bar, BarKind::memory32);
}

// Life.

util::Status PciDevice::on_realize() {
  VIREO_TRY(on_pci_realize());
  initial_ = pci_.config;
  return {};
}

void PciDevice::on_unrealize() {
  on_pci_unrealize();
  for (Bar& bar : bars_) unmap(bar);
}

void PciDevice::on_reset() {
  pci_.config = initial_;
  if (msix_) msix_->reset();
  on_pci_reset();
}

util::Status PciDevice::after_load() {
  // What the guest cannot write is not for the stream to choose.
  for (unsigned i = 0; i < kPciCommand; ++i) pci_.config[i] = initial_[i];
  for (unsigned i = kPciBar0; i < kPciBar0 + 24u; ++i) {
    pci_.config[i] = (pci_.config[i] & writable_[i]) | (initial_[i] & ~writable_[i]);
  }
  if (msix_ ? !msix_->state_fits() : !pci_.msix_table.empty() || !pci_.msix_pending.empty()) {
    return util::Error(util::ErrorCode::kCorrupt, "the MSI-X table has another size");
  }
  return after_pci_load();
}

void PciDevice::sync_outputs() {
  update_mappings();
  update_interrupt();
  sync_pci_outputs();
}

// Configuration space.

uint32_t PciDevice::config_read(uint8_t offset, unsigned width) {
  return static_cast<uint32_t>(util::load_little(&pci_.config[offset], width));
}

void PciDevice::config_write(uint8_t offset, unsigned width, uint32_t value) {
  for (unsigned i = 0; i < width; ++i) {
    const unsigned at = offset + i;
    const auto byte = static_cast<uint8_t>(value >> 8 * i);
    uint8_t& stored = pci_.config[at];
    stored = (stored & ~writable_[at]) | (byte & writable_[at]);
    stored &= ~(byte & write_one_to_clear_[at]);
  }
  const unsigned end = offset + width;
  const auto touches = [&](unsigned first, unsigned size) {
    return offset < first + size && end > first;
  };
  if (touches(kPciCommand, 2) || touches(kPciBar0, 24) || touches(kPciRomBar, 4)) {
    update_mappings();
    update_interrupt();
  }
  if (msix_ && touches(msix_->capability(), kMsixSize)) {
    update_interrupt();
    msix_->send_unmasked();
  }
  if (msi_offset_ != 0 && touches(msi_offset_, kMsiSize)) update_interrupt();
  config_written(offset, width);
}

std::optional<uint64_t> PciDevice::bar_base(unsigned index) const {
  const Bar& bar = bars_[index];
  const uint16_t command = config_value<uint16_t>(kPciCommand);
  const bool decoded = command & (bar.kind == BarKind::io ? kPciCommandIo : kPciCommandMemory);
  if (!decoded || bar.region == nullptr) return std::nullopt;
  const auto low = config_value<uint32_t>(bar_offset(index));
  if (index == kRomIndex && !(low & 1)) return std::nullopt;
  const uint64_t size = bar.region->size();
  uint64_t base = low;
  if (bar.kind == BarKind::memory64) {
    base |= uint64_t{config_value<uint32_t>(bar_offset(index) + 4)} << 32;
  }
  base &= ~(size - 1) & ~uint64_t{bar.kind == BarKind::io ? 3u : 15u};
  const uint64_t last = base + size - 1;
  // Nothing is at 0, and all ones are the sizing of a BAR.
  if (base == 0 || last < base) return std::nullopt;
  if (bar.kind == BarKind::io && last >= kPortSpace) return std::nullopt;
  if (bar.kind == BarKind::memory32 && last >= 0xffffffff) return std::nullopt;
  return base;
}

void PciDevice::unmap(Bar& bar) {
  if (bar.mapped) bar.region->parent()->remove_subregion(*bar.region);
  bar.mapped = false;
}

void PciDevice::update_mappings() {
  if (pci_bus_ == nullptr) return;
  const core::TopologyTransaction transaction;
  for (unsigned index = 0; index < kBars; ++index) {
    Bar& bar = bars_[index];
    const std::optional<uint64_t> base = bar_base(index);
    if (bar.mapped && base == bar.base) continue;
    unmap(bar);
    if (!base) continue;
    core::Region& space = bar.kind == BarKind::io ? environment().ports.root() : pci_bus_->memory();
    space.add_subregion(*bar.region, *base, kBarPriority);
    bar.mapped = true;
    bar.base = *base;
  }
}

// Interrupts.

void PciDevice::set_interrupt(bool level) {
  pci_.interrupt = level;
  update_interrupt();
}

void PciDevice::update_interrupt() {
  const auto status = config_value<uint16_t>(kPciStatus);
  set_config<uint16_t>(kPciStatus,
                       static_cast<uint16_t>(pci_.interrupt ? status | kPciStatusInterrupt
                                                            : status & ~kPciStatusInterrupt));
  const uint8_t pin = initial_[kPciInterruptPin];
  if (pin == 0 || pin > PciBus::kPirqs || pci_bus_ == nullptr) return;
  const bool disabled = config_value<uint16_t>(kPciCommand) & kPciCommandIntxDisable;
  pci_bus_->set_interrupt(*this, pin - 1u,
                          pci_.interrupt && !disabled && !msi_enabled() && !msix_enabled());
}

bool PciDevice::msi_enabled() const {
  return msi_offset_ != 0 && (config_value<uint8_t>(msi_offset_ + kMsiControl) & 1);
}

bool PciDevice::msix_enabled() const { return msix_ && msix_->enabled(); }

void PciDevice::send_msi(unsigned vector) {
  if (!msi_enabled() || pci_bus_ == nullptr) return;
  const unsigned enabled = 1u << ((config_value<uint8_t>(msi_offset_ + kMsiControl) >> 4) & 7);
  const auto data = config_value<uint16_t>(msi_offset_ + kMsiData);
  const uint32_t message = (data & ~(enabled - 1)) | (vector & (enabled - 1));
  pci_bus_->send_msi(config_value<uint64_t>(msi_offset_ + kMsiAddress), message);
}

void PciDevice::send_msix(unsigned vector) {
  if (msix_) msix_->send(vector);
}

bool PciDevice::dma_read(uint64_t address, std::span<std::byte> into) {
  return bus_master() && environment().memory.read(address, into);
}

bool PciDevice::dma_write(uint64_t address, std::span<const std::byte> from) {
  return bus_master() && environment().memory.write(address, from);
}

}  // namespace vireo::hw
