// System instructions of the two-byte opcode map (SDM volume 2, tables; volume 3, 2.8).

#include "target/i386/decode/tables.h"
#include "target/i386/translate/helper_id.h"
#include "target/i386/translate/translator.h"

namespace vireo::i386 {
namespace {

using tcg::Condition;
using tcg::Opcode;
using tcg::RmwKind;
using T = Translator;

template <class Enum>
constexpr uint16_t as(Enum value) {
  return static_cast<uint16_t>(value);
}

// clang-format off
constexpr Row kRows[] = {
    {0x00, "sldt", operands("Rv/Mw"), reg(0) | protected_mode, &T::store_system, as(HelperId::read_ldtr)},
    {0x00, "str", operands("Rv/Mw"), reg(1) | protected_mode, &T::store_system, as(HelperId::read_tr)},
    {0x00, "lldt", operands("Ew"), reg(2) | protected_mode | privileged, &T::load_system, as(HelperId::lldt)},
    {0x00, "ltr", operands("Ew"), reg(3) | protected_mode | privileged, &T::load_system, as(HelperId::ltr)},
    {0x00, "verr", operands("Ew"), reg(4) | protected_mode, &T::load_system, as(HelperId::verr)},
    {0x00, "verw", operands("Ew"), reg(5) | protected_mode, &T::load_system, as(HelperId::verw)},
    {0x01, "sgdt", operands("M"), reg(0) | memory_only, &T::descriptor_table, as(HelperId::sgdt)},
    {0x01, "sidt", operands("M"), reg(1) | memory_only, &T::descriptor_table, as(HelperId::sidt)},
    {0x01, "lgdt", operands("M"), reg(2) | memory_only | privileged, &T::descriptor_table, as(HelperId::lgdt)},
    {0x01, "lidt", operands("M"), reg(3) | memory_only | privileged, &T::descriptor_table, as(HelperId::lidt)},
    {0x01, "smsw", operands("Rv/Mw"), reg(4), &T::store_system, as(HelperId::smsw)},
    {0x01, "lmsw", operands("Ew"), reg(6) | privileged, &T::load_system, as(HelperId::lmsw)},
    {0x01, "invlpg", operands("Mb"), reg(7) | memory_only | privileged, &T::invalidate_page},
    {0x01, "monitor", operands(""), reg(1) | rm(0) | register_only | hidden | needs(Feature::kMonitor), &T::monitor},
    {0x01, "mwait", operands(""), reg(1) | rm(1) | register_only | hidden | needs(Feature::kMonitor), &T::monitor_wait},
    {0x01, "clac", operands(""), reg(1) | rm(2) | register_only | prefix_none | hidden | needs(Feature::kSmap), &T::set_alignment_check, 0},
    {0x01, "stac", operands(""), reg(1) | rm(3) | register_only | prefix_none | hidden | needs(Feature::kSmap), &T::set_alignment_check, 1},
    {0x01, "xgetbv", operands(""), reg(2) | rm(0) | register_only | prefix_none | needs(Feature::kXsave), &T::call_only, as(HelperId::xgetbv)},
    {0x01, "xsetbv", operands(""), reg(2) | rm(1) | register_only | prefix_none | privileged | needs(Feature::kXsave), &T::call_and_resume, as(HelperId::xsetbv)},
    {0x01, "rdpkru", operands(""), reg(5) | rm(6) | register_only | prefix_none | needs(Feature::kPku), &T::call_only, as(HelperId::rdpkru)},
    {0x01, "wrpkru", operands(""), reg(5) | rm(7) | register_only | prefix_none | needs(Feature::kPku), &T::call_only, as(HelperId::wrpkru)},
    {0x01, "swapgs", operands(""), reg(7) | rm(0) | register_only | only64 | privileged, &T::call_only, as(HelperId::swapgs)},
    {0x01, "rdtscp", operands(""), reg(7) | rm(1) | register_only | needs(Feature::kRdtscp), &T::call_only, as(HelperId::rdtscp)},
    {0x02, "lar", operands("Gv,Ew"), protected_mode, &T::load_descriptor_part, as(HelperId::lar)},
    {0x03, "lsl", operands("Gv,Ew"), protected_mode, &T::load_descriptor_part, as(HelperId::lsl)},
    {0x05, "syscall", operands(""), needs(Feature::kSyscall), &T::transfer, as(HelperId::syscall)},
    {0x06, "clts", operands(""), privileged, &T::call_and_resume, as(HelperId::clts)},
    {0x07, "sysret", operands(""), needs(Feature::kSyscall), &T::transfer, as(HelperId::sysret)},
    {0x08, "invd", operands(""), privileged, &T::call_only, as(HelperId::wbinvd)},
    {0x09, "wbinvd", operands(""), privileged, &T::call_only, as(HelperId::wbinvd)},
    {0x20, "mov", operands("Rn,Cn"), privileged, &T::move_from_system, as(HelperId::read_cr)},
    {0x21, "mov", operands("Rn,Dn"), privileged, &T::move_from_system, as(HelperId::read_dr)},
    {0x22, "mov", operands("Cn,Rn"), privileged, &T::move_to_system, as(HelperId::write_cr)},
    {0x23, "mov", operands("Dn,Rn"), privileged, &T::move_to_system, as(HelperId::write_dr)},
    {0x30, "wrmsr", operands(""), privileged | needs(Feature::kMsr), &T::call_and_resume, as(HelperId::wrmsr)},
    {0x31, "rdtsc", operands(""), needs(Feature::kTsc), &T::call_only, as(HelperId::rdtsc)},
    {0x32, "rdmsr", operands(""), privileged | needs(Feature::kMsr), &T::call_only, as(HelperId::rdmsr)},
    {0x33, "rdpmc", operands(""), 0, &T::call_only, as(HelperId::rdpmc)},
    {0x34, "sysenter", operands(""), needs(Feature::kSep), &T::transfer, as(HelperId::sysenter)},
    {0x35, "sysexit", operands(""), needs(Feature::kSep), &T::transfer, as(HelperId::sysexit)},
    {0xa2, "cpuid", operands(""), 0, &T::call_only, as(HelperId::cpuid)},
    {0xaa, "rsm", operands(""), 0, &T::call_and_leave_there, as(HelperId::rsm)},
    {0xae, "fxsave", operands("M"), reg(0) | prefix_none | memory_only | needs(Feature::kFxsr) | uses_fpu, &T::save_state, as(HelperId::fxsave)},
    {0xae, "fxrstor", operands("M"), reg(1) | prefix_none | memory_only | needs(Feature::kFxsr) | uses_fpu, &T::save_state, as(HelperId::fxrstor)},
    {0xae, "ldmxcsr", operands("Md"), reg(2) | prefix_none | memory_only | needs(Feature::kSse) | uses_sse, &T::load_mxcsr},
    {0xae, "stmxcsr", operands("Md"), reg(3) | prefix_none | memory_only | needs(Feature::kSse) | uses_sse, &T::store_mxcsr},
    {0xae, "xsave", operands("M"), reg(4) | prefix_none | memory_only | needs(Feature::kXsave), &T::extended_save, 0},
    {0xae, "xrstor", operands("M"), reg(5) | prefix_none | memory_only | needs(Feature::kXsave), &T::save_state, as(HelperId::xrstor)},
    {0xae, "xsaveopt", operands("M"), reg(6) | prefix_none | memory_only | needs(Feature::kXsaveopt), &T::extended_save, 1},
    {0xae, "clflush", operands("Mb"), reg(7) | prefix_none | memory_only | needs(Feature::kClflush), &T::flush_line},
    {0xae, "clwb", operands("Mb"), reg(6) | prefix_66 | memory_only | needs(Feature::kClwb), &T::flush_line},
    {0xae, "clflushopt", operands("Mb"), reg(7) | prefix_66 | memory_only | needs(Feature::kClflushopt), &T::flush_line},
    {0xae, "lfence", operands(""), reg(5) | prefix_none | register_only | needs(Feature::kSse2), &T::fence},
    {0xae, "mfence", operands(""), reg(6) | prefix_none | register_only | needs(Feature::kSse2), &T::fence},
    {0xae, "sfence", operands(""), reg(7) | prefix_none | register_only | needs(Feature::kSse) | or_mmxext, &T::fence},
    {0xae, "rdfsbase", operands("Ry"), reg(0) | prefix_f3 | register_only | only64 | needs(Feature::kFsgsbase), &T::read_segment_base, kFs},
    {0xae, "rdgsbase", operands("Ry"), reg(1) | prefix_f3 | register_only | only64 | needs(Feature::kFsgsbase), &T::read_segment_base, kGs},
    {0xae, "wrfsbase", operands("Ry"), reg(2) | prefix_f3 | register_only | only64 | needs(Feature::kFsgsbase), &T::write_segment_base, kFs},
    {0xae, "wrgsbase", operands("Ry"), reg(3) | prefix_f3 | register_only | only64 | needs(Feature::kFsgsbase), &T::write_segment_base, kGs},
    {0xc7, "xsavec", operands("M"), reg(4) | prefix_none | memory_only | needs(Feature::kXsavec), &T::extended_save, 2},
    {0xc7, "xrstors", operands("M"), reg(3) | prefix_none | memory_only | needs(Feature::kXsaves), &T::save_state, as(HelperId::xrstors)},
    {0xc7, "xsaves", operands("M"), reg(5) | prefix_none | memory_only | needs(Feature::kXsaves), &T::extended_save, 3},
    {0xc7, "rdrand", operands("Rv"), reg(6) | prefix_none | register_only | needs(Feature::kRdrand), &T::random},
    {0xc7, "rdrand", operands("Rv"), reg(6) | prefix_66 | register_only | needs(Feature::kRdrand), &T::random},
    {0xc7, "rdseed", operands("Rv"), reg(7) | prefix_none | register_only | needs(Feature::kRdseed), &T::random},
    {0xc7, "rdseed", operands("Rv"), reg(7) | prefix_66 | register_only | needs(Feature::kRdseed), &T::random},
    {0xc7, "rdpid", operands("Rn"), reg(7) | prefix_f3 | register_only | needs(Feature::kRdpid), &T::read_processor_id},
};
// clang-format on

}  // namespace

std::span<const Row> system_rows() { return kRows; }

}  // namespace vireo::i386
