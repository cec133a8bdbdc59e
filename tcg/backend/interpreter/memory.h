#pragma once

// Guest memory that the soft TLB has.

#include "tcg/backend/interpreter/machine.h"
#include "util/shared_access.h"

namespace vireo::tcg::interpreter {

/// The tag of an entry that other threads may withdraw meanwhile.
inline uint64_t tag_of(const TlbPlace& entry) {
  return __atomic_load_n(&entry.tag, __ATOMIC_RELAXED);
}

/// Where an access of `size` bytes goes in host memory if the TLB has it; else nullptr.
[[gnu::always_inline]] inline uint8_t* find(const Frame& frame, MemoryContext context, uint64_t va,
                                            unsigned size, bool write) {
  const TlbPlace entry = frame.tlb[context]->entry(va, write);
  const uint64_t offset = va - tag_of(entry);
  return offset <= kPageSize - size ? entry.host + offset : nullptr;
}

/// Go through a refill or the hooks.
template <class T>
const Operation* load_slowly(Machine& machine, uint64_t* values, const Operation* o, uint64_t va);
template <class T>
const Operation* store_slowly(Machine& machine, const Operation* o, uint64_t va, T value);

template <class T, unsigned kForm>
[[gnu::always_inline]] inline const Operation* load(Machine& machine, uint64_t* values,
                                                    const Operation* o) {
  uint64_t va = values[o->a] + o->imm;
  if constexpr (kForm & kIndexed) va += values[o->b] << o->aux;
  const uint8_t* host = find(frame_of(values), context_of(kForm & kUser), va, sizeof(T), false);
  if (!host) [[unlikely]]
    return load_slowly<T>(machine, values, o, va);
  values[o->result] = util::load_shared<T>(host);
  return o + 1;
}

template <class T, unsigned kForm>
[[gnu::always_inline]] inline const Operation* store(Machine& machine, uint64_t* values,
                                                     const Operation* o) {
  const T value = static_cast<T>(values[o->b]);
  uint64_t va = values[o->a] + o->imm;
  if constexpr (kForm & kIndexed) va += values[o->c] << o->aux;
  uint8_t* host = find(frame_of(values), context_of(kForm & kUser), va, sizeof(T), true);
  if (!host) [[unlikely]]
    return store_slowly<T>(machine, o, va, value);
  util::store_shared<T>(host, value);
  return o + 1;
}

}  // namespace vireo::tcg::interpreter
