// Writing down what the reference does, and holding the subject to it.

#include "tcg/backend/lockstep/session.h"

#include <fmt/format.h>

#include <array>
#include <cstring>
#include <utility>

#include "tcg/ir/evaluate.h"
#include "tcg/runtime/leave.h"
#include "util/bits.h"

namespace vireo::tcg::lockstep {
namespace {

thread_local Session* current = nullptr;

bool same_operation(const MemoryOperation& a, const MemoryOperation& b) {
  return a.type == b.type && a.op == b.op && a.flags == b.flags &&
         (a.op != Opcode::kRmw || a.rmw == b.rmw);
}

/// The bits of an update's operand that have a meaning.
uint64_t operand_mask(const MemoryOperation& operation) {
  const uint64_t whole = util::low_mask(bits_of(operation.type));
  if (operation.op != Opcode::kRmw) return whole;
  if (operation.rmw == RmwKind::kNot || operation.rmw == RmwKind::kNeg) return 0;
  return operation.rmw >= RmwKind::kShl && operation.rmw <= RmwKind::kRcr ? 0xff : whole;
}
/// And of what a comparison would store.
uint64_t replacement_mask(const MemoryOperation& operation) {
  const bool compares = operation.op == Opcode::kCompareExchange;
  return compares ? util::low_mask(bits_of(operation.type)) : 0;
}

}  // namespace

SessionScope::SessionScope(Session* session) { current = session; }
SessionScope::~SessionScope() { current = nullptr; }

// ---- What the backends are made with

// A refill runs while guest vector registers are live: it does nothing, so that the full hook
// comes.
Hooks Session::hooks() {
  return {
      .refill = [](Frame*, uint64_t, unsigned, Access, uint8_t) { return false; },
      .load = [](Frame*, uint64_t va,
                 const MemoryOperation& operation) { return current->load(va, operation); },
      .store = [](Frame*, uint64_t va, const MemoryOperation& operation,
                  const void* value) { current->store(va, operation, value); },
      .update =
          [](Frame*, uint64_t va, const MemoryOperation& operation, uint64_t operand,
             uint64_t replacement) { return current->update(va, operation, operand, replacement); },
      .divide_error = [](Frame*) { current->fault(Kind::kDivideError); },
      .simd_exception = [](Frame*) { current->fault(Kind::kSimdException); },
  };
}

template <size_t Index>
uint64_t Session::helper_stand_in(Frame*, uint64_t a, uint64_t b, uint64_t c) {
  return current->call(Index, a, b, c);
}

std::span<const Helper> Session::helpers(size_t count) {
  static constexpr auto kStandIns = []<size_t... I>(std::index_sequence<I...>) {
    return std::array<Helper, sizeof...(I)>{Helper{"stand-in", &helper_stand_in<I>}...};
  }
  (std::make_index_sequence<kMaximumHelpers>());
  return std::span(kStandIns).first(count);
}

// ---- A block's course

void Session::note_tlb() {
  real_tlb_[kTlbKernel] = frame_->kernel_tlb[0];
  real_tlb_[kTlbKernelOnUser] = frame_->kernel_tlb[1];
  real_tlb_[kTlbUser] = frame_->tlb[kContextUser];
}

void Session::set_tlb(bool real) {
  const unsigned in_use = kernel_tlb_in_use(*frame_);
  const auto tlb = [&](TlbName name) { return real ? real_tlb_[name] : memory_.tlb(name); };
  frame_->kernel_tlb[0] = tlb(kTlbKernel);
  frame_->kernel_tlb[1] = tlb(kTlbKernelOnUser);
  frame_->tlb[kContextKernel] = frame_->kernel_tlb[in_use];
  frame_->tlb[kContextUser] = tlb(kTlbUser);
  frame_->forget_stack_pages();
}

uint8_t Session::requests() const {
  const auto* state = reinterpret_cast<const uint8_t*>(frame_);
  return asynchronous_byte_ == 0 ? 0
                                 : __atomic_load_n(state + asynchronous_byte_, __ATOMIC_SEQ_CST);
}

void Session::begin_reference(Frame* frame, const Freedom& freedom) {
  frame_ = frame;
  freedom_ = &freedom;
  phase_ = Phase::kReference;
  phase_after_ = freedom.calls_helpers ? Phase::kReplay : Phase::kPages;
  items_.clear();
  images_used_ = 0;
  helpers_called_ = 0;
  memory_.clear();
  difference_.clear();
  if (frame->kernel_tlb[0] == nullptr) frame->kernel_tlb[0] = frame->tlb[kContextKernel];
  take(before_);
  requests_ = requests();
  note_tlb();
  set_tlb(false);
}

void Session::end_reference() {
  if (!items_.empty() && items_.back().left) note_tlb();
  set_tlb(true);
  take(after_);
  exit_reason_ = frame_->exit_reason;
}

void Session::begin_subject() {
  before_.put(*frame_);
  next_ = 0;
  helpers_called_ = 0;
  if (phase_ == Phase::kReference && phase_after_ == Phase::kPages && !memory_.install()) {
    phase_after_ = Phase::kReplay;
  }
  if (phase_ == Phase::kPages) memory_.restart();
  phase_ = phase_after_;
  set_tlb(false);
}

std::string Session::end_subject() {
  set_tlb(true);
  const auto is_lookup = [](uint16_t reason) {  // a poll leads to the same place
    return reason == static_cast<uint16_t>(ExitReason::kPoll) ? uint16_t{0} : reason;
  };
  if (difference_.empty() && is_lookup(frame_->exit_reason) != is_lookup(exit_reason_)) {
    difference_ = fmt::format("  exit reason: {} on the reference, {} on the subject\n",
                              exit_reason_, frame_->exit_reason);
  }
  if (difference_.empty() && phase_ == Phase::kReplay && next_ != items_.size()) {
    difference_ =
        fmt::format("  the subject made {} of {} accesses and calls\n", next_, items_.size());
  }
  const bool fault = !items_.empty() && items_.back().left;
  const FlagMask ignored = fault ? freedom_->anywhere : freedom_->at_exits;
  if (after_.matches(*frame_, ignored)) {
    after_.put_flags(*frame_);
  } else {
    difference_ += after_.differences(*frame_, ignored);
    after_.put(*frame_);
  }
  if (phase_ == Phase::kPages) difference_ += memory_.differences();
  frame_->exit_reason = exit_reason_;
  // Only one of the two may have seen a request that came in between.
  if (requests() != requests_) difference_.clear();
  return std::move(difference_);
}

void Session::begin_alone(Frame* frame) {
  frame_ = frame;
  phase_ = Phase::kAlone;
}

// For the next time: here it may be done.
void Session::refill(uint64_t va, const MemoryOperation& operation, Access access) {
  hooks_.refill(frame_, va, size_of(operation.type), access, operation.flags);
}

// ---- Items

Session::Item& Session::write_down(Kind kind, uint64_t va, const MemoryOperation& operation) {
  Item& item = items_.emplace_back();
  item.kind = kind;
  item.operation = operation;
  item.va = va;
  item.guest_ip = frame_->guest_ip;
  return item;
}

// From here to end_images() the real hook or helper runs; if it leaves, `left` stays.
void Session::begin_images(Item& item) {
  phase_after_ = Phase::kReplay;
  if (images_used_ == images_.size()) images_.push_back(std::make_unique<Images>());
  item.images = images_used_++;
  item.left = true;
  take(images_[item.images]->before);
  set_tlb(true);
}

void Session::end_images(Item& item) {
  note_tlb();  // a helper may have changed the address space
  set_tlb(false);
  item.left = false;
  take(images_[item.images]->after);
}

// Where an access goes in guest memory if it lies in a page that the TLB takes; else null.
uint8_t* Session::plain_place(uint64_t va, const MemoryOperation& operation, Access access) {
  const TlbName tlb = (operation.flags & kMemoryUser) != 0 ? kTlbUser
                      : kernel_tlb_in_use(*frame_) != 0    ? kTlbKernelOnUser
                                                           : kTlbKernel;
  const unsigned size = size_of(operation.type);
  if ((operation.flags & kMemoryAligned) != 0 && va % size != 0) return nullptr;
  const TlbPlace entry = real_tlb_[tlb]->entry(va, access == Access::kWrite);
  const auto offset = [&] { return va - entry.tag; };
  if (offset() > kPageSize - size &&
      (!hooks_.refill(frame_, va, size, access, operation.flags) || offset() > kPageSize - size)) {
    return nullptr;
  }
  if (phase_after_ == Phase::kPages) memory_.touch(tlb, va, size, entry, access);
  return entry.host + offset();
}

Session::Item& Session::next_item(Kind kind, uint64_t va, const MemoryOperation& operation) {
  if (next_ == items_.size()) {
    differ(fmt::format("  access or call at guest IP {:#x}, address {:#x}: on the subject only\n",
                       frame_->guest_ip, va));
  }
  Item& item = items_[next_++];
  const bool is_memory = kind <= Kind::kUpdate;
  if (item.kind != kind || item.guest_ip != frame_->guest_ip ||
      (is_memory && (item.va != va || !same_operation(item.operation, operation)))) {
    differ(
        fmt::format("  access or call {} of the block: kind {}, guest IP {:#x}, address {:#x} on "
                    "the reference; kind {}, {:#x}, {:#x} on the subject\n",
                    next_, static_cast<int>(item.kind), item.guest_ip, item.va,
                    static_cast<int>(kind), frame_->guest_ip, va));
  }
  if (item.images != kNoImages) {
    const StateImage& before = images_[item.images]->before;
    if (!before.matches(*frame_, freedom_->anywhere)) {
      differ(fmt::format("  before access or call {}:\n", next_) +
             before.differences(*frame_, freedom_->anywhere));
    }
  }
  return item;
}

void Session::finish_item(const Item& item) {
  if (item.left) {
    after_.put(*frame_);
    leave(frame_, exit_reason_);
  }
  if (item.images != kNoImages) images_[item.images]->after.put(*frame_);
}

void Session::differ(std::string what) {
  difference_ = std::move(what);
  leave(frame_, static_cast<uint16_t>(ExitReason::kLookup));
}

// ---- Hooks

const void* Session::load(uint64_t va, const MemoryOperation& operation) {
  if (phase_ == Phase::kAlone) {
    refill(va, operation, Access::kRead);
    return hooks_.load(frame_, va, operation);
  }
  const unsigned size = size_of(operation.type);
  if (phase_ == Phase::kPages) differ(fmt::format("  load from {:#x}: on the subject only\n", va));
  if (phase_ == Phase::kReplay) {
    const Item& item = next_item(Kind::kLoad, va, operation);
    finish_item(item);
    return item.bytes;
  }
  Item& item = write_down(Kind::kLoad, va, operation);
  if (const uint8_t* host = plain_place(va, operation, Access::kRead)) {
    std::memcpy(item.bytes, host, size);
    if (phase_after_ == Phase::kPages) memory_.note_read(host, item.bytes, size);
  } else {
    begin_images(item);
    std::memcpy(item.bytes, hooks_.load(frame_, va, operation), size);
    end_images(item);
  }
  return item.bytes;
}

void Session::store(uint64_t va, const MemoryOperation& operation, const void* value) {
  if (phase_ == Phase::kAlone) {
    refill(va, operation, Access::kWrite);
    return hooks_.store(frame_, va, operation, value);
  }
  const bool writes = operation.op != Opcode::kProbe;
  const unsigned size = writes ? size_of(operation.type) : 0;
  if (phase_ == Phase::kPages) differ(fmt::format("  store to {:#x}: on the subject only\n", va));
  if (phase_ == Phase::kReplay) {
    const Item& item = next_item(Kind::kStore, va, operation);
    if (writes && std::memcmp(item.bytes, value, size) != 0) {
      differ(fmt::format("  value stored to {:#x} at guest IP {:#x}\n", va, frame_->guest_ip));
    }
    return finish_item(item);
  }
  Item& item = write_down(Kind::kStore, va, operation);
  if (writes) std::memcpy(item.bytes, value, size);
  if (uint8_t* host = plain_place(va, operation, Access::kWrite)) {
    if (!writes) return;
    std::memcpy(host, value, size);
    if (phase_after_ == Phase::kPages) memory_.note_write(host, item.bytes, size);
  } else {
    begin_images(item);
    hooks_.store(frame_, va, operation, value);
    end_images(item);
  }
}

// The subject asks for an update that it has no instruction for even where memory is plain. Which
// of the block's it is, the guest IP says.
const Session::Item& Session::find_update(uint64_t va) {
  while (next_ < items_.size()) {
    Item& item = items_[next_++];
    if (item.kind == Kind::kUpdate && item.va == va && item.guest_ip == frame_->guest_ip)
      return item;
  }
  differ(fmt::format("  update of {:#x} at guest IP {:#x}: on the subject only\n", va,
                     frame_->guest_ip));
}

uint64_t Session::update(uint64_t va, const MemoryOperation& operation, uint64_t operand,
                         uint64_t replacement) {
  if (phase_ == Phase::kAlone) {
    refill(va, operation, Access::kWrite);
    return hooks_.update(frame_, va, operation, operand, replacement);
  }
  if (phase_ != Phase::kReference) return repeat_update(va, operation, operand, replacement);
  Item& item = write_down(Kind::kUpdate, va, operation);
  item.arguments[0] = operand;
  item.arguments[1] = replacement;
  item.host = plain_place(va, operation, Access::kWrite);
  if (item.host != nullptr) {
    set_tlb(true);
    item.result = hooks_.update(frame_, va, operation, operand, replacement);
    set_tlb(false);
    const unsigned size = size_of(operation.type);
    std::memcpy(item.bytes, item.host, size);
    if (phase_after_ == Phase::kPages) memory_.note_write(item.host, item.bytes, size);
  } else {
    begin_images(item);
    item.result = hooks_.update(frame_, va, operation, operand, replacement);
    end_images(item);
  }
  item.flags = pack_flags(frame_->flag_overflow, frame_->flags_low);
  return item.result;
}

uint64_t Session::repeat_update(uint64_t va, const MemoryOperation& operation, uint64_t operand,
                                uint64_t replacement) {
  const bool pages = phase_ == Phase::kPages;
  const Item& item = pages ? find_update(va) : next_item(Kind::kUpdate, va, operation);
  if (((item.arguments[0] ^ operand) & operand_mask(operation)) != 0 ||
      ((item.arguments[1] ^ replacement) & replacement_mask(operation)) != 0) {
    differ(fmt::format(
        "  operands of the update of {:#x} at guest IP {:#x}: {:#x}, {:#x} on the "
        "reference, {:#x}, {:#x} on the subject\n",
        va, frame_->guest_ip, item.arguments[0], item.arguments[1], operand, replacement));
  }
  if (pages) memory_.write(item.host, item.bytes, size_of(operation.type));
  finish_item(item);
  const uint32_t before = pack_flags(frame_->flag_overflow, frame_->flags_low);
  const uint32_t written = operation.flags_out;
  unpack_flags((before & ~written) | (item.flags & written), frame_->flag_overflow,
               frame_->flags_low);
  return item.result;
}

void Session::fault(Kind kind) {
  if (phase_ == Phase::kPages) differ("  divide error or SIMD exception: on the subject only\n");
  if (phase_ == Phase::kReplay) return finish_item(next_item(kind, 0, {}));
  if (phase_ == Phase::kReference) begin_images(write_down(kind, 0, {}));
  (kind == Kind::kDivideError ? hooks_.divide_error : hooks_.simd_exception)(frame_);
}

uint64_t Session::call(unsigned helper, uint64_t a, uint64_t b, uint64_t c) {
  if (phase_ == Phase::kAlone) return helpers_[helper].function(frame_, a, b, c);
  const uint64_t arguments[] = {a, b, c};
  const size_t number = helpers_called_++;
  if (phase_ == Phase::kReference) {
    Item& item = write_down(Kind::kHelper, 0, {});
    item.helper = static_cast<uint16_t>(helper);
    std::memcpy(item.arguments, arguments, sizeof arguments);
    begin_images(item);
    item.result = helpers_[helper].function(frame_, a, b, c);
    end_images(item);
    return item.result;
  }
  const Item& item = next_item(Kind::kHelper, 0, {});
  bool same = item.helper == helper;
  const uint8_t present = freedom_->helper_operands[number];
  for (unsigned i = 0; i < 3; ++i) {
    same &= (present >> i & 1) == 0 || item.arguments[i] == arguments[i];
  }
  if (!same) {
    differ(
        fmt::format("  helper: {}({:#x}, {:#x}, {:#x}) on the reference, {}({:#x}, {:#x}, {:#x}) "
                    "on the subject\n",
                    helpers_[item.helper].name, item.arguments[0], item.arguments[1],
                    item.arguments[2], helpers_[helper].name, a, b, c));
  }
  finish_item(item);
  return item.result;
}

}  // namespace vireo::tcg::lockstep
