// Handlers of guest memory operations: the inline check of the soft TLB, then the hooks.

#include <atomic>

#include "tcg/backend/interpreter/machine.h"
#include "util/shared_access.h"

namespace vireo::tcg::interpreter {
namespace {

uint64_t address_of(const Machine& machine, const Operation* o) {
  return machine.values[o->a] + o->imm;
}

/// Where an access of `size` bytes goes in host memory if the TLB has it; else nullptr.
uint8_t* find(const Frame& frame, const Operation* o, uint64_t va, unsigned size, bool write) {
  const unsigned context = o->extra & kMemoryUser ? kContextUser : kContextKernel;
  const TlbEntry& entry = frame.tlb[context][tlb_index(va)];
  // Other threads may withdraw the entry meanwhile.
  const uint64_t& tag = write ? entry.tag_write : entry.tag_read;
  const uint64_t offset = va - __atomic_load_n(&tag, __ATOMIC_RELAXED);
  return offset <= kPageSize - size ? entry.host + offset : nullptr;
}

/// The same, after a refill if needed. Accesses that must be aligned and are not go to the hooks.
uint8_t* resolve(Machine& machine, const Operation* o, uint64_t va, unsigned size, bool write) {
  const bool misaligned = ((o->extra & kMemoryAligned16) && (va & 15)) ||
                          ((o->extra & kMemoryLocked) && (va & (size - 1)));
  if (misaligned) return nullptr;
  uint8_t* host = find(*machine.frame, o, va, size, write);
  if (host) return host;
  const Access access = write ? Access::kWrite : Access::kRead;
  if (!machine.config->hooks.refill(machine.frame, va, size, access, o->extra)) return nullptr;
  return find(*machine.frame, o, va, size, write);
}

MemoryOperation describe(const Operation* o) {
  return {o->type, o->op, o->extra, static_cast<RmwKind>(o->aux), o->flags};
}

/// Where the bytes of a load are, in guest memory or in the bounce buffer.
const void* source_of(Machine& machine, const Operation* o, unsigned size) {
  const uint64_t va = address_of(machine, o);
  if (const uint8_t* host = resolve(machine, o, va, size, false)) return host;
  machine.save_flags();
  return machine.config->hooks.load(machine.frame, va, describe(o));
}

template <class T>
const Operation* load(Machine& machine, const Operation* o) {
  machine.values[o->result] = util::load_shared<T>(source_of(machine, o, sizeof(T)));
  return o + 1;
}
const Operation* load_vector(Machine& machine, const Operation* o) {
  VectorValue value;
  std::memcpy(value.bytes, source_of(machine, o, size_of(o->type)), size_of(o->type));
  machine.set_vector(o->result, value);
  return o + 1;
}

template <class T>
const Operation* store(Machine& machine, const Operation* o) {
  const T value = static_cast<T>(machine.values[o->b]);
  const uint64_t va = address_of(machine, o);
  if (uint8_t* host = resolve(machine, o, va, sizeof(T), true)) {
    util::store_shared<T>(host, value);
    return o + 1;
  }
  machine.save_flags();
  machine.config->hooks.store(machine.frame, va, describe(o), &value);
  return o + 1;
}
const Operation* store_vector(Machine& machine, const Operation* o) {
  const void* bytes = machine.values + o->b;
  const uint64_t va = address_of(machine, o);
  if (uint8_t* host = resolve(machine, o, va, size_of(o->type), true)) {
    std::memcpy(host, bytes, size_of(o->type));
    return o + 1;
  }
  machine.save_flags();
  machine.config->hooks.store(machine.frame, va, describe(o), bytes);
  return o + 1;
}

const Operation* probe(Machine& machine, const Operation* o) {
  const uint64_t va = address_of(machine, o);
  if (resolve(machine, o, va, size_of(o->type), true)) return o + 1;
  machine.save_flags();
  machine.config->hooks.store(machine.frame, va, describe(o), nullptr);
  return o + 1;
}

/// Replaces *host by what `next` makes of it, atomically if asked; returns what it was.
template <class T, class Next>
T update(uint8_t* host, bool locked, Next next) {
  T before = util::load_shared<T>(host);
  if (!locked) {
    util::store_shared<T>(host, next(before));
    return before;
  }
  T* place = reinterpret_cast<T*>(host);
  while (!__atomic_compare_exchange_n(place, &before, next(before), false, __ATOMIC_SEQ_CST,
                                      __ATOMIC_SEQ_CST)) {
  }
  return before;
}

const Operation* finish_update(Machine& machine, const Operation* o, uint64_t before) {
  machine.values[o->result] = before;
  return o + 1;
}
const Operation* update_by_hook(Machine& machine, const Operation* o, uint64_t va) {
  const uint64_t* values = machine.values;
  machine.save_flags();
  const uint64_t before =
      machine.config->hooks.update(machine.frame, va, describe(o), values[o->b], values[o->c]);
  machine.restore_flags();
  return finish_update(machine, o, before);
}

template <class T>
const Operation* read_modify_write(Machine& machine, const Operation* o) {
  const uint64_t va = address_of(machine, o);
  uint8_t* host = resolve(machine, o, va, sizeof(T), true);
  if (!host) return update_by_hook(machine, o, va);
  const uint64_t operand = machine.values[o->b];
  const auto kind = static_cast<RmwKind>(o->aux);
  uint32_t flags = machine.flags;
  const T before = update<T>(host, o->extra & kMemoryLocked, [&](T old) {
    const IntegerEvaluation result =
        evaluate_rmw(kind, o->type, old, operand, machine.flags, o->flags);
    flags = result.flags;
    return static_cast<T>(result.value);
  });
  machine.flags = flags;
  return finish_update(machine, o, before);
}

template <class T>
const Operation* compare_exchange(Machine& machine, const Operation* o) {
  const uint64_t va = address_of(machine, o);
  uint8_t* host = resolve(machine, o, va, sizeof(T), true);
  if (!host) return update_by_hook(machine, o, va);
  const T expected = static_cast<T>(machine.values[o->b]);
  const T replacement = static_cast<T>(machine.values[o->c]);
  const T before = update<T>(host, o->extra & kMemoryLocked,
                             [&](T old) { return old == expected ? replacement : old; });
  machine.flags = evaluate_compare(o->type, expected, before, machine.flags, o->flags);
  return finish_update(machine, o, before);
}

const Operation* fence(Machine&, const Operation* o) {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  return o + 1;
}

template <class T>
Handler handler_for(Opcode op) {
  switch (op) {
    case Opcode::kLoad:
      return load<T>;
    case Opcode::kStore:
      return store<T>;
    case Opcode::kRmw:
      return read_modify_write<T>;
    default:
      return compare_exchange<T>;
  }
}

}  // namespace

Handler memory_handler(const Inst& inst) {
  if (inst.op == Opcode::kFence) return fence;
  if (inst.op == Opcode::kProbe) return probe;
  if (inst.op < Opcode::kLoad || inst.op > Opcode::kCompareExchange) return nullptr;
  switch (inst.type) {
    case Type::kI8:
      return handler_for<uint8_t>(inst.op);
    case Type::kI16:
      return handler_for<uint16_t>(inst.op);
    case Type::kI32:
      return handler_for<uint32_t>(inst.op);
    case Type::kI64:
      return handler_for<uint64_t>(inst.op);
    default:
      return inst.op == Opcode::kLoad ? load_vector : store_vector;
  }
}

}  // namespace vireo::tcg::interpreter
