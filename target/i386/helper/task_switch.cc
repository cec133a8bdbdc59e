// Hardware task switches (SDM volume 3, chapter 7).

#include "target/i386/helper/task_switch.h"

#include "target/i386/cpu/mode.h"
#include "target/i386/helper/control.h"
#include "target/i386/helper/memory.h"
#include "target/i386/helper/raise.h"
#include "target/i386/helper/segmentation.h"

namespace vireo::i386 {
namespace {

constexpr uint16_t kTssBusyBit = 2;

/// What a TSS holds of a task, in either format (SDM volume 3, figures 7-2 and 7-10).
struct TaskState {
  uint64_t cr3 = 0;
  uint32_t ip = 0;
  uint32_t flags = 0;
  uint32_t general[8] = {};
  uint16_t selectors[kSegmentCount] = {};
  uint16_t ldt = 0;
  bool traps = false;
};

struct Layout {
  unsigned ip, flags, general, segments, segment_count, ldt, size, width;
};
constexpr Layout kLayout16 = {0x0e, 0x10, 0x12, 0x22, 4, 0x2a, 0x2c, 2};
constexpr Layout kLayout32 = {0x20, 0x24, 0x28, 0x48, 6, 0x60, 0x68, 4};

const Layout& layout_of(uint8_t type) { return type & 8 ? kLayout32 : kLayout16; }

void save_old_task(CpuState& state, uint32_t ip, uint32_t flags) {
  const Layout& layout = layout_of(state.tr.attributes & 0xf);
  const uint64_t base = state.tr.base;
  const auto put = [&](unsigned offset, uint32_t value, unsigned size) {
    write_sized(state, base + offset, size, value, Privilege::kSystem);
  };
  put(layout.ip, ip, layout.width);
  put(layout.flags, flags, layout.width);
  for (unsigned i = 0; i < 8; ++i)
    put(layout.general + i * layout.width, static_cast<uint32_t>(state.frame.general[i]),
        layout.width);
  for (unsigned i = 0; i < layout.segment_count; ++i)
    put(layout.segments + i * layout.width, state.segments[i].selector, 2);
}

TaskState load_task(CpuState& state, uint64_t base, uint8_t type) {
  const Layout& layout = layout_of(type);
  const auto get = [&](unsigned offset, unsigned size) {
    return static_cast<uint32_t>(read_sized(state, base + offset, size, Privilege::kSystem));
  };
  TaskState task;
  if (type & 8) {
    task.cr3 = get(0x1c, 4);
    task.traps = get(0x64, 2) & 1;
  }
  task.ip = get(layout.ip, layout.width);
  task.flags = get(layout.flags, layout.width);
  for (unsigned i = 0; i < 8; ++i)
    task.general[i] = get(layout.general + i * layout.width, layout.width);
  for (unsigned i = 0; i < layout.segment_count; ++i)
    task.selectors[i] = static_cast<uint16_t>(get(layout.segments + i * layout.width, 2));
  task.ldt = static_cast<uint16_t>(get(layout.ldt, 2));
  return task;
}

Descriptor read_tss(CpuState& state, uint16_t selector, bool wants_busy) {
  const uint8_t vector = wants_busy ? kTs : kGp;
  const uint32_t error = selector_error(state, selector);
  if (is_null(selector) || (selector & 4)) raise_exception(state, vector, error);
  Descriptor tss = read_descriptor(state, selector, vector);
  const uint8_t wanted = wants_busy ? kBusyTss16 : kTss16;
  if (tss.is_memory() || (tss.type() & 7) != wanted) raise_exception(state, vector, error);
  if (!tss.present()) raise_exception(state, kNp, error);
  if (tss.limit() < layout_of(tss.type()).size - 1) raise_exception(state, kTs, error);
  return tss;
}

void load_ldt(CpuState& state, uint16_t selector) {
  state.ldtr = Segment{};
  state.ldtr.selector = selector;
  if (is_null(selector)) return;
  if (selector & 4) raise_exception(state, kTs, selector_error(state, selector));
  const Descriptor ldt = read_descriptor(state, selector, kTs);
  if (!ldt.is_system(kLdt) || !ldt.present())
    raise_exception(state, kTs, selector_error(state, selector));
  state.ldtr = ldt.segment(selector);
}

// The new task's code and data segments are checked in its own context, with #TS.
void load_new_segments(CpuState& state, const TaskState& task) {
  const uint16_t cs = task.selectors[kCs];
  if (is_null(cs)) raise_exception(state, kTs, 0u);
  Descriptor code = read_descriptor(state, cs, kTs);
  const uint32_t error = selector_error(state, cs);
  const auto rpl = static_cast<uint8_t>(cs & 3);
  const bool allowed = code.is_conforming() ? code.dpl() <= rpl : code.dpl() == rpl;
  if (!code.is_code() || !allowed) raise_exception(state, kTs, error);
  if (!code.present()) raise_exception(state, kNp, error);
  state.cpl = rpl;
  state.segments[kSs] = check_stack_segment(state, task.selectors[kSs], rpl);
  commit_code_segment(state, cs, code, rpl);
  update_mode(state);
  for (const SegmentRegister index : {kEs, kDs, kFs, kGs}) {
    const bool loaded = guarded(state, [&] { load_segment(state, index, task.selectors[index]); });
    if (loaded) continue;
    const uint8_t vector = state.pending.vector == kGp ? uint8_t{kTs} : state.pending.vector;
    raise_exception(state, vector, state.pending.error_code);
  }
  if (task.ip > code.limit()) raise_gp(state, 0);
}

void install(CpuState& state, const TaskState& task, bool has_cr3) {
  if (has_cr3 && (state.cr0 & kCr0Pg)) load_cr3(state, task.cr3);
  state.frame.guest_ip = task.ip;
  set_eflags(state, task.flags);
  for (unsigned i = 0; i < 8; ++i) state.frame.general[i] = task.general[i];
  state.cr0 |= kCr0Ts;
  state.dr[7] &= ~uint64_t{0x55};  // local breakpoints
  // Selectors first: they are visible whatever faults while descriptors are loaded.
  for (unsigned i = 0; i < kSegmentCount; ++i) {
    state.segments[i] = Segment{};
    state.segments[i].selector = task.selectors[i];
  }
  state.ldtr = Segment{};
  if (task.flags & kVm) {
    for (unsigned i = 0; i < kSegmentCount; ++i)
      state.segments[i] = vm86_segment(task.selectors[i]);
    state.cpl = 3;
    update_mode(state);
    load_ldt(state, task.ldt);
    return;
  }
  state.cpl = static_cast<uint8_t>(task.selectors[kCs] & 3);
  update_mode(state);
  load_ldt(state, task.ldt);
  load_new_segments(state, task);
  update_mode(state);
}

}  // namespace

void switch_task(CpuState& state, uint16_t selector, TaskSwitchCause cause, uint64_t next_ip) {
  const bool is_return = cause == TaskSwitchCause::kReturn;
  const Descriptor tss = read_tss(state, selector, is_return);
  const Layout& old_layout = layout_of(state.tr.attributes & 0xf);
  // Everything that may fault in the old task's context comes first.
  probe_write(state, state.tr.base, old_layout.size, Privilege::kSystem);
  TaskState task = load_task(state, tss.base(), tss.type());
  if (cause == TaskSwitchCause::kCall) probe_write(state, tss.base(), 2, Privilege::kSystem);

  uint32_t old_flags = full_eflags(state);
  if (is_return) old_flags &= ~static_cast<uint32_t>(kNt);
  save_old_task(state, static_cast<uint32_t>(next_ip), old_flags);
  if (cause != TaskSwitchCause::kCall) {
    Descriptor old;
    if (find_descriptor(state, state.tr.selector, old)) set_busy(state, old, false);
  } else {
    write<uint16_t>(state, tss.base(), state.tr.selector, Privilege::kSystem);
    task.flags |= kNt;
  }
  if (!is_return) set_busy(state, tss, true);

  state.tr = tss.segment(selector);
  state.tr.attributes |= kTssBusyBit;
  install(state, task, tss.type() & 8);
  if (task.traps) {
    state.dr[6] |= 1u << 15;
    raise_exception(state, kDb);
  }
}

void return_to_previous_task(CpuState& state, uint64_t next_ip) {
  const auto link = read<uint16_t>(state, state.tr.base, Privilege::kSystem);
  switch_task(state, link, TaskSwitchCause::kReturn, next_ip);
}

}  // namespace vireo::i386
