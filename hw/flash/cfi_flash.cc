// NOR flash with the common flash interface and Intel's command set.

#include "hw/flash/cfi_flash.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "core/memory/address_space.h"
#include "core/memory/ram_block.h"
#include "hw/flash/write_through.h"
#include "util/log.h"

namespace vireo::hw {
namespace {

using core::field;

enum Command : uint8_t {
  kProgramOther = 0x10,
  kErase = 0x20,
  kProgram = 0x40,
  kClearStatus = 0x50,
  kLockSetup = 0x60,
  kReadStatus = 0x70,
  kReadIdentifiers = 0x90,
  kReadQuery = 0x98,
  kConfirm = 0xd0,
  kBufferedProgram = 0xe8,
  kReadArray = 0xff,
};
enum LockOperation : uint8_t { kLock = 0x01, kUnlock = 0xd0 };
enum StatusBit : uint8_t {
  kReady = 0x80,
  kEraseError = 0x20,
  kProgramError = 0x10,
  kProtected = 0x02,
};
constexpr uint8_t kIntel = 0x89;
constexpr uint8_t k28F128J3 = 0x18;

}  // namespace

void CfiFlash::describe(core::Description<CfiFlash>& d) {
  d.type("cfi.pflash01", "NOR flash with the common flash interface and Intel's commands");
  d.user_creatable(false);
  d.property("drive", &CfiFlash::drive_, "what it holds");
  d.region("commands", core::Space::memory, kMaxSize, &CfiFlash::read, &CfiFlash::write,
           {.implemented_max = 1});
  d.state(&CfiFlash::regs_, 1, field("show", &Regs::show).max(uint64_t(Show::query)),
          field("next", &Regs::next).max(uint64_t(Next::lock)), field("status", &Regs::status),
          field("count", &Regs::count), field("buffer-block", &Regs::buffer_block),
          field("values", &Regs::values), field("places", &Regs::places),
          field("filled", &Regs::filled).max(kBufferSize), field("locks", &Regs::locks));
}

CfiFlash::CfiFlash() = default;
CfiFlash::~CfiFlash() = default;

uint64_t CfiFlash::size() const { return contents_->size(); }

util::Status CfiFlash::on_realize() {
  const auto refuse = [](std::string message) {
    return util::Error(util::ErrorCode::kInvalidArgument, std::move(message));
  };
  if (!drive_) return refuse("drive= is missing: a flash holds what a drive has");
  const std::vector<std::byte> image = drive_->take_preloaded();
  if (image.empty() || image.size() % kBlockSize != 0 || image.size() > kMaxSize) {
    return refuse(
        fmt::format("drive '{}' has {} bytes: a flash has up to 8 MiB, in blocks of 4 KiB",
                    drive_->id(), image.size()));
  }
  VIREO_TRY_ASSIGN(contents, core::RamBlock::create("flash", image.size()));
  contents_ = std::move(contents);
  std::ranges::copy(image, contents_->data());
  write_through_ = std::make_shared<WriteThrough>(*drive_, contents_->data());
  core::Region& commands = region("commands");
  commands.set_size(size());
  if (parent_ == nullptr) return {};
  array_.reset(new core::Region(core::Region::rom("flash", *contents_, 0, size())));
  parent_->add_subregion(*array_, end_ - size());
  parent_->add_subregion(commands, end_ - size(), 1);
  const uint64_t shown = std::min(window_size_, size());
  if (shown == 0) return {};
  window_.reset(
      new core::Region(core::Region::rom("flash-window", *contents_, size() - shown, shown)));
  parent_->add_subregion(*window_, window_end_ - shown);
  return {};
}

void CfiFlash::on_unrealize() {
  write_through_->leave();
  write_through_.reset();
  if (parent_ != nullptr) parent_->remove_subregion(region("commands"));
  window_.reset();
  array_.reset();
}

util::Status CfiFlash::after_load() {
  const bool inside = regs_.buffer_block < size() && regs_.count <= kBufferSize - regs_.filled &&
                      std::ranges::all_of(regs_.places, [&](auto p) { return p < size(); });
  if (inside) return {};
  return util::Error(util::ErrorCode::kCorrupt, "a flash's write buffer is not within it");
}

// Writes are always commands; reads are while they do not show the array.
void CfiFlash::sync_outputs() { region("commands").set_access(regs_.show != Show::array, true); }

uint64_t CfiFlash::read(uint64_t offset, unsigned) {
  switch (regs_.show) {
    case Show::array:
      return std::to_integer<uint8_t>(contents_->data()[offset]);
    case Show::status:
      return regs_.status;
    case Show::query:
      return query(offset);
    case Show::identifiers:
      break;
  }
  // Manufacturer, device, and of each block whether it is locked.
  const uint64_t block = offset / kBlockSize;
  const uint8_t identifiers[] = {kIntel, k28F128J3,
                                 static_cast<uint8_t>(regs_.locks[block / 8] >> block % 8 & 1)};
  const uint64_t index = offset % kBlockSize;
  return index < std::size(identifiers) ? identifiers[index] : 0;
}

// JESD68.01, table 1; the extended table of Intel's command set has nothing to offer.
uint8_t CfiFlash::query(uint64_t offset) const {
  const uint64_t blocks = size() / kBlockSize - 1;
  const auto size_bits = static_cast<uint8_t>(std::bit_width(size() - 1));
  constexpr uint8_t kBufferBits = std::bit_width(kBufferSize) - 1;
  // Intel's command set and its table; supply voltage; times as powers of two of us and ms, and how
  // much longer they may be; sizes; one region of equal blocks; the table.
  const uint8_t table[] = {'Q',
                           'R',
                           'Y',
                           1,
                           0,
                           0x31,
                           0,
                           0,
                           0,
                           0,
                           0,
                           0x45,
                           0x55,
                           0,
                           0,
                           7,
                           7,
                           10,
                           0,
                           4,
                           4,
                           4,
                           0,
                           size_bits,
                           0,
                           0,
                           kBufferBits,
                           0,
                           1,
                           static_cast<uint8_t>(blocks),
                           static_cast<uint8_t>(blocks >> 8),
                           kBlockSize >> 8,
                           kBlockSize >> 16,
                           'P',
                           'R',
                           'I',
                           '1',
                           '0'};
  const uint64_t index = offset - 0x10;
  return index < std::size(table) ? table[index] : 0;
}

void CfiFlash::write(uint64_t offset, unsigned, uint64_t wide) {
  const auto value = static_cast<uint8_t>(wide);
  switch (std::exchange(regs_.next, Next::command)) {
    case Next::command:
      begin_command(offset, value);
      break;
    case Next::program:
      regs_.status &= ~kProgramError;
      program(offset, value);
      finish(0);
      break;
    case Next::erase:
      if (value == kConfirm) erase(offset);
      finish(value == kConfirm ? 0 : kEraseError | kProgramError);
      break;
    case Next::lock:
      lock_block(offset, value);
      break;
    case Next::count:
    case Next::data:
    case Next::buffer_program:
      fill_buffer(offset, value);
      break;
  }
  sync_outputs();
}

void CfiFlash::begin_command(uint64_t offset, uint8_t command) {
  regs_.show = Show::status;
  switch (command) {
    case kReadArray:
      regs_.show = Show::array;
      break;
    case kProgram:
    case kProgramOther:
      regs_.next = Next::program;
      break;
    case kErase:
      regs_.next = Next::erase;
      break;
    case kBufferedProgram:
      regs_.next = Next::count;
      regs_.buffer_block = static_cast<uint32_t>(offset / kBlockSize * kBlockSize);
      regs_.status |= kReady;
      break;
    case kLockSetup:
      regs_.next = Next::lock;
      break;
    case kClearStatus:
      // Ready goes too, until the next operation: UEFI firmware for virtual machines knows the
      // flash by a status of 0.
      regs_.status = 0;
      regs_.show = Show::array;
      break;
    case kReadStatus:
    case kConfirm:  // resume: nothing was suspended
      break;
    case kReadIdentifiers:
      regs_.show = Show::identifiers;
      break;
    case kReadQuery:
      regs_.show = Show::query;
      break;
    default:
      util::log(util::kLogGuestErrors, "flash: no command {:#x}\n", command);
      regs_.show = Show::array;
  }
}

void CfiFlash::fill_buffer(uint64_t offset, uint8_t value) {
  const bool confirms = regs_.count == 0 && regs_.filled != 0;
  if (confirms) {
    const bool fits = value == kConfirm;
    for (unsigned i = 0; fits && i < regs_.filled; ++i) program(regs_.places[i], regs_.values[i]);
    regs_.filled = 0;
    return finish(fits ? 0 : kEraseError | kProgramError);
  }
  if (regs_.count == 0) {
    if (value >= kBufferSize) return finish(kEraseError | kProgramError);
    regs_.count = static_cast<uint8_t>(value + 1);
    regs_.next = Next::data;
    return;
  }
  if (offset / kBlockSize * kBlockSize != regs_.buffer_block) {
    regs_.count = regs_.filled = 0;
    return finish(kEraseError | kProgramError);
  }
  regs_.places[regs_.filled] = static_cast<uint32_t>(offset);
  regs_.values[regs_.filled++] = value;
  regs_.next = --regs_.count == 0 ? Next::buffer_program : Next::data;
}

void CfiFlash::lock_block(uint64_t offset, uint8_t operation) {
  const uint64_t block = offset / kBlockSize;
  const auto bit = static_cast<uint8_t>(1u << block % 8);
  if (operation == kLock) {
    regs_.locks[block / 8] |= bit;
  } else if (operation == kUnlock) {
    regs_.locks[block / 8] &= static_cast<uint8_t>(~bit);
  } else {
    return finish(kEraseError | kProgramError);
  }
  finish(0);
}

void CfiFlash::finish(uint8_t errors) { regs_.status |= kReady | errors; }

bool CfiFlash::is_protected(uint64_t offset) const {
  const uint64_t block = offset / kBlockSize;
  return drive_->read_only() || (regs_.locks[block / 8] >> block % 8 & 1);
}

// Programming clears bits, erasing sets them.
void CfiFlash::program(uint64_t offset, uint8_t value) {
  if (is_protected(offset)) return finish(kProgramError | kProtected);
  contents_->data()[offset] &= std::byte{value};
  changed(offset, 1);
}

void CfiFlash::erase(uint64_t offset) {
  if (is_protected(offset)) return finish(kEraseError | kProtected);
  const uint64_t first = offset / kBlockSize * kBlockSize;
  std::fill_n(contents_->data() + first, kBlockSize, std::byte{0xff});
  changed(first, kBlockSize);
}

void CfiFlash::changed(uint64_t offset, uint64_t length) {
  contents_->mark_written(offset, length);
  write_through_->changed(offset, length);
}

REGISTER_DEVICE(CfiFlash);

}  // namespace vireo::hw
