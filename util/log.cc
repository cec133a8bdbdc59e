// The log behind -d, -D and -dfilter: one mask read on hot paths, one lock around the output.
#include "util/log.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <span>
#include <vector>

#include "util/text.h"

namespace vireo::util {

uint32_t log_mask = 0;

namespace {

struct ItemRow {
  std::string_view name;
  uint32_t item;
  std::string_view help;
};

constexpr ItemRow kItems[] = {
    {"in_asm", kLogInAsm, "guest code of each translated block"},
    {"op", kLogOp, "intermediate code of each block, as built"},
    {"op_opt", kLogOpOpt, "intermediate code after optimisation"},
    {"out_asm", kLogOutAsm, "generated host code of each block"},
    {"int", kLogInt, "exceptions and interrupts"},
    {"exec", kLogExec, "each block that is entered (at start: as with nochain)"},
    {"cpu", kLogCpu, "CPU state before each block (at start: as with nochain)"},
    {"fpu", kLogFpu, "x87 and vector registers with 'cpu'"},
    {"mmu", kLogMmu, "TLB fills, page faults and TLB flushes"},
    {"guest_errors", kLogGuestErrors, "what the guest does that hardware would not expect"},
    {"unimp", kLogUnimp, "guest features that are not there"},
    {"cpu_reset", kLogCpuReset, "CPU state at resets"},
    {"pcall", kLogPcall, "far jumps, calls and returns"},
    {"page", kLogPage, "the guest memory map, whenever it changes"},
    {"nochain", kLogNoChain, "leave blocks unlinked, so that 'exec' and 'cpu' show every one"},
    {"invalid_mem", kLogInvalidMem, "memory and port accesses that nothing answers"},
    {"device", kLogDevice, "accesses to device registers"},
    {"perf", kLogPerf,
     "at the end, where the time went, with the hottest blocks (from the start only)"},
};

struct AddressRange {
  uint64_t first;
  uint64_t last;
};

struct LogOutput {
  std::mutex mutex;
  std::FILE* file = stderr;
  std::vector<AddressRange> filter;
};

LogOutput& output() {
  static LogOutput* const instance = new LogOutput;  // outlives static destructors that still log
  return *instance;
}

Result<uint32_t> find_item(std::string_view name) {
  if (name == "all") return ~uint32_t{0};
  std::vector<std::string_view> names;
  for (const ItemRow& row : kItems) {
    if (row.name == name) return row.item;
    names.push_back(row.name);
  }
  return Error(ErrorCode::kInvalidArgument,
               fmt::format("unknown log item '{}'{}; '-d help' lists them", name,
                           did_you_mean(name, names)));
}

Result<AddressRange> parse_range(std::string_view text) {
  const auto bad = [&](std::string_view why) {
    return Error(ErrorCode::kInvalidArgument, fmt::format("bad address range '{}': {}", text, why));
  };
  const size_t dots = text.find("..");
  const size_t sign = text.find_first_of("+-");
  const size_t cut = dots != text.npos ? dots : sign;
  if (cut == text.npos) return bad("write FIRST..LAST, FIRST+LENGTH or LAST-LENGTH");
  const auto left = parse_number(text.substr(0, cut));
  const auto right = parse_number(text.substr(cut + (dots != text.npos ? 2 : 1)));
  if (!left) return bad(left.error().message());
  if (!right) return bad(right.error().message());
  if (dots != text.npos) {
    if (*left > *right) return bad("it ends before it starts");
    return AddressRange{*left, *right};
  }
  if (*right == 0) return bad("its length is 0");
  if (text[cut] == '+') {
    const uint64_t room = ~uint64_t{0} - *left;
    return AddressRange{*left, *left + std::min(room, *right - 1)};
  }
  return AddressRange{*left >= *right ? *left - (*right - 1) : 0, *left};
}

}  // namespace

Status set_log_items(std::string_view list) {
  uint32_t mask = 0;
  if (!list.empty() && list != "none") {
    for (const std::string_view name : split(list, ',')) {
      VIREO_TRY_ASSIGN(item, find_item(name));
      mask |= item;
    }
  }
  log_mask = mask;
  return {};
}

Status set_log_file(std::string_view path) {
  std::string name(path);
  if (const size_t at = name.find("%d"); at != name.npos)
    name.replace(at, 2, std::to_string(getpid()));
  std::FILE* file = std::fopen(name.c_str(), "we");
  if (!file)
    return Error(ErrorCode::kIo,
                 fmt::format("cannot open log file '{}': {}", name, strerror(errno)));
  std::setvbuf(file, nullptr, _IOLBF, 0);
  std::lock_guard lock(output().mutex);
  if (output().file != stderr) std::fclose(output().file);
  output().file = file;
  return {};
}

Status set_log_filter(std::string_view ranges) {
  std::vector<AddressRange> filter;
  for (const std::string_view text : split(ranges, ',')) {
    VIREO_TRY_ASSIGN(range, parse_range(text));
    filter.push_back(range);
  }
  output().filter = std::move(filter);
  return {};
}

bool log_address_selected(uint64_t address) {
  const auto& filter = output().filter;
  if (filter.empty()) return true;
  for (const AddressRange& range : filter) {
    if (address >= range.first && address <= range.last) return true;
  }
  return false;
}

std::string log_help() {
  std::string text = "Log items (comma separated):\n";
  for (const ItemRow& row : kItems) text += fmt::format("{:<15} {}\n", row.name, row.help);
  return text + fmt::format("{:<15} {}\n", "all", "all of these");
}

void write_log(std::string_view text) {
  LogOutput& out = output();
  std::lock_guard lock(out.mutex);
  std::fwrite(text.data(), 1, text.size(), out.file);
  if (text.empty() || text.back() != '\n') std::fputc('\n', out.file);
}

void warn(std::string_view text) {
  const std::string line = fmt::format("vireo: {}\n", text);
  std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace vireo::util
