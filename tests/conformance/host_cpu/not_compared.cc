// What a user's process cannot compare with the host's processor.

#include "tests/conformance/host_cpu/not_compared.h"

#include <algorithm>
#include <iterator>
#include <string_view>

#include "target/i386/translate/translator.h"

namespace vireo::host_cpu {
namespace {

using T = i386::Translator;

struct Entry {
  const char* mnemonic;  ///< Null: all that `translate` translates.
  void (T::*translate)(const i386::Insn&);
  NotCompared reason;
};

constexpr char kTables[] = "depends on the system's descriptor tables";
constexpr char kGates[] = "goes through the system's IDT";
constexpr char kUmip[] = "the host's system answers for the processor (CR4.UMIP)";
constexpr char kOwn[] = "the answer is the processor's own";
constexpr char kThread[] = "the host's process needs its segment bases";
constexpr char kEntry[] = "enters the host's system";
constexpr char kKeys[] = "needs a system that has set CR4.PKE";

constexpr Entry kEntries[] = {
    {"cpuid", nullptr, {kOwn, "`i386` unit tests, `asm/encoding`"}},
    {"rdtsc", nullptr, {kOwn, "`asm/apic_timer`, `asm/msr_access`"}},
    {"rdtscp", nullptr, {kOwn, "`asm/msr_access`"}},
    {"rdpmc", nullptr, {kOwn, "`asm/privilege`"}},
    {"rdpid", nullptr, {kOwn, "`asm/msr_access`"}},
    {"xgetbv", nullptr, {kOwn, "`asm/xsave_areas`"}},
    {"rdpkru", nullptr, {kKeys, "`asm/protection_keys`"}},
    {"wrpkru", nullptr, {kKeys, "`asm/protection_keys`"}},
    {"sgdt", nullptr, {kUmip, "`asm/long_tables`, `asm/privilege`"}},
    {"sidt", nullptr, {kUmip, "`asm/paging_32`, `asm/privilege`"}},
    {"sldt", nullptr, {kUmip, "`asm/task_switch`, `asm/privilege`"}},
    {"str", nullptr, {kUmip, "`asm/task_switch`, `asm/privilege`"}},
    {"smsw", nullptr, {kUmip, "`asm/privilege`, `asm/real_mode`"}},
    {"lar", nullptr, {kTables, "`asm/descriptor_queries`"}},
    {"lsl", nullptr, {kTables, "`asm/descriptor_queries`"}},
    {"verr", nullptr, {kTables, "`asm/descriptor_queries`"}},
    {"verw", nullptr, {kTables, "`asm/descriptor_queries`"}},
    {nullptr, &T::move_to_segment, {kTables, "`asm/segment_load`"}},
    {nullptr, &T::pop_segment, {kTables, "`asm/segment_load`"}},
    {nullptr, &T::load_far_pointer, {kTables, "`asm/encoding`"}},
    {nullptr, &T::far_jump, {kTables, "`asm/far_transfer`"}},
    {nullptr, &T::far_call, {kTables, "`asm/far_transfer`, `asm/call_gate`"}},
    {nullptr, &T::far_return, {kTables, "`asm/far_transfer`, `asm/call_gate`"}},
    {nullptr, &T::interrupt_return, {kTables, "`asm/iret_protected`, `asm/iret_long`"}},
    {nullptr, &T::interrupt, {kGates, "`asm/interrupt_gate`"}},
    {nullptr, &T::interrupt_on_overflow, {kGates, "`asm/interrupt_gate`"}},
    {nullptr, &T::read_segment_base, {kThread, "Linux guests, by their threads"}},
    {nullptr, &T::write_segment_base, {kThread, "Linux guests, by their threads"}},
    {nullptr, &T::random, {kOwn, "Linux guests, by their random numbers"}},
    {"syscall", nullptr, {kEntry, "`asm/system_calls`"}},
    {"sysenter", nullptr, {kEntry, "`asm/system_calls`"}},
    {"sysret", nullptr, {kEntry, "`asm/system_calls`"}},
    {"sysexit", nullptr, {kEntry, "`asm/system_calls`"}},
};

}  // namespace

const NotCompared* not_compared(const i386::Row& row) {
  for (const Entry& entry : kEntries) {
    const bool named = entry.mnemonic && std::string_view(entry.mnemonic) == row.mnemonic;
    if (named || (!entry.mnemonic && entry.translate == row.translate)) return &entry.reason;
  }
  return nullptr;
}

bool only_faults(const i386::Row& row) {
  if (row.attributes & (i386::privileged | i386::hidden)) return true;
  constexpr decltype(row.translate) kAskIopl[] = {
      &T::input,         &T::output,           &T::string_input,
      &T::string_output, &T::clear_interrupts, &T::set_interrupts};
  if (std::find(std::begin(kAskIopl), std::end(kAskIopl), row.translate) != std::end(kAskIopl))
    return true;
  constexpr std::string_view kOthers[] = {"rsm", "xsaves", "xrstors"};
  return std::find(std::begin(kOthers), std::end(kOthers), row.mnemonic) != std::end(kOthers);
}

}  // namespace vireo::host_cpu
