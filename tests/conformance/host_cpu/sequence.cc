// Random valid code. RSP and RBP stay what they are: the stack, and the middle of the data.

#include "tests/conformance/host_cpu/sequence.h"

#include <algorithm>
#include <cstring>
#include <set>
#include <string_view>

#include "target/i386/cpu/state.h"
#include "target/i386/decode/tables.h"
#include "target/i386/translate/translator.h"
#include "tests/conformance/host_cpu/comparison.h"
#include "tests/conformance/host_cpu/differences.h"
#include "tests/conformance/host_cpu/encoding.h"
#include "tests/conformance/host_cpu/not_compared.h"
#include "tests/conformance/host_cpu/open_result.h"
#include "tests/conformance/host_cpu/operands.h"

namespace vireo::host_cpu {
namespace {

using i386::Insn;
using i386::Operand;
using i386::Row;

constexpr uint64_t kBase = 0x2000, kStack = 0x4600, kCounters = 0x100;
constexpr unsigned kMaxCounters = 8;
/// Where an item of the function begins: calls name it by this.
constexpr unsigned kFunction = ~0u;

struct Candidate {
  i386::Map map;
  const Row* row;
};

/// What moves the stack pointer, loads control words or whole states, or differs by processor.
bool is_fit(const Row& row) {
  static const std::set<std::string_view> kLeftOut = {
      "enter",    "leave",      "pusha",       "popa",   "push",   "pop",     "popf",
      "pushf",    "fldcw",      "fldenv",      "frstor", "fnsave", "fnstenv", "ldmxcsr",
      "vldmxcsr", "fxsave",     "fxrstor",     "xsave",  "xrstor", "xsavec",  "xsaveopt",
      "xlatb",    "bound",      "arpl",        "fcomi",  "fucomi", "fcompi",  "fucompi",
      "maskmovq", "maskmovdqu", "vmaskmovdqu", "in",     "out",    "wait",    "cmpxchg8b"};
  constexpr i386::Attributes kSystem = i386::privileged | i386::hidden | i386::vsib;
  using T = i386::Translator;
  return !(row.attributes & kSystem) && !kLeftOut.count(row.mnemonic) && !is_branch(row) &&
         !not_compared(row) && host_has(row) && row.translate != &T::undefined &&
         row.translate != &T::bit_update && row.translate != &T::bit_test;
}

const std::vector<Candidate>& candidates() {
  static const std::vector<Candidate> kAll = [] {
    std::vector<Candidate> all;
    for (const auto map :
         {i386::Map::kOneByte, i386::Map::k0f, i386::Map::k0f38, i386::Map::k0f3a}) {
      for (const Row& row : i386::rows(map)) {
        if (is_fit(row)) all.push_back({map, &row});
      }
    }
    return all;
  }();
  return kAll;
}

bool is_reserved(const Operand& operand) {
  return operand.kind == Operand::Kind::kGeneral &&
         (operand.reg == i386::kRsp || operand.reg == i386::kRbp);
}

/// Memory near RBP, aligned where it has to be.
bool has_fit_memory(const Insn& insn) {
  for (const Operand& operand : insn.operands) {
    if (!operand.is_memory()) continue;
    const i386::MemoryOperand& memory = insn.memory;
    if (memory.base != i386::kRbp || memory.index != i386::kNoRegister) return false;
    if (insn.address_size == 2 || is_short_movsxd(insn)) return false;
    const bool near = memory.displacement > -0x800 && memory.displacement < 0x800;
    if (!near || (operand.size >= 16 && memory.displacement % 32 != 0)) return false;
  }
  return true;
}

bool may_leave_undefined_flags(const Insn& insn) {
  ProcessorState state{};
  uint64_t flags = 0;
  for (const uint64_t count : {1, 2, 9, 17, 40}) {
    state.general[i386::kRcx] = count;
    flags |= undefined_flags(insn, state);
  }
  return flags != 0;
}

bool may_have_open_result(const Insn& insn) {
  ProcessorState state{};
  state.general[i386::kRcx] = 17;
  return open_result(insn, state) != OpenResult::kNone;
}

template <class T>
void append(std::vector<uint8_t>& bytes, T value) {
  const auto* from = reinterpret_cast<const uint8_t*>(&value);
  bytes.insert(bytes.end(), from, from + sizeof value);
}

}  // namespace

Sequence::Sequence(unsigned bits, unsigned length, Random& random)
    : bits_(bits), random_(random()) {
  fill_state(random_, start_.state);
  if (random_.one_in(8)) start_.state.flags |= i386::kAc;
  start_.state.general[i386::kRsp] = arena().data_address(kStack);
  start_.state.general[i386::kRbp] = arena().data_address(kBase);
  start_.patch_at = kCounters;
  start_.patch_size = kMaxCounters * 4;
  for (unsigned i = 0; i < kMaxCounters; ++i) start_.patch[i * 4] = static_cast<uint8_t>(1 + i % 4);
  unsigned calls = 0;
  while (items_.size() < length) {
    switch (random_() % 16) {
      case 0:
      case 1:
        add_branch(length);
        break;
      case 2:
        add_loop();
        break;
      case 3:
        add_call(calls);
        break;
      case 4:
        add_store_to_code(length);
        break;
      default:
        add_instruction();
    }
  }
  add({0xcc}, false);
  const auto function = static_cast<unsigned>(items_.size());
  if (calls != 0) add_function();
  const auto count = static_cast<unsigned>(items_.size());
  for (Item& item : items_) {
    if (item.target == kFunction) item.target = function;
    item.target = std::min(item.target, count - 1);
  }
}

void Sequence::add(std::vector<uint8_t> bytes, bool removable) {
  items_.push_back({.bytes = std::move(bytes), .removable = removable});
}

void Sequence::add_linked(std::vector<uint8_t> bytes, Link link, unsigned target, uint8_t at) {
  items_.push_back({.bytes = std::move(bytes), .link = link, .target = target, .at = at});
}

void Sequence::add_instruction() {
  for (unsigned tries = 0; tries < 100; ++tries) {
    const Candidate& candidate = candidates()[random_() % candidates().size()];
    Encoding encoding;
    if (!make_encoding(bits_, candidate.map, *candidate.row, random_, encoding)) continue;
    const Insn& insn = encoding.insn;
    if (std::any_of(insn.operands.begin(), insn.operands.end(), is_reserved)) continue;
    if (encoding.fixed_target != 0 || !has_fit_memory(insn) || is_string(insn)) continue;
    if (may_have_open_result(insn) || is_undefined_on_amd(*insn.row)) continue;
    add({encoding.bytes, encoding.bytes + insn.length});
    // CMP EAX, EDX: flags that are undefined must not be seen.
    if (may_leave_undefined_flags(insn))
      items_.back().bytes.insert(items_.back().bytes.end(), {0x39, 0xd0});
    return;
  }
}

/// Forward, so that it ends: a condition, or through a register.
void Sequence::add_branch(unsigned length) {
  const auto here = static_cast<unsigned>(items_.size());
  const auto target = here + 1 + static_cast<unsigned>(random_() % 6);
  if (random_.one_in(4)) {
    // MOV EAX, imm; JMP RAX.
    return add_linked({0xb8, 0, 0, 0, 0, 0xff, 0xe0}, Link::kAbsolute, std::min(target, length));
  }
  const auto condition = static_cast<uint8_t>(0x80 | (random_() & 15));
  add_linked({0x0f, condition, 0, 0, 0, 0}, Link::kRelative, std::min(target, length));
}

/// Back to behind the last loop, as often as a counter in memory says.
void Sequence::add_loop() {
  const auto here = static_cast<unsigned>(items_.size());
  if (here - loop_from_ < 3) return;
  static_assert(kCounters < kBase);
  const unsigned counter = static_cast<unsigned>(random_() % kMaxCounters);
  const auto displacement = static_cast<int32_t>(kCounters + counter * 4 - kBase);
  std::vector<uint8_t> count = {0x83, 0xad};  // SUB dword [RBP + displacement], 1
  append(count, displacement);
  // JG, since a counter may be used again; one item, so that nothing jumps between.
  count.insert(count.end(), {1, 0x0f, 0x8f, 0, 0, 0, 0});
  add_linked(count, Link::kRelative, loop_from_);
  loop_from_ = here + 1;
}

void Sequence::add_call(unsigned& calls) {
  ++calls;
  add_linked({0xe8, 0, 0, 0, 0}, Link::kRelative, kFunction);
}

/// Changes the immediate of a MOV, or a NOP into CMC and back.
void Sequence::add_store_to_code(unsigned length) {
  const auto here = static_cast<unsigned>(items_.size());
  std::vector<uint8_t> store;
  if (random_.one_in(2)) {
    add({0xb9, 1, 2, 3, 4}, false);    // MOV ECX, imm
    store = {0xc7, 0x85, 0, 0, 0, 0};  // MOV dword [RBP + displacement], imm
    append(store, static_cast<uint32_t>(random_()));
    add_linked(store, Link::kStore, here, 1);
  } else {
    add({0x90}, false);
    store = {0xc6, 0x85, 0, 0, 0, 0, static_cast<uint8_t>(random_.one_in(4) ? 0x90 : 0xf5)};
    add_linked(store, Link::kStore, here, 0);
  }
  // The store comes first, mostly; otherwise a loop may see its effect.
  if (!random_.one_in(4)) {
    std::swap(items_[here], items_[here + 1]);
    items_[here].target = here + 1;
  }
}

void Sequence::add_function() {
  for (unsigned i = 0; i < 3; ++i) add_instruction();
  add({0xc3}, false);
}

bool Sequence::remove(unsigned index) {
  Item& item = items_[index];
  if (!item.removable || item.bytes.empty()) return false;
  item.bytes.clear();
  item.link = Link::kNone;
  return true;
}

std::vector<uint64_t> Sequence::positions() const {
  std::vector<uint64_t> at;
  uint64_t next = Arena::kStart;
  for (const Item& item : items_) {
    at.push_back(next);
    next += item.bytes.size();
  }
  at.push_back(next);
  return at;
}

void Sequence::write(Batch& batch) const {
  constexpr int kInt3 = 0xcc;
  std::memset(batch.code, kInt3, sizeof batch.code);
  const std::vector<uint64_t> at = positions();
  for (size_t i = 0; i < items_.size(); ++i) {
    const Item& item = items_[i];
    uint8_t* const code = batch.code + at[i];
    std::copy(item.bytes.begin(), item.bytes.end(), code);
    const uint64_t target = at[item.target];
    const auto put = [&](uint8_t* where, uint64_t value) {
      const auto word = static_cast<uint32_t>(value);
      std::memcpy(where, &word, sizeof word);
    };
    if (item.link == Link::kRelative) put(code + item.bytes.size() - 4, target - at[i + 1]);
    if (item.link == Link::kAbsolute) put(code + 1, arena().code_address(target));
    if (item.link == Link::kStore)
      put(code + 2, arena().code_address(target + item.at) - arena().data_address(kBase));
  }
  batch.bits = bits_;
  batch.code_length = at.back() - Arena::kStart;
  batch.traps = batch.is_sequence = true;
  batch.small_data = false;
  batch.count = 1;
  batch.cases[0] = start_;
}

std::string Sequence::listing() const {
  std::vector<uint8_t> code(sizeof(Batch));
  auto& batch = *new (code.data()) Batch;
  write(batch);
  return disassembled(bits_, batch.code + Arena::kStart, static_cast<unsigned>(batch.code_length));
}

}  // namespace vireo::host_cpu
