// Listings of translations, and the lines of -d that tell of a vCPU's steps.

#include "accel/tcg/trace.h"

#include <fmt/format.h>

#include <algorithm>

#include "accel/guest_cpu.h"
#include "accel/tcg/accelerator.h"
#include "accel/tcg/vcpu.h"
#include "tcg/ir/printer.h"
#include "util/disassemble.h"
#include "util/log.h"

namespace vireo::accel {

namespace {

bool wanted(uint32_t item, const CodePosition& at) {
  return util::log_enabled(item) && util::log_address_selected(at.linear);
}

const char* access_name(tcg::Access access) {
  return access == tcg::Access::kRead    ? "read"
         : access == tcg::Access::kWrite ? "write"
                                         : "execute";
}

}  // namespace

// Only a block's last bytes may lie on a second page.
std::vector<std::byte> read_guest_code(CodeReader& code, uint64_t linear, size_t size) {
  std::vector<std::byte> bytes;
  while (size > 0) {
    const auto part = code.bytes_at(linear);
    if (part.empty()) break;
    const auto taken = part.first(std::min(part.size(), size));
    bytes.insert(bytes.end(), taken.begin(), taken.end());
    linear += taken.size();
    size -= taken.size();
  }
  return bytes;
}

std::string list_guest_code(util::InstructionSet set, std::span<const std::byte> code,
                            uint64_t linear) {
  std::string text = "IN:\n";
  for (const auto& insn : util::disassemble(set, code, linear)) text += util::to_line(insn);
  return text;
}

std::string list_host_code(const tcg::Backend& backend, const tcg::TranslatedBlock& block,
                           const CodePosition& position) {
  const uint64_t code_base = position.ip - block.guest_ip();
  const auto code = backend.host_code(block);
  if (code.empty()) return "OUT: interpreted\n";
  const auto start = reinterpret_cast<uint64_t>(code.data());
  std::string text = fmt::format("OUT: [size={}]\n", code.size());
  size_t at = 0;
  const auto list_up_to = [&](size_t end) {
    const auto part = code.subspan(at, end - at);
    for (const auto& insn : util::disassemble(util::host_instruction_set(), part, start + at))
      text += util::to_line(insn);
    at = end;
  };
  for (const tcg::CodeMark& mark : backend.code_marks(block)) {
    list_up_to(mark.host_offset);
    if (mark.data_bytes == 0) {
      text += fmt::format("  -- guest addr {:#018x}\n", code_base + mark.guest_ip);
      continue;
    }
    const auto data = code.subspan(at, mark.data_bytes);
    text += util::to_line({.address = start + at, .bytes = data, .text = ".data"});
    at += mark.data_bytes;
  }
  list_up_to(code.size());
  return text;
}

void log_guest_code(const GuestCpu& cpu, CodeReader& code, const CodePosition& at,
                    uint32_t guest_size) {
  if (!wanted(util::kLogInAsm, at)) return;
  const auto bytes = read_guest_code(code, at.linear, guest_size);
  util::write_log("----------------\n" +
                  list_guest_code(cpu.instruction_set(at.mode), bytes, at.linear) + "\n");
}

void log_ir(uint32_t item, const tcg::Block& ir, const CodePosition& at) {
  if (!wanted(item, at)) return;
  const char* title = item == util::kLogOp ? "OP" : "OP after optimization";
  util::write_log(fmt::format("{} at {:#x}:\n{}\n", title, at.ip, tcg::to_string(ir)));
}

void log_host_code(const tcg::Backend& backend, const tcg::TranslatedBlock& block,
                   const CodePosition& at) {
  if (!wanted(util::kLogOutAsm, at)) return;
  util::write_log(list_host_code(backend, block, at) + "\n");
}

void TcgVcpu::log_entry(const tcg::TranslatedBlock& block) const {
  const CodePosition at = cpu_.position();
  if (!util::log_address_selected(at.linear)) return;
  util::log(util::kLogExec, "Trace {}: {} [{:08x}/{:016x}/{:08x}] {} instructions\n", index_,
            static_cast<const void*>(accelerator_.backend().host_code(block).data()),
            at.linear - at.ip, at.ip, at.mode, block.guest_insns);
  if (util::log_enabled(util::kLogCpu)) cpu_.dump(util::log_enabled(util::kLogFpu));
}

void TcgVcpu::log_fill(uint64_t va, unsigned size, tcg::Access access, uint8_t flags) {
  const char* who = (flags & tcg::kMemoryUser) != 0 ? "user" : "supervisor";
  PageWalk walk;
  if (!cpu_.walk(va, access, flags, walk)) {
    util::write_log(fmt::format("mmu: {} {} of {:#x} faults: v={:02x} e={:04x}\n", who,
                                access_name(access), va, walk.vector, walk.error));
  } else if (access == tcg::Access::kExecute || refill(va, size, access, flags)) {
    util::write_log(fmt::format("mmu: {} {} fills {:#x} -> {:#x}{}{}\n", who, access_name(access),
                                tcg::page_of(va), walk.physical, walk.writable ? " writable" : "",
                                walk.global ? " global" : ""));
  }
}

}  // namespace vireo::accel
