// Handlers of guest memory operations: a look at the soft TLB, a refill, then the hooks.

#include <atomic>

#include "tcg/backend/interpreter/memory.h"

namespace vireo::tcg::interpreter {
namespace {

uint64_t address_of(const uint64_t* values, const Operation* o) { return values[o->a] + o->imm; }

/// As find(), after a refill if needed. Accesses that must be aligned and are not go to the hooks.
uint8_t* resolve(Machine& machine, const Operation* o, uint64_t va, unsigned size, bool write) {
  const bool misaligned = ((o->extra & kMemoryAligned) && (va & (size - 1))) ||
                          ((o->extra & kMemoryLocked) && (va & (size - 1)));
  if (misaligned) return nullptr;
  const MemoryContext context = context_of(o->extra & kMemoryUser);
  uint8_t* host = find(*machine.frame, context, va, size, write);
  if (host) return host;
  const Access access = write ? Access::kWrite : Access::kRead;
  if (!machine.config->hooks.refill(machine.frame, va, size, access, o->extra)) return nullptr;
  return find(*machine.frame, context, va, size, write);
}

MemoryOperation describe(const Operation* o) {
  const auto flags = static_cast<uint8_t>(o->extra & ~kMemoryHints);
  return {o->type, o->op, flags, static_cast<RmwKind>(o->aux), o->flags};
}

/// Where the bytes of a load are, in guest memory or in the bounce buffer.
const void* source_of(Machine& machine, const Operation* o, const MemoryOperation& operation,
                      uint64_t va, unsigned size) {
  if (const uint8_t* host = resolve(machine, o, va, size, false)) return host;
  machine.save(o);
  return machine.config->hooks.load(machine.frame, va, operation);
}
const void* source_of(Machine& machine, const Operation* o, uint64_t va, unsigned size) {
  return source_of(machine, o, describe(o), va, size);
}

template <class T>
const Operation* load_checked(Machine& machine, uint64_t* values, const Operation* o) {
  return load_slowly<T>(machine, values, o, address_of(values, o));
}
template <class T>
const Operation* store_checked(Machine& machine, uint64_t* values, const Operation* o) {
  return store_slowly<T>(machine, o, address_of(values, o), static_cast<T>(values[o->b]));
}

const Operation* load_vector(Machine& machine, uint64_t* values, const Operation* o) {
  VectorValue value;
  const unsigned size = size_of(o->type);
  std::memcpy(value.bytes, source_of(machine, o, address_of(values, o), size), size);
  set_vector(values, o->result, value);
  return o + 1;
}
const Operation* store_vector(Machine& machine, uint64_t* values, const Operation* o) {
  const void* bytes = values + o->b;
  const uint64_t va = address_of(values, o);
  if (uint8_t* host = resolve(machine, o, va, size_of(o->type), true)) {
    std::memcpy(host, bytes, size_of(o->type));
    return o + 1;
  }
  machine.save(o);
  machine.config->hooks.store(machine.frame, va, describe(o), bytes);
  return o + 1;
}

const Operation* probe(Machine& machine, uint64_t* values, const Operation* o) {
  const uint64_t va = address_of(values, o);
  if (resolve(machine, o, va, size_of(o->type), true)) return o + 1;
  machine.save(o);
  machine.config->hooks.store(machine.frame, va, describe(o), nullptr);
  return o + 1;
}

/// The operand of an x87 instruction.
struct X87Operand {
  uint64_t low = 0, high = 0;
};

const Operation* x87_load(Machine& machine, uint64_t* values, const Operation* o) {
  X87Operand operand;
  const unsigned size = size_of(o->type);
  MemoryOperation operation = describe(o);
  operation.op = Opcode::kLoad;
  const void* from = source_of(machine, o, operation, address_of(values, o), size);
  std::memcpy(&operand, from, size);
  machine.config->x87(machine.frame, o->aux, operand.low, operand.high);
  return o + 1;
}

// Nothing changes if the bytes cannot be written.
const Operation* x87_store(Machine& machine, uint64_t* values, const Operation* o) {
  const uint64_t va = address_of(values, o);
  const unsigned size = size_of(o->type);
  uint8_t* host = resolve(machine, o, va, size, true);
  MemoryOperation operation = describe(o);
  if (host == nullptr) {
    machine.save(o);
    operation.op = Opcode::kProbe;
    machine.config->hooks.store(machine.frame, va, operation, nullptr);
  }
  X87Operand operand;
  operand.low = machine.config->x87(machine.frame, o->aux, 0, 0);
  operand.high = machine.frame->helper_result;
  if (host != nullptr) {
    std::memcpy(host, &operand, size);
  } else {
    operation.op = Opcode::kStore;
    machine.config->hooks.store(machine.frame, va, operation, &operand);
  }
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

const Operation* finish_update(uint64_t* values, const Operation* o, uint64_t before) {
  values[o->result] = before;
  return o + 1;
}
const Operation* update_by_hook(Machine& machine, uint64_t* values, const Operation* o,
                                uint64_t va) {
  machine.save(o);
  const uint64_t before =
      machine.config->hooks.update(machine.frame, va, describe(o), values[o->b], values[o->c]);
  machine.restore_flags();
  return finish_update(values, o, before);
}

template <class T>
const Operation* read_modify_write(Machine& machine, uint64_t* values, const Operation* o) {
  const uint64_t va = address_of(values, o);
  uint8_t* host = resolve(machine, o, va, sizeof(T), true);
  if (!host) return update_by_hook(machine, values, o, va);
  const uint64_t operand = values[o->b];
  const auto kind = static_cast<RmwKind>(o->aux);
  uint32_t flags = machine.flags;
  const T before = update<T>(host, o->extra & kMemoryLocked, [&](T old) {
    const IntegerEvaluation result =
        evaluate_rmw(kind, o->type, old, operand, machine.flags, o->flags);
    flags = result.flags;
    return static_cast<T>(result.value);
  });
  machine.flags = flags;
  return finish_update(values, o, before);
}

template <class T>
const Operation* compare_exchange(Machine& machine, uint64_t* values, const Operation* o) {
  const uint64_t va = address_of(values, o);
  uint8_t* host = resolve(machine, o, va, sizeof(T), true);
  if (!host) return update_by_hook(machine, values, o, va);
  const T expected = static_cast<T>(values[o->b]);
  const T replacement = static_cast<T>(values[o->c]);
  const T before = update<T>(host, o->extra & kMemoryLocked,
                             [&](T old) { return old == expected ? replacement : old; });
  machine.flags = evaluate_compare(o->type, expected, before, machine.flags, o->flags);
  return finish_update(values, o, before);
}

const Operation* prefetch(Machine&, uint64_t*, const Operation* o) { return o + 1; }

const Operation* fence(Machine&, uint64_t*, const Operation* o) {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  return o + 1;
}

template <class T>
Handler handler_for(Opcode op) {
  switch (op) {
    case Opcode::kLoad:
      return load_checked<T>;
    case Opcode::kStore:
      return store_checked<T>;
    case Opcode::kRmw:
      return read_modify_write<T>;
    default:
      return compare_exchange<T>;
  }
}

}  // namespace

template <class T>
const Operation* load_slowly(Machine& machine, uint64_t* values, const Operation* o, uint64_t va) {
  values[o->result] = util::load_shared<T>(source_of(machine, o, va, sizeof(T)));
  return o + 1;
}

template <class T>
const Operation* store_slowly(Machine& machine, const Operation* o, uint64_t va, T value) {
  if (uint8_t* host = resolve(machine, o, va, sizeof(T), true)) {
    util::store_shared<T>(host, value);
    return o + 1;
  }
  machine.save(o);
  machine.config->hooks.store(machine.frame, va, describe(o), &value);
  return o + 1;
}

#define X(T)                                                                                 \
  template const Operation* load_slowly<T>(Machine&, uint64_t*, const Operation*, uint64_t); \
  template const Operation* store_slowly<T>(Machine&, const Operation*, uint64_t, T);
X(uint8_t)
X(uint16_t)
X(uint32_t)
X(uint64_t)
#undef X

Handler memory_handler(const Inst& inst) {
  if (inst.op == Opcode::kFence) return fence;
  if (inst.op == Opcode::kPrefetch) return prefetch;
  if (inst.op == Opcode::kProbe) return probe;
  if (inst.op == Opcode::kX87Load) return x87_load;
  if (inst.op == Opcode::kX87Store) return x87_store;
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
