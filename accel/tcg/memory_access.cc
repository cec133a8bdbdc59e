// Guest memory accesses that translated code could not do in place: faults, devices, page
// crossings, code and clean pages, and read-modify-write operations on any of these.

#include <cstring>
#include <optional>

#include "accel/tcg/accelerator.h"
#include "accel/tcg/vcpu.h"
#include "core/machine_lock.h"
#include "core/memory/address_space.h"
#include "tcg/ir/evaluate.h"
#include "util/activity.h"
#include "util/bits.h"
#include "util/log.h"
#include "util/shared_access.h"

namespace vireo::accel {

/// Where an access of `size` bytes goes: one piece, or two if it crosses into another page.
struct TcgVcpu::Place {
  struct Piece {
    uint64_t physical = 0;
    const RamStretch* ram = nullptr;
    unsigned size = 0;

    std::byte* host_read() const { return ram->read + (physical - ram->first); }
    std::byte* host_write() const { return ram->write + (physical - ram->first); }
  };
  Piece pieces[2];
  unsigned count = 0;

  bool plain_read() const { return count == 1 && pieces[0].ram != nullptr; }
  bool plain_write() const { return plain_read() && pieces[0].ram->write != nullptr; }
};

namespace {

TcgVcpu& vcpu_of(tcg::Frame* frame) { return *static_cast<TcgVcpu*>(frame->accelerator); }

template <class T>
void store_whole(std::byte* host, const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  util::store_shared<T>(host, value);
}

// Guests may rely on naturally aligned stores being seen whole by other processors.
void copy_to_ram(std::byte* host, const std::byte* from, unsigned size) {
  switch (size) {
    case 1:
      return store_whole<uint8_t>(host, from);
    case 2:
      return store_whole<uint16_t>(host, from);
    case 4:
      return store_whole<uint32_t>(host, from);
    case 8:
      return store_whole<uint64_t>(host, from);
    default:
      std::memcpy(host, from, size);
  }
}

bool compare_exchange(std::byte* host, unsigned size, uint64_t& expected, uint64_t desired) {
  const auto exchange = [&]<class T>(T) {
    T before = static_cast<T>(expected);
    const bool done =
        __atomic_compare_exchange_n(reinterpret_cast<T*>(host), &before, static_cast<T>(desired),
                                    false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    expected = before;
    return done;
  };
  switch (size) {
    case 1:
      return exchange(uint8_t{});
    case 2:
      return exchange(uint16_t{});
    case 4:
      return exchange(uint32_t{});
    default:
      return exchange(uint64_t{});
  }
}

// What kRmw or kCompareExchange stores, and its flags.
tcg::IntegerEvaluation evaluate_update(const tcg::MemoryOperation& operation, uint64_t before,
                                       uint64_t operand, uint64_t replacement, uint32_t flags) {
  if (operation.op == tcg::Opcode::kRmw) {
    return tcg::evaluate_rmw(operation.rmw, operation.type, before, operand, flags,
                             operation.flags_out);
  }
  const uint64_t mask = util::low_mask(tcg::bits_of(operation.type));
  const bool equal = ((before ^ operand) & mask) == 0;
  return {
      .value = equal ? replacement & mask : before,
      .flags = tcg::evaluate_compare(operation.type, operand, before, flags, operation.flags_out)};
}

}  // namespace

tcg::Hooks TcgVcpu::hooks() {
  tcg::Hooks hooks;
  hooks.refill = &refill_hook;
  hooks.load = [](tcg::Frame* frame, uint64_t va, const tcg::MemoryOperation& operation) {
    return vcpu_of(frame).load(va, operation);
  };
  hooks.store = [](tcg::Frame* frame, uint64_t va, const tcg::MemoryOperation& operation,
                   const void* value) { vcpu_of(frame).store(va, operation, value); };
  hooks.update = [](tcg::Frame* frame, uint64_t va, const tcg::MemoryOperation& operation,
                    uint64_t operand, uint64_t replacement) {
    return vcpu_of(frame).update(va, operation, operand, replacement);
  };
  hooks.divide_error = [](tcg::Frame* frame) {
    vcpu_of(frame).cpu_.record_divide_error();
    vcpu_of(frame).leave(tcg::ExitReason::kException);
  };
  hooks.simd_exception = [](tcg::Frame* frame) {
    vcpu_of(frame).cpu_.record_simd_exception();
    vcpu_of(frame).leave(tcg::ExitReason::kException);
  };
  return hooks;
}

void TcgVcpu::leave(tcg::ExitReason reason) { tcg::leave(&frame_, static_cast<uint16_t>(reason)); }

// Refills note device pages before an access comes here.
std::optional<uint64_t> TcgVcpu::device_at(uint64_t va, tcg::Access access, uint8_t flags) {
  const std::lock_guard lock(tlb_lock_);
  const uint64_t* page = tlb(flags).device_at(tcg::page_of(va), access == tcg::Access::kWrite);
  if (page == nullptr) return std::nullopt;
  return *page | tcg::offset_in_page(va);
}

uint64_t TcgVcpu::walk_to(uint64_t va, tcg::Access access, uint8_t flags) {
  PageWalk walk;
  if (!cpu_.walk(va, access, flags, walk)) {
    cpu_.record_fault(va, walk);
    leave(tcg::ExitReason::kException);
  }
  return walk.physical | tcg::offset_in_page(va);
}

TcgVcpu::Place TcgVcpu::locate(uint64_t va, unsigned size, tcg::Access access, uint8_t flags) {
  if (util::log_enabled(util::kLogMmu)) log_fill(va, size, access, flags);
  Place place;
  for (uint64_t address = va; size > 0;) {
    const uint64_t room = tcg::kPageSize - tcg::offset_in_page(address);
    Place::Piece& piece = place.pieces[place.count++];
    piece.size = size < room ? size : static_cast<unsigned>(room);
    if (const std::optional<uint64_t> device = device_at(address, access, flags)) {
      piece.physical = *device;
    } else {
      piece.physical = walk_to(address, access, flags);
      piece.ram = memory_->map.find(piece.physical);
    }
    address += piece.size;
    size -= piece.size;
  }
  return place;
}

void TcgVcpu::check_alignment(uint64_t va, const tcg::MemoryOperation& operation) {
  if ((operation.flags & tcg::kMemoryAligned) == 0 || va % tcg::size_of(operation.type) == 0)
    return;
  cpu_.record_misaligned();
  leave(tcg::ExitReason::kException);
}

void TcgVcpu::read_place(const Place& place, std::byte* into) {
  for (unsigned i = 0; i < place.count; ++i) {
    const Place::Piece& piece = place.pieces[i];
    if (piece.ram != nullptr) {
      std::memcpy(into, piece.host_read(), piece.size);
    } else {
      memory_->space.read_io(piece.physical, {into, piece.size});
    }
    into += piece.size;
  }
}

const void* TcgVcpu::load(uint64_t va, const tcg::MemoryOperation& operation) {
  const util::ActivityScope accessing(util::Activity::kAccess);
  check_alignment(va, operation);
  const Place place = locate(va, tcg::size_of(operation.type), tcg::Access::kRead, operation.flags);
  if (place.plain_read()) return place.pieces[0].host_read();
  read_place(place, reinterpret_cast<std::byte*>(frame_.bounce));
  return frame_.bounce;
}

// Leaves if the running block was translated from bytes that are about to change: the
// instruction is then run again by itself.
void TcgVcpu::prepare_write(const Place& place) {
  bool must_leave = false;
  for (unsigned i = 0; i < place.count; ++i) {
    const Place::Piece& piece = place.pieces[i];
    if (piece.ram == nullptr || piece.ram->write == nullptr) continue;
    const uint64_t offset = piece.physical - piece.ram->first;
    const auto& flags = piece.ram->flags[offset >> tcg::kPageBits];
    if ((flags.load(std::memory_order_relaxed) & core::kPageCode) == 0) continue;
    PageWalk unused;
    const std::byte* current = fetch(cpu_.position().linear, unused);
    must_leave |= accelerator_.invalidate_for_store(*piece.ram->block, piece.host_write(),
                                                    piece.size, current);
  }
  if (must_leave) leave(tcg::ExitReason::kCodeModified);
}

void TcgVcpu::write_place(const Place& place, const std::byte* from) {
  prepare_write(place);
  for (unsigned i = 0; i < place.count; ++i) {
    const Place::Piece& piece = place.pieces[i];
    if (piece.ram != nullptr && piece.ram->write != nullptr) {
      copy_to_ram(piece.host_write(), from, piece.size);
      const uint64_t offset = piece.physical - piece.ram->first;
      piece.ram->flags[offset >> tcg::kPageBits].fetch_or(core::kPageDirtyAll);
    } else {
      memory_->space.write_io(piece.physical, {from, piece.size});
    }
    from += piece.size;
  }
}

void TcgVcpu::store(uint64_t va, const tcg::MemoryOperation& operation, const void* value) {
  const util::ActivityScope accessing(util::Activity::kAccess);
  check_alignment(va, operation);
  const Place place =
      locate(va, tcg::size_of(operation.type), tcg::Access::kWrite, operation.flags);
  if (operation.op == tcg::Opcode::kProbe) return;
  write_place(place, static_cast<const std::byte*>(value));
}

uint64_t TcgVcpu::update(uint64_t va, const tcg::MemoryOperation& operation, uint64_t operand,
                         uint64_t replacement) {
  const util::ActivityScope accessing(util::Activity::kAccess);
  const unsigned size = tcg::size_of(operation.type);
  const Place place = locate(va, size, tcg::Access::kWrite, operation.flags);
  prepare_write(place);
  const uint32_t flags = tcg::pack_flags(frame_.flag_overflow, frame_.flags_low);
  uint64_t before = 0;
  tcg::IntegerEvaluation result;
  // A locked access across alignment is atomic among those that come here.
  if (place.plain_write() && util::is_aligned(place.pieces[0].host_write(), size)) {
    std::byte* host = place.pieces[0].host_write();
    std::memcpy(&before, host, size);
    do {
      result = evaluate_update(operation, before, operand, replacement, flags);
    } while (!compare_exchange(host, size, before, result.value));
    const uint64_t offset = place.pieces[0].physical - place.pieces[0].ram->first;
    place.pieces[0].ram->flags[offset >> tcg::kPageBits].fetch_or(core::kPageDirtyAll);
  } else {
    const core::MachineLockIfNeeded lock;
    read_place(place, reinterpret_cast<std::byte*>(&before));
    result = evaluate_update(operation, before, operand, replacement, flags);
    write_place(place, reinterpret_cast<const std::byte*>(&result.value));
  }
  tcg::unpack_flags(result.flags, frame_.flag_overflow, frame_.flags_low);
  return before;
}

}  // namespace vireo::accel
