// The 82441FX PCI and memory controller.

#include "hw/pci/i440fx.h"

#include "core/memory/address_space.h"
#include "core/memory/ram_block.h"
#include "core/run_control.h"

namespace vireo::hw {
namespace {

using core::field;

constexpr unsigned kPam0 = 0x59;
constexpr unsigned kPamCount = 7;
constexpr unsigned kSmramControl = 0x72;
// The register's bits, and what stays writable once it is locked (82441FX data sheet, 3.2.17).
// D_CLS, which sends the handler's data accesses to the display, is kept without an effect.
constexpr uint8_t kSmramOpen = 0x40;
constexpr uint8_t kSmramClosed = 0x20;
constexpr uint8_t kSmramLock = 0x10;
constexpr uint8_t kSmramEnable = 0x08;
constexpr uint8_t kSmramLockable = kSmramOpen | kSmramLock;
constexpr uint8_t kSmramWritable = kSmramLockable | kSmramClosed | kSmramEnable;
constexpr uint64_t kSmramBase = 0xa0000;
constexpr uint64_t kSmramSize = 0x20000;
// Above the PCI space, below what is fixed.
constexpr int kShadowPriority = 1;
constexpr int kPciPriority = -1;

struct Segment {
  uint32_t base;
  uint32_t size;
};
// In the order of the PAM nibbles from the high one of register 59h on.
constexpr Segment segment(unsigned index) {
  if (index == 0) return {0xf0000, 0x10000};
  return {0xc0000 + (index - 1) * 0x4000, 0x4000};
}

constexpr uint32_t kEnableConfiguration = 0x80000000;

}  // namespace

void I440fxBridge::describe(core::Description<I440fxBridge>& d) {
  d.type("i440FX", "82441FX host bridge function");
  d.user_creatable(false);
  describe_pci(d);
}

I440fxBridge::I440fxBridge() {
  set_identity({.vendor = 0x8086, .device = 0x1237, .class_code = 0x060000, .revision = 2});
  set_default_address("00.0");
  set_writable(kPam0, 1, 0x30);
  for (unsigned i = 1; i < kPamCount; ++i) set_writable(kPam0 + i, 1, 0x33);
  set_config<uint8_t>(kSmramControl, 0x02);
  set_writable(kSmramControl, 1, kSmramWritable);
}

util::Status I440fxBridge::on_pci_realize() {
  if (ram_ == nullptr || ram_->size() < 0x100000) return {};
  core::Region& root = environment().memory.root();
  for (unsigned i = 0; i < kPamSegments; ++i) {
    const Segment place = segment(i);
    segments_[i].reset(new core::Region(core::Region::ram("pam", *ram_, place.base, place.size)));
    segments_[i]->set_access(false, false);
    root.add_subregion(*segments_[i], place.base, kShadowPriority);
  }
  for (auto* window : {&open_smram_, &smram_}) {
    window->reset(new core::Region(core::Region::ram("smram", *ram_, kSmramBase, kSmramSize)));
    (*window)->set_enabled(false);
  }
  root.add_subregion(*open_smram_, kSmramBase, kShadowPriority);
  smm_root_->add_subregion(*smram_, kSmramBase, kShadowPriority);
  return {};
}

void I440fxBridge::on_pci_unrealize() {
  for (auto& segment : segments_) segment.reset();
  open_smram_.reset();
  smram_.reset();
}

void I440fxBridge::sync_pci_outputs() {
  if (!smram_) return;
  const core::TopologyTransaction transaction;
  for (unsigned i = 0; i < kPamSegments; ++i) {
    // Segment 0 has the high nibble of the first register; the rest go two to a register.
    const uint8_t pam = config_value<uint8_t>(kPam0 + (i + 1) / 2);
    const unsigned attributes = (i % 2 == 0 ? pam >> 4 : pam) & 3;
    segments_[i]->set_access(attributes & 1, attributes & 2);
  }
  const auto control = config_value<uint8_t>(kSmramControl);
  const bool enabled = control & kSmramEnable;
  smram_->set_enabled(enabled);
  open_smram_->set_enabled(enabled && (control & kSmramOpen));
  const unsigned locked = control & kSmramLock ? kSmramLockable : 0u;
  set_writable(kSmramControl, 1, kSmramWritable & ~locked);
}

void I440fxBridge::config_written(uint8_t offset, unsigned width) {
  uint8_t& smram = config()[kSmramControl];
  if (smram & kSmramLock) smram &= ~kSmramOpen;
  if (offset < kPam0 + kPamCount && offset + width > kPam0) sync_pci_outputs();
  if (offset <= kSmramControl && offset + width > kSmramControl) sync_pci_outputs();
}

void I440fxBridge::open_shadow_ram() {
  set_config<uint8_t>(kPam0, 0x30);
  for (unsigned i = 1; i < kPamCount; ++i) set_config<uint8_t>(kPam0 + i, 0x33);
  sync_pci_outputs();
}

void I440fxHost::describe(core::Description<I440fxHost>& d) {
  d.type("i440FX-pcihost", "PCI configuration ports and bus of the 82441FX");
  d.user_creatable(false);
  d.region("configuration", core::Space::ports, 8, &I440fxHost::read, &I440fxHost::write);
  d.state(&I440fxHost::regs_, 1, field("address", &Regs::address),
          field("reset-control", &Regs::reset_control));
}

I440fxHost::I440fxHost() : pci_memory_(core::Region::container("pci")), bus_(this, pci_memory_) {}

util::Status I440fxHost::on_realize() {
  environment().memory.root().add_subregion(pci_memory_, 0, kPciPriority);
  map_region("configuration", 0xcf8);
  return {};
}

void I440fxHost::on_unrealize() { environment().memory.root().remove_subregion(pci_memory_); }

PciDevice* I440fxHost::addressed() const {
  const bool this_bus = (regs_.address >> 16 & 0xff) == 0;
  if (!(regs_.address & kEnableConfiguration) || !this_bus) return nullptr;
  return bus_.find(static_cast<uint8_t>(regs_.address >> 8));
}

uint64_t I440fxHost::read(uint64_t offset, unsigned width) {
  if (offset < 4) {
    if (width == 4) return regs_.address;
    return offset == 1 && width == 1 ? regs_.reset_control : 0xffffffff;
  }
  PciDevice* const device = addressed();
  if (device == nullptr) return 0xffffffff;
  return device->config_read(static_cast<uint8_t>((regs_.address & 0xfc) | (offset & 3)), width);
}

void I440fxHost::write(uint64_t offset, unsigned width, uint64_t value) {
  if (offset < 4) {
    if (width == 4) regs_.address = static_cast<uint32_t>(value) & 0x80fffffc;
    if (offset == 1 && width == 1) write_reset_control(static_cast<uint8_t>(value));
    return;
  }
  if (PciDevice* const device = addressed()) {
    device->config_write(static_cast<uint8_t>((regs_.address & 0xfc) | (offset & 3)), width,
                         static_cast<uint32_t>(value));
  }
}

// 82371SB data sheet, 2.5.5: bit 2 rising resets, bit 1 says whether hard or soft.
void I440fxHost::write_reset_control(uint8_t value) {
  const bool reset = (value & 4) && !(regs_.reset_control & 4);
  regs_.reset_control = value & 0x06;
  if (reset) environment().run_control.request_reset(core::ResetCause::guest_request);
}

REGISTER_DEVICE(I440fxBridge);
REGISTER_DEVICE(I440fxHost);

}  // namespace vireo::hw
