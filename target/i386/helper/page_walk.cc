// Page walks in all paging forms (SDM volume 3, chapter 4). Compiled for general registers only:
// it runs while guest vector registers are live.

#include "target/i386/helper/page_walk.h"

#include "target/i386/cpu/config.h"
#include "target/i386/cpu/host_interface.h"

namespace vireo::i386 {
namespace {

using tcg::Access;

enum EntryBit : uint64_t {
  kPresent = 1u << 0,
  kWritable = 1u << 1,
  kUserPage = 1u << 2,
  kAccessed = 1u << 5,
  kDirty = 1u << 6,
  kLarge = 1u << 7,
  kGlobal = 1u << 8,
  kNoExecute = uint64_t{1} << 63,
};
constexpr unsigned kKeyShift = 59;

/// A key's bits in PKRU.
enum KeyBit : uint32_t { kAccessDisable = 1, kWriteDisable = 2 };

/// core::kPageDirtyAll, which a page-table update sets in the page's flags.
constexpr uint8_t kDirtyFlags = 2 | 4;

/// One walk.
class Walker {
 public:
  Walker(const CpuState& state, uint64_t linear, Access access, Privilege privilege)
      : state_(state), linear_(linear), access_(access), privilege_(privilege) {
    nx_enabled_ = (state.efer & kEferNxe) != 0;
    physical_mask_ = (uint64_t{1} << state.config->physical_bits) - 1;
  }

  Walk run() {
    if (!is_possible(state_, linear_)) {
      walk_.vector = kGp;
      return walk_;
    }
    if (!(state_.cr0 & kCr0Pg)) return identity();
    const bool ok = state_.cr4 & kCr4Pae ? walk_wide() : walk_32();
    if (ok) finish();
    return walk_;
  }

 private:
  bool in_long_mode() const { return state_.efer & kEferLma; }

  Walk identity() {
    walk_.physical = linear_ & 0xffffffff;
    walk_.writable = walk_.executable = walk_.user = true;
    return walk_;
  }

  bool fault(uint32_t bits) {
    walk_.vector = kPf;
    walk_.error = bits;
    if (access_ == Access::kWrite) walk_.error |= kFaultWrite;
    if (privilege_ == Privilege::kUser) walk_.error |= kFaultUser;
    // The I/D bit is reported only where fetches can be told apart (SDM volume 3, 4.7).
    const bool fetch_known = (state_.cr4 & kCr4Smep) || (nx_enabled_ && (state_.cr4 & kCr4Pae));
    if (access_ == Access::kExecute && fetch_known) walk_.error |= kFaultFetch;
    return false;
  }

  // Reads an entry; where there is no memory the bus gives all ones.
  template <class Entry>
  Entry load(uint64_t address) {
    memory_ = state_.machine->page_table_memory(address);
    if (!memory_.read) return static_cast<Entry>(~Entry{0});
    return __atomic_load_n(reinterpret_cast<const Entry*>(memory_.read), __ATOMIC_RELAXED);
  }

  // Sets bits in the entry last loaded. False: it changed meanwhile, so the walk starts again.
  template <class Entry>
  bool set_bits(Entry entry, Entry bits) {
    if ((entry & bits) == bits || !memory_.write) return true;
    auto* place = reinterpret_cast<Entry*>(memory_.write);
    Entry expected = entry;
    if (!__atomic_compare_exchange_n(place, &expected, static_cast<Entry>(entry | bits), false,
                                     __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
      return false;
    if (memory_.flags) memory_.flags->fetch_or(kDirtyFlags, std::memory_order_relaxed);
    return true;
  }

  // Rights gathered over the levels: all must agree, except that any may forbid execution.
  void gather(uint64_t entry) {
    rights_ &= entry & (kWritable | kUserPage);
    no_execute_ |= nx_enabled_ && (entry & kNoExecute) != 0;
  }

  struct Rights {
    bool read, write, execute;
  };

  // SDM volume 3, 4.6.2: user pages of 4-level and 5-level paging have keys.
  bool has_key() const { return (state_.cr4 & kCr4Pke) && in_long_mode() && (rights_ & kUserPage); }
  bool key_denies_access() const { return state_.pkru >> (2 * key_) & kAccessDisable; }
  bool key_denies_write() const {
    if (key_denies_access()) return true;
    const bool counts = privilege_ == Privilege::kUser || (state_.cr0 & kCr0Wp);
    return counts && (state_.pkru >> (2 * key_) & kWriteDisable);
  }
  bool key_denies() const {
    if (!has_key() || access_ == Access::kExecute) return false;
    return access_ == Access::kWrite ? key_denies_write() : key_denies_access();
  }

  Rights rights() const {
    Rights rights = page_rights();
    if (!has_key()) return rights;
    rights.read &= !key_denies_access();
    rights.write &= !key_denies_write();
    return rights;
  }

  // SDM volume 3, 4.6.1.
  Rights page_rights() const {
    const bool user_page = rights_ & kUserPage;
    const bool page_writable = rights_ & kWritable;
    if (privilege_ == Privilege::kUser)
      return {user_page, user_page && page_writable, user_page && !no_execute_};
    const bool lifted = privilege_ == Privilege::kSupervisor && (state_.eflags & kAc);
    const bool data = !(user_page && (state_.cr4 & kCr4Smap) && !lifted);
    const bool write = data && (page_writable || !(state_.cr0 & kCr0Wp));
    const bool execute = !no_execute_ && !(user_page && (state_.cr4 & kCr4Smep));
    return {data, write, execute};
  }

  bool allowed() const {
    const Rights r = rights();
    return access_ == Access::kRead ? r.read : access_ == Access::kWrite ? r.write : r.execute;
  }

  // Last level: checks rights, then sets accessed and dirty.
  template <class Entry>
  bool leaf(Entry entry, uint64_t base, uint8_t page_bits, bool& again) {
    key_ = has_key() ? uint64_t{entry} >> kKeyShift & 15 : 0;
    if (!allowed()) return fault(kFaultPresent | (key_denies() ? uint32_t{kFaultKey} : 0));
    const Entry bits = access_ == Access::kWrite ? kAccessed | kDirty : kAccessed;
    again = !set_bits<Entry>(entry, bits);
    if (again) return false;
    dirty_ = (entry | bits) & kDirty;
    walk_.global = (entry & kGlobal) && (state_.cr4 & kCr4Pge);
    walk_.page_bits = page_bits;
    walk_.physical = base | (linear_ & ((uint64_t{1} << page_bits) - 1));
    return true;
  }

  void finish() {
    const Rights r = rights();
    walk_.readable = r.read;
    walk_.writable = r.write && dirty_;
    walk_.executable = r.execute;
    walk_.user = rights_ & kUserPage;
    walk_.key = static_cast<uint8_t>(key_);
  }

  void restart() {
    rights_ = kWritable | kUserPage;
    no_execute_ = false;
  }

  // 32-bit paging, SDM volume 3, 4.3. Entries are 4 bytes, 1024 a table.
  bool walk_32() {
    for (bool again = true; again;) {
      again = false;
      restart();
      const uint32_t directory = load<uint32_t>((state_.cr3 & 0xfffff000) + directory_offset_32());
      if (!(directory & kPresent)) return fault(0);
      gather(directory);
      if ((directory & kLarge) && (state_.cr4 & kCr4Pse)) {
        const bool ok = leaf_4m(directory, again);
        if (again) continue;
        return ok;
      }
      if (!set_bits<uint32_t>(directory, kAccessed)) {
        again = true;
        continue;
      }
      const uint32_t entry =
          load<uint32_t>((directory & 0xfffff000) + ((linear_ >> 12 & 0x3ff) << 2));
      if (!(entry & kPresent)) return fault(0);
      gather(entry);
      const bool ok = leaf<uint32_t>(entry, entry & 0xfffff000, 12, again);
      if (!again) return ok;
    }
    return false;
  }

  uint64_t directory_offset_32() const { return (linear_ >> 22 & 0x3ff) << 2; }

  // With PSE-36 bits 20:13 of the entry are bits 39:32 of the address, without it they are reserved
  // (SDM volume 3, table 4-4).
  bool leaf_4m(uint32_t directory, bool& again) {
    const uint64_t high = uint64_t{directory >> 13 & 0xff} << 32;
    const uint64_t allowed = state_.config->has(Feature::kPse36) ? physical_mask_ : 0;
    if ((directory & (1u << 21)) || (high & ~allowed)) return fault(kFaultPresent | kFaultReserved);
    return leaf<uint32_t>(directory, (directory & 0xffc00000) | high, 22, again);
  }

  // Bits of an 8-byte entry that must be zero whatever the level.
  uint64_t reserved_bits() const {
    const bool long_mode = state_.efer & kEferLma;
    uint64_t bits = ~physical_mask_ & 0x000fffffffffffff;
    if (!long_mode) bits |= 0x7ff0000000000000;
    if (!nx_enabled_) bits |= kNoExecute;
    return bits;
  }

  // PAE, 4-level and 5-level paging, SDM volume 3, 4.4 and 4.5. Entries are 8 bytes, 512 a table.
  bool walk_wide() {
    const bool long_mode = state_.efer & kEferLma;
    for (bool again = true; again;) {
      again = false;
      restart();
      uint64_t table = state_.cr3 & physical_mask_ & ~uint64_t{0xfff};
      int level = state_.cr4 & kCr4La57 ? 5 : 4;
      if (!long_mode) {
        const uint64_t pointer = state_.pdpte[linear_ >> 30 & 3];
        if (!(pointer & kPresent)) return fault(0);
        table = pointer & physical_mask_ & ~uint64_t{0xfff};
        level = 2;
      }
      const bool ok = descend(table, level, again);
      if (!ok && from_cache_) {  // Faults are those of the tables as they are now.
        state_.walk_cache->entry(linear_) = {};
        from_cache_ = false;
        walk_ = {};
        again = true;
      }
      if (!again) return ok;
    }
    return false;
  }

  bool descend(uint64_t table, int level, bool& again) {
    WalkCache* const cache = state_.efer & kEferLma ? state_.walk_cache : nullptr;
    if (cache != nullptr && cache->entry(linear_).region == linear_ >> 21) {
      const WalkCache::Entry& cached = cache->entry(linear_);
      rights_ = cached.rights;
      no_execute_ = cached.no_execute;
      table = cached.table;
      level = 1;
      from_cache_ = true;
    }
    for (;; --level) {
      const unsigned shift = 12 + 9 * (level - 1);
      const uint64_t entry = load<uint64_t>(table + ((linear_ >> shift & 0x1ff) << 3));
      if (!(entry & kPresent)) return fault(0);
      if (entry & reserved_bits()) return fault(kFaultPresent | kFaultReserved);
      const bool large = level > 1 && (entry & kLarge);
      if (large && !large_allowed(level)) return fault(kFaultPresent | kFaultReserved);
      gather(entry);
      const uint64_t base = entry & physical_mask_ & ~uint64_t{0xfff};
      if (level == 1) return leaf<uint64_t>(entry, base, 12, again);
      if (large) {
        const uint64_t offset_mask = (uint64_t{1} << shift) - 1;
        // Bit 12 of a large page's entry is PAT; the others up to the page size are reserved.
        if (base & offset_mask & ~uint64_t{0x1000}) return fault(kFaultPresent | kFaultReserved);
        return leaf<uint64_t>(entry, base & ~offset_mask, static_cast<uint8_t>(shift), again);
      }
      if (!set_bits<uint64_t>(entry, kAccessed)) {
        again = true;
        return false;
      }
      table = base;
      if (level == 2 && cache != nullptr) {
        cache->entry(linear_) = {linear_ >> 21, table, static_cast<uint8_t>(rights_), no_execute_};
      }
    }
  }

  bool large_allowed(int level) const {
    return level == 2 || (level == 3 && state_.config->has(Feature::kPdpe1gb));
  }

  const CpuState& state_;
  const uint64_t linear_;
  const Access access_;
  const Privilege privilege_;
  bool nx_enabled_;
  uint64_t physical_mask_;
  PageTableMemory memory_;
  uint64_t rights_ = kWritable | kUserPage;
  bool no_execute_ = false;
  uint64_t key_ = 0;
  bool dirty_ = false;
  bool from_cache_ = false;  // the upper levels came from the walk cache
  Walk walk_;
};

}  // namespace

bool is_canonical(const CpuState& state, uint64_t linear) {
  if (!(state.efer & kEferLma)) return true;
  const unsigned shift = state.cr4 & kCr4La57 ? 64 - 57 : 64 - 48;
  return static_cast<uint64_t>(static_cast<int64_t>(linear << shift) >> shift) == linear;
}

// In long mode addresses with kBeyondSegment alone are not canonical.
bool is_possible(const CpuState& state, uint64_t linear) {
  return is_canonical(state, linear) && (state.efer & kEferLma || !(linear & kBeyondSegment));
}

Walk walk_pages(const CpuState& state, uint64_t linear, tcg::Access access, Privilege privilege) {
  return Walker(state, linear, access, privilege).run();
}

}  // namespace vireo::i386
