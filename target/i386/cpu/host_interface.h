#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

namespace vireo::i386 {

/// A local APIC as its CPU sees it (SDM volume 3, chapter 11). Called on the vCPU's thread; an
/// implementation takes the locks that it needs.
class LocalApic {
 public:
  virtual ~LocalApic() = default;
  /// IA32_APIC_BASE. write_base returns false for reserved bits or a forbidden mode change: #GP.
  virtual uint64_t read_base() = 0;
  virtual bool write_base(uint64_t value) = 0;
  /// CR8: bits 7:4 of the task priority, 0 to 15.
  virtual unsigned task_priority() = 0;
  virtual void set_task_priority(unsigned priority) = 0;
  /// x2APIC registers, MSRs 0x800 to 0x8ff. False: #GP (not in x2APIC mode, no such register).
  virtual bool read_register(uint32_t msr, uint64_t& value) = 0;
  virtual bool write_register(uint32_t msr, uint64_t value) = 0;
  /// IA32_TSC_DEADLINE, in units of the guest's time-stamp counter.
  virtual uint64_t read_tsc_deadline() = 0;
  virtual void write_tsc_deadline(uint64_t value) = 0;
  /// Whether an interrupt (of the APIC or of an 8259 behind LINT0) would be accepted; callable from
  /// any thread.
  virtual bool interrupt_pending() const = 0;
  /// Accepts the interrupt of the highest priority: its vector, or -1 if it went away.
  virtual int acknowledge_interrupt() = 0;
};

/// Host memory behind a guest-physical address.
struct PageTableMemory {
  std::byte* read = nullptr;              ///< Null: no memory there.
  std::byte* write = nullptr;             ///< Null: read-only.
  std::atomic<uint8_t>* flags = nullptr;  ///< core::PageFlag bits of the page; null: not kept.
};

/// What one vCPU needs of the machine around it. Physical addresses are before the A20 gate, which
/// the implementation applies. Called on the vCPU's thread, without the machine lock.
class Machine {
 public:
  virtual ~Machine() = default;

  /// Guest-physical accesses of 1, 2, 4 or 8 bytes within a page, to memory or devices. Writes tell
  /// whoever watches RAM (dirty logs, translated code).
  virtual uint64_t read_physical(uint64_t address, unsigned width) = 0;
  virtual void write_physical(uint64_t address, unsigned width, uint64_t value) = 0;
  /// [address, address + length), within a page, as host memory; empty if it is no memory (or no
  /// writable one). After writing to it call mark_written.
  virtual std::span<std::byte> memory_span(uint64_t address, size_t length, bool for_write) = 0;
  virtual void mark_written(uint64_t address, size_t length) = 0;
  /// The memory of an aligned page-table entry. Uses general registers only: guest vector registers
  /// may be live.
  virtual PageTableMemory page_table_memory(uint64_t address) = 0;

  /// Port I/O of 1, 2 or 4 bytes.
  virtual uint32_t read_port(uint16_t port, unsigned width) = 0;
  virtual void write_port(uint16_t port, unsigned width, uint32_t value) = 0;

  /// Forget cached translations of linear addresses, of all address spaces.
  virtual void flush_tlb() = 0;
  virtual void flush_tlb_non_global() = 0;
  virtual void flush_tlb_page(uint64_t linear) = 0;
  /// Goes on in the address space that `id` (a PCID) stands for; with `keep`, what is cached of it
  /// still holds. What is global stays in either case.
  virtual void set_address_space(uint16_t id, bool keep) = 0;
  /// Forgets what is cached of an address space and is not global.
  virtual void flush_address_space(uint16_t id) = 0;
  /// Forgets what is cached of user pages with these protection keys (bit i: key i), of all address
  /// spaces.
  virtual void flush_tlb_keys(uint16_t keys) = 0;
  /// Enters or leaves system-management mode: physical addresses are now what that mode sees
  /// (SMRAM, no A20 gate) or no longer so. Forgets all cached translations.
  virtual void set_system_management(bool active) = 0;
  /// The mode has changed, and translated code goes on without the execution loop.
  virtual void mode_changed() = 0;
  /// Tries to make the next access at `linear` hit Frame::tlb; false if it cannot.
  virtual bool fill_tlb(uint64_t linear, unsigned size, bool is_write, bool user) = 0;

  /// Null on a machine without one.
  virtual LocalApic* apic() = 0;
  /// The time-stamp counter before IA32_TSC_ADJUST and writes of the TSC MSR are added.
  virtual uint64_t tsc_now() = 0;
  /// A shutdown after a triple fault; resets a PC.
  virtual void triple_fault() = 0;
  /// An unmasked x87 exception with CR0.NE clear: IRQ 13 on a PC.
  virtual void signal_fpu_error() = 0;
  virtual uint64_t random() = 0;
};

}  // namespace vireo::i386
