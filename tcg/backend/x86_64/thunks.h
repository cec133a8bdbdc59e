#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "tcg/backend/x86_64/layout.h"
#include "tcg/ir/instruction.h"
#include "tcg/opt/access_groups.h"
#include "tcg/runtime/hooks.h"

namespace vireo::tcg::x86_64 {

class JitBackend;

/// Addresses of the shared code between blocks and C++, made once at the code cache's beginning.
struct Thunks {
  /// void(Frame*, const void* code, void** saved_stack): enters translated code.
  const uint8_t* enter;
  /// void(void* saved_stack, Frame*): leaves with what the Frame holds.
  const uint8_t* leave;
  // Called; the call's place says which exit it is. Flags in host or in memory.
  const uint8_t* lookup_host;
  const uint8_t* lookup_memory;
  // Jumped to, guest IP in kAddressReg, flags in memory: by the jump cache, and that from the
  // bottom of a return stack.
  const uint8_t* jump_cache;
  const uint8_t* return_empty;
  /// Jumped to, guest IP in kAddressReg, flags in memory: to begin again there.
  const uint8_t* lookup_again;
  /// Jumped to; exit reason in kTlbReg; guest_ip is set.
  const uint8_t* exit_runtime;
  // Where signal handlers continue.
  const uint8_t* poll_host;
  const uint8_t* poll_memory;
  const uint8_t* divide_error;
  const uint8_t* simd_exception_host;
  const uint8_t* simd_exception_memory;
  /// Slow paths of memory checks, by user and write, called with the entry as a TlbOperand has it
  /// and va - tag in kAddressReg; followed by the 32-bit descriptor and a 5-byte jump to the check.
  /// That is where a refilled access returns; a finished one returns behind it.
  const uint8_t* accesses[2][2];
  /// The same for the check of a group. They return to the check, or behind the jump if it cannot
  /// succeed.
  const uint8_t* groups[2][2];
  /// By user and write: called where a stack access is to another page than the StackPage's, with
  /// va - tag in kAddressReg and its bytes in kTlbReg. If the TLB has the page, they return with
  /// what the check would have from it; else behind the 5-byte jump that follows, as a check of the
  /// TLB that misses.
  const uint8_t* stack_misses[2][2];
  /// As accesses, with va in kAddressReg and no refill.
  const uint8_t* access_full;
  /// Called: flags to the Frame; kAddressReg comes back from scratch[0].
  const uint8_t* save_flags;
  /// Called: the x87 unit's state to the host's unit, or to the X87State; keep all registers.
  const uint8_t* x87_to_host;
  const uint8_t* x87_to_memory;
  /// Called with the helper's index in kTlbReg; flags in memory.
  const uint8_t* call_helper;
  /// By StringFlags, called with flags in memory: Z if the instruction is done, else nothing is.
  const uint8_t* strings[kStringKinds];
  /// Called with what pack_evaluation() gives in kTlbReg; operands in the last spill slots, flags
  /// in memory.
  const uint8_t* evaluate;

  /// Whether calls of it are followed by a descriptor.
  bool takes_descriptor(const uint8_t* thunk) const {
    const auto is_among = [thunk](const uint8_t* const(&thunks)[2][2]) {
      return std::ranges::any_of(thunks, [thunk](const auto& of_context) {
        return std::ranges::find(of_context, thunk) != std::end(of_context);
      });
    };
    return thunk == access_full || is_among(accesses) || is_among(groups);
  }
};

/// Emits the thunks. `x87_offset`: of the X87State in the vCPU state. `vector_bytes`: of the
/// guest's vector registers in the host's, 16 or 32.
Thunks make_thunks(Encoder& encoder, JitBackend* backend, size_t x87_offset, unsigned vector_bytes);

/// Thunks::strings.
void make_string_thunks(Encoder& encoder, Thunks& thunks);

/// Flags from the host to the Frame, and back; `temporary`, kAddressReg or kTlbReg, keeps RAX
/// meanwhile.
void emit_save_flags(Encoder& encoder, Reg temporary);
void emit_restore_flags(Encoder& encoder, Reg temporary);

/// For the address in kAddressReg, in the TLB of the context: finds the entry, see TlbOperand; the
/// address becomes va - tag. Destroys flags. `bmi2`: the host has BEXTR and RORX.
TlbOperand emit_tlb_lookup(Encoder& encoder, bool bmi2, bool user, bool write);

/// Looks where Frame::jump_cache says to go for the guest IP in kAddressReg: goes on if it says
/// so, at what is returned.
Mem emit_jump_cache(Encoder& encoder, Encoder::Label misses);
/// The place in UserTables::jump_targets for the guest IP in kAddressReg. Destroys kTlbReg, flags.
Mem emit_jump_target(Encoder& encoder);

/// What the check of a group is for, in 32 bits. The accessors are for code without vector
/// registers.
class GroupDescriptor {
 public:
  GroupDescriptor(uint32_t packed) : packed_(packed) {}
  unsigned bytes() const { return packed_ & kBytesMask; }
  unsigned alignment() const { return packed_ >> kAlignmentShift & 0xff; }
  bool user() const { return packed_ >> kUserShift & 1; }
  bool writes() const { return packed_ >> kWritesShift & 1; }
  bool begins_with_write() const { return packed_ >> kBeginsShift & 1; }

  static constexpr uint32_t kBytesMask = 0xfff;
  static constexpr unsigned kUserShift = 12, kWritesShift = 13, kBeginsShift = 14,
                            kAlignmentShift = 16;

 private:
  uint32_t packed_;
};
uint32_t pack(const AccessGroup& group, const MemoryOperation& first);

/// A MemoryOperation packed into 32 bits.
uint32_t pack(const MemoryOperation& operation);
MemoryOperation unpack(uint32_t descriptor);

}  // namespace vireo::tcg::x86_64
