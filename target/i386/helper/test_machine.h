#pragma once

#include <cstring>
#include <map>
#include <memory>
#include <vector>

#include "target/i386/cpu/config.h"
#include "target/i386/cpu/host_interface.h"
#include "target/i386/cpu/mode.h"
#include "target/i386/cpu/reset.h"
#include "target/i386/helper/functions.h"
#include "target/i386/helper/raise.h"

namespace vireo::i386 {

/// A machine of RAM alone, and a CPU in it, for tests.
class TestMachine : public Machine {
 public:
  explicit TestMachine(const char* model = "max")
      : config(parse_cpu_option(model).value()), ram(size_t{4} << 20) {
    cpu = std::make_unique<CpuState>();
    cpu->machine = this;
    cpu->config = &config;
    reset(*cpu);
  }

  uint64_t read_physical(uint64_t address, unsigned width) override {
    uint64_t value = ~uint64_t{0};
    if (address + width <= ram.size()) {
      value = 0;
      std::memcpy(&value, ram.data() + address, width);
    }
    return value;
  }
  void write_physical(uint64_t address, unsigned width, uint64_t value) override {
    if (address + width <= ram.size()) std::memcpy(ram.data() + address, &value, width);
  }
  std::span<std::byte> memory_span(uint64_t address, size_t length, bool) override {
    if (address + length > ram.size()) return {};
    return {ram.data() + address, length};
  }
  void mark_written(uint64_t, size_t length) override { bytes_written += length; }
  PageTableMemory page_table_memory(uint64_t address) override {
    if (address + 8 > ram.size()) return {};
    return {ram.data() + address, ram.data() + address, nullptr};
  }
  uint32_t read_port(uint16_t port, unsigned) override { return ports[port]; }
  void write_port(uint16_t port, unsigned, uint32_t value) override {
    ports[port] = value;
    if (port == smi_port) change_request(*cpu, kSmiRequest, true);
  }
  void flush_tlb() override { ++flushes; }
  void flush_tlb_non_global() override { ++flushes; }
  void flush_tlb_page(uint64_t) override { ++flushes; }
  void set_address_space(uint16_t id, bool keep) override {
    address_space = id;
    if (!keep) ++flushes;
  }
  void flush_address_space(uint16_t) override { ++flushes; }
  void flush_tlb_keys(uint16_t keys) override { flushed_keys = keys; }
  void set_system_management(bool active) override { in_smm = active; }
  void mode_changed() override {}
  bool fill_tlb(uint64_t, unsigned, bool, bool) override { return false; }
  LocalApic* apic() override { return nullptr; }
  uint64_t tsc_now() override { return 1000; }
  void triple_fault() override { ++triple_faults; }
  void signal_fpu_error() override { ++fpu_errors; }
  uint64_t random() override { return 4; }

  template <class T>
  T peek(uint64_t address) {
    return static_cast<T>(read_physical(address, sizeof(T)));
  }
  template <class T>
  void poke(uint64_t address, T value) {
    write_physical(address, sizeof(T), static_cast<uint64_t>(value));
  }
  /// Runs a helper; the vector that it raised, or kNoException.
  uint8_t run(tcg::HelperFunction helper, uint64_t a = 0, uint64_t b = 0, uint64_t c = 0) {
    cpu->pending = PendingException{};
    guarded(*cpu, [&] { result = helper(&cpu->frame, a, b, c); });
    return cpu->pending.vector;
  }

  /// A flat 32-bit or 64-bit supervisor with a GDT at 0x1000: code 0x08, data 0x10, user code
  /// 0x1b, user data 0x23, TSS 0x28; an IDT at 0x2000; the TSS at 0x3000.
  void enter_flat(bool long_mode) {
    poke<uint64_t>(0x1008, long_mode ? 0x00af9b000000ffff : 0x00cf9b000000ffff);
    poke<uint64_t>(0x1010, 0x00cf93000000ffff);
    poke<uint64_t>(0x1018, long_mode ? 0x00affb000000ffff : 0x00cffb000000ffff);
    poke<uint64_t>(0x1020, 0x00cff3000000ffff);
    poke<uint64_t>(0x1028, 0x0000890030000067);
    cpu->gdtr = {0x1000, 0x37};
    cpu->idtr = {0x2000, 0xfff};
    cpu->cr0 |= kCr0Pe;
    if (long_mode) {
      // The first GiB, mapped to itself.
      poke<uint64_t>(0x100000, 0x101007);
      poke<uint64_t>(0x101000, 0x87);
      cpu->cr3 = 0x100000;
      cpu->cr4 = kCr4Pae;
      cpu->efer = kEferLme | kEferLma | kEferNxe | kEferSce;
      cpu->cr0 |= kCr0Pg;
    }
    cpu->segments[kCs] = {0, 0xffffffff, 8, static_cast<uint16_t>(long_mode ? 0xa09b : 0xc09b)};
    for (const auto index : {kEs, kSs, kDs, kFs, kGs})
      cpu->segments[index] = {0, 0xffffffff, 0x10, 0xc093};
    cpu->tr = {0x3000, 0x67, 0x28, 0x8b};
    cpu->frame.general[kRsp] = 0x8000;
    cpu->frame.guest_ip = 0x5000;
    update_mode(*cpu);
  }
  void enter_user() {
    cpu->cpl = 3;
    cpu->segments[kCs].selector = 0x1b;
    cpu->segments[kCs].attributes |= 0x60;
    cpu->segments[kSs] = {0, 0xffffffff, 0x23, 0xc0f3};
    update_mode(*cpu);
  }
  /// An interrupt gate (type 0xe) or other gate in the IDT to 0x08:`target`.
  void set_gate(unsigned vector, uint32_t target, uint8_t attributes = 0x8e, uint8_t ist = 0) {
    const uint64_t size = in_long_mode(*cpu) ? 16 : 8;
    const uint64_t gate = (target & 0xffff) | uint64_t{8} << 16 | uint64_t{ist} << 32 |
                          uint64_t{attributes} << 40 | uint64_t{target >> 16} << 48;
    poke<uint64_t>(0x2000 + vector * size, gate);
  }

  CpuConfig config;
  std::vector<std::byte> ram;
  std::unique_ptr<CpuState> cpu;
  std::map<uint16_t, uint32_t> ports;
  uint64_t result = 0;
  size_t bytes_written = 0;
  uint16_t smi_port = 0;  ///< Writes to it raise an SMI, if it is not 0.
  bool in_smm = false;
  int flushes = 0, triple_faults = 0, fpu_errors = 0;
  uint16_t address_space = 0, flushed_keys = 0;
};

}  // namespace vireo::i386
