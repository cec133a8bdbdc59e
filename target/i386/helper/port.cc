// Port I/O and its permissions (SDM volume 1, chapter 18).

#include "target/i386/helper/port.h"

#include "target/i386/cpu/mode.h"
#include "target/i386/helper/debug.h"
#include "target/i386/helper/functions.h"
#include "target/i386/helper/memory.h"
#include "target/i386/helper/raise.h"

namespace vireo::i386 {

namespace {

constexpr uint32_t kIoTrapValid = 1u << 1;

void check_permission(CpuState& state, uint16_t port, unsigned width) {
  if (!(state.cr0 & kCr0Pe)) return;
  if (!in_vm86(state) && state.cpl <= iopl(state)) return;
  constexpr unsigned kMapBase = 0x66;
  const bool is_32bit = (state.tr.attributes & 0x80) && (state.tr.attributes & 8);
  if (!is_32bit || state.tr.limit < kMapBase + 1) raise_gp(state, 0);
  const auto map = read<uint16_t>(state, state.tr.base + kMapBase, Privilege::kSystem);
  // Two bytes are read always, since an access may straddle them.
  const uint32_t offset = map + port / 8u;
  if (offset + 1 > state.tr.limit) raise_gp(state, 0);
  const auto bits = read<uint16_t>(state, state.tr.base + offset, Privilege::kSystem);
  if (bits >> (port % 8) & ((1u << width) - 1)) raise_gp(state, 0);
}

}  // namespace

void check_port(CpuState& state, uint16_t port, unsigned width) {
  check_permission(state, port, width);
  if (state.mode & kModeBreakpoints) watch_port(state, port, width);
}

// The SMI follows at once, so a handler may repeat the instruction. One that comes while another is
// handled waits longer.
void write_port(CpuState& state, uint16_t port, unsigned width, uint32_t value, uint32_t how) {
  const auto& general = state.frame.general;
  const IoTrap trap{.info = uint32_t{port} << 16 | width << 4 | how | kIoTrapValid,
                    .ip = state.frame.guest_ip,
                    .rcx = general[kRcx],
                    .rsi = general[kRsi],
                    .rdi = general[kRdi]};
  const bool waited = has_request(state, kSmiRequest);
  state.machine->write_port(port, width, value);
  const bool raised = !waited && has_request(state, kSmiRequest) && !state.smm.active;
  if (raised) state.smm.io = trap;
}

uint64_t helper_port_in(tcg::Frame* frame, uint64_t a, uint64_t b, uint64_t) {
  CpuState& state = cpu_state(frame);
  const auto port = static_cast<uint16_t>(a);
  const auto width = static_cast<unsigned>(b);
  check_port(state, port, width);
  return state.machine->read_port(port, width);
}

uint64_t helper_port_out(tcg::Frame* frame, uint64_t a, uint64_t b, uint64_t c) {
  CpuState& state = cpu_state(frame);
  const auto port = static_cast<uint16_t>(a);
  const auto width = static_cast<unsigned>(b);
  check_port(state, port, width);
  write_port(state, port, width, static_cast<uint32_t>(c));
  return 0;
}

}  // namespace vireo::i386
