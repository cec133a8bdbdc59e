#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string_view>

#include "util/result.h"

namespace vireo::util {

/// What `-d` can select; the names are those of QEMU's `-d help`.
enum LogItem : uint32_t {
  kLogInAsm = 1u << 0,        ///< Guest code of each translated block.
  kLogOp = 1u << 1,           ///< IR as the guest front end built it.
  kLogOpOpt = 1u << 2,        ///< IR after the passes.
  kLogOutAsm = 1u << 3,       ///< Generated host code.
  kLogInt = 1u << 4,          ///< Exceptions and interrupts.
  kLogExec = 1u << 5,         ///< Each block entered (links are off).
  kLogCpu = 1u << 6,          ///< CPU state before each block.
  kLogMmu = 1u << 7,          ///< TLB fills, page faults, TLB flushes.
  kLogGuestErrors = 1u << 8,  ///< What a guest does that hardware would not expect.
  kLogUnimp = 1u << 9,        ///< Guest features that are not there.
  kLogCpuReset = 1u << 10,    ///< CPU state at resets.
  kLogPcall = 1u << 11,       ///< Far jumps, calls and returns.
  kLogPage = 1u << 12,        ///< Guest memory map, whenever it changes.
  kLogDevice = 1u << 13,      ///< Accesses to device registers.
  kLogFpu = 1u << 14,         ///< x87 and vector registers with kLogCpu.
  kLogNoChain = 1u << 15,     ///< No links between blocks, so that kLogExec shows each.
  kLogInvalidMem = 1u << 16,  ///< Accesses that nothing answers.
  kLogPerf = 1u << 17,        ///< At the end: where the vCPUs spent their time.
};

/// The items that `-d` selected. Read on hot paths; written once at start and by the monitor's
/// `log`.
extern uint32_t log_mask;

inline bool log_enabled(uint32_t items) { return (log_mask & items) != 0; }

/// Selects items from a `-d` list ("in_asm,int"). Errors: an unknown name, with the nearest known
/// one.
Status set_log_items(std::string_view list);
/// Sends the log to `path` (`-D`) instead of standard error; "%d" stands for the process id.
Status set_log_file(std::string_view path);
/// Restricts address-based items to guest-virtual ranges ("0x1000..0x1fff,0x5000+0x100").
Status set_log_filter(std::string_view ranges);
/// Whether `-dfilter` (or its absence) lets `address` be logged.
bool log_address_selected(uint64_t address);
/// The `-d help` text, a line an item.
std::string log_help();

/// Writes `text` in one piece, with a line end if it has none.
void write_log(std::string_view text);

/// Writes to the log if one of `items` is on; formats nothing otherwise.
template <class... Args>
void log(uint32_t items, fmt::format_string<Args...> format, Args&&... args) {
  if (log_enabled(items)) write_log(fmt::format(format, std::forward<Args>(args)...));
}

/// A line on standard error for the user: "vireo: " and the text.
void warn(std::string_view text);

}  // namespace vireo::util
