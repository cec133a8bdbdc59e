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
    {"cpuid", nullptr, {kOwn, "`i386` unit tests"}},
    {"rdtsc", nullptr, {kOwn}},
    {"rdtscp", nullptr, {kOwn}},
    {"rdpmc", nullptr, {kOwn}},
    {"rdpid", nullptr, {kOwn}},
    {"xgetbv", nullptr, {kOwn}},
    {"rdpkru", nullptr, {kKeys}},
    {"wrpkru", nullptr, {kKeys}},
    {"sgdt", nullptr, {kUmip}},
    {"sidt", nullptr, {kUmip}},
    {"sldt", nullptr, {kUmip}},
    {"str", nullptr, {kUmip}},
    {"smsw", nullptr, {kUmip}},
    {"lar", nullptr, {kTables}},
    {"lsl", nullptr, {kTables}},
    {"verr", nullptr, {kTables}},
    {"verw", nullptr, {kTables}},
    {nullptr, &T::move_to_segment, {kTables}},
    {nullptr, &T::pop_segment, {kTables}},
    {nullptr, &T::load_far_pointer, {kTables}},
    {nullptr, &T::far_jump, {kTables}},
    {nullptr, &T::far_call, {kTables}},
    {nullptr, &T::far_return, {kTables}},
    {nullptr, &T::interrupt_return, {kTables}},
    {nullptr, &T::interrupt, {kGates}},
    {nullptr, &T::interrupt_on_overflow, {kGates}},
    {nullptr, &T::read_segment_base, {kThread}},
    {nullptr, &T::write_segment_base, {kThread}},
    {nullptr, &T::random, {kOwn}},
    {"syscall", nullptr, {kEntry}},
    {"sysenter", nullptr, {kEntry}},
    {"sysret", nullptr, {kEntry}},
    {"sysexit", nullptr, {kEntry}},
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
