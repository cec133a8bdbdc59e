#pragma once

// Exits from one block to the next: a direct one goes to the linked block, an indirect one to what
// the jump cache has, without leaving run(). The call/return stack is not used: for an interpreter
// it saves nothing over the jump cache.

#include "tcg/backend/interpreter/machine.h"
#include "tcg/ir/evaluate_integer.h"

namespace vireo::tcg::interpreter {

// What other threads write.

inline bool is_valid(const TranslatedBlock& block) {
  return __atomic_load_n(&block.valid, __ATOMIC_RELAXED);
}
inline const TranslatedBlock* linked(const Program& program, unsigned slot) {
  return __atomic_load_n(&program.links[slot], __ATOMIC_ACQUIRE);
}

inline bool is_mapped(const Frame& frame, const CodePage& page, uint64_t guest_ip) {
  return frame.code_pages[code_page_slot(page.number)] == code_page_mapping(page, guest_ip);
}

/// Whether `to`, which begins at Frame::guest_ip, is in the page that runs now, at the same
/// address.
inline bool stays_in_page(const Machine& machine, const TranslatedBlock* to) {
  return to->page == machine.program->page &&
         (!to->page->relocatable || page_of(machine.frame->guest_ip) == machine.code_base);
}

/// Whether `to` may be entered from the current block at Frame::guest_ip: still valid, and its
/// pages mapped there. The page that runs now needs no look.
[[gnu::always_inline]] inline bool enterable(const Machine& machine, const TranslatedBlock* to) {
  if (!is_valid(*to)) return false;
  const Frame& frame = *machine.frame;
  const CodePage* second = program_of(to)->second;
  if (second != nullptr && !is_mapped(frame, *second, frame.guest_ip + kPageSize)) return false;
  return stays_in_page(machine, to) || is_mapped(frame, *to->page, frame.guest_ip);
}

/// Makes the program of `to`, which begins at Frame::guest_ip, the current one.
[[gnu::always_inline]] inline void select(Machine& machine, const TranslatedBlock* to) {
  machine.program = program_of(to);
  const bool relocatable = to->page->relocatable;
  if (relocatable) machine.frame->code_base = page_of(machine.frame->guest_ip);
  machine.code_base = relocatable ? machine.frame->code_base : 0;
  machine.ip_mask = relocatable ? to->page->ip_mask : ~uint64_t{0};
}

[[gnu::always_inline]] inline const Operation* enter(Machine& machine, const TranslatedBlock* to) {
  if (stays_in_page(machine, to)) {
    machine.program = program_of(to);
  } else {
    select(machine, to);
  }
  return machine.program->operations.data();
}

[[gnu::always_inline]] inline const Operation* go_direct(Machine& machine, const Operation* o) {
  machine.show_ip(o->imm);
  if (machine.frame->is_kicked()) return machine.exit(ExitReason::kPoll);
  if (machine.config->link_blocks) {
    const TranslatedBlock* to = linked(*machine.program, o->extra);
    if (to && enterable(machine, to)) return enter(machine, to);
    machine.last = machine.program;
    machine.slot = o->extra;
  }
  return machine.exit(ExitReason::kLookup);
}

[[gnu::always_inline]] inline const Operation* exit_indirect(Machine& machine,
                                                             const uint64_t* values,
                                                             const Operation* o) {
  const uint64_t target = values[o->a];
  machine.frame->guest_ip = target;
  if (machine.frame->is_kicked()) return machine.exit(ExitReason::kPoll);
  if (machine.config->link_blocks && machine.frame->jump_cache) {
    const JumpTarget& entry = machine.frame->jump_cache[jump_cache_index(target)];
    const auto* to = static_cast<const TranslatedBlock*>(entry.code);
    if (to && entry.guest_ip == target && enterable(machine, to)) return enter(machine, to);
  }
  return machine.exit(ExitReason::kLookup);
}

}  // namespace vireo::tcg::interpreter
