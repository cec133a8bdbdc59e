// Batches of cases on the host and on each backend, and the way from a difference to a small one.

#include "tests/conformance/host_cpu/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "target/i386/cpu/state.h"
#include "tests/conformance/host_cpu/differences.h"
#include "tests/conformance/host_cpu/operands.h"
#include "util/disassemble.h"

namespace vireo::host_cpu {
namespace {

std::string repetition(unsigned bits, const i386::Row& row, unsigned cases, uint64_t seed) {
  return fmt::format(
      "  seed {}, {} bits: VIREO_HOST_CPU_ONLY={} VIREO_HOST_CPU_CASES={} repeats it\n", seed, bits,
      row.mnemonic, cases);
}

unsigned count_endings(const Batch& batch, const BatchResult& result, uint8_t vector) {
  return static_cast<unsigned>(
      std::count_if(result.results, result.results + batch.count,
                    [&](const CaseResult& one) { return one.ending.vector == vector; }));
}

bool saves_vectors(const i386::Row& row) {
  const std::string_view name = row.mnemonic;
  return name.starts_with("xsave") || name.starts_with("fxsave");
}

/// Windows have been compared by themselves, with what may differ in them.
bool is_patched(const Batch& batch, uint64_t offset) {
  for (unsigned i = 0; i < batch.count; ++i) {
    if (offset - batch.cases[i].patch_at < batch.cases[i].patch_size) return true;
  }
  return false;
}

}  // namespace

Comparison::Comparison() : result_(new BatchResult) {
  const auto add = [this](const char* name, auto make, bool wide) {
    auto runner = std::make_unique<GuestRunner>(make, wide);
    if (runner->available()) guests_.push_back({name, std::move(runner)});
  };
  add("interpreter", tcg::make_interpreter_backend, true);
  add("code generator", tcg::make_jit_backend, true);
  add("code generator without wide registers", tcg::make_jit_backend, false);
}

RowResult Comparison::compare_row(unsigned bits, i386::Map map, const i386::Row& row,
                                  unsigned cases, uint64_t seed) {
  RowResult result;
  Random random(seed);
  // Small batches have more encodings.
  const unsigned a_batch = cases >= 20000 ? Batch::kMaxCases : 32;
  const unsigned most_tries = std::max(cases, 1000u);
  for (unsigned tries = 0; result.cases < cases && tries < most_tries; ++tries) {
    Encoding encoding;
    if (!make_encoding(bits, map, row, random, encoding)) continue;
    if (!fill_batch(encoding, a_batch, random)) continue;
    result.difference = compare_batch(encoding);
    if (!result.difference.empty()) {
      result.difference += repetition(bits, row, cases, seed);
      break;
    }
    result.cases += host_.batch().count;
    result.arrivals += count_endings(host_.batch(), host_.result(), Ending::kArrived);
    result.misaligned += count_endings(host_.batch(), host_.result(), i386::kAcFault);
  }
  return result;
}

bool Comparison::fill_batch(const Encoding& encoding, unsigned cases, Random& random) {
  Batch& batch = host_.batch();
  batch.bits = encoding.bits;
  batch.code_length = encoding.insn.length;
  batch.traps = is_branch(*encoding.insn.row);
  batch.is_sequence = false;
  batch.small_data = has_16bit_address(encoding);
  constexpr int kInt3 = 0xcc;
  std::memset(batch.code, kInt3, sizeof batch.code);
  std::memcpy(batch.code + Arena::kStart, encoding.bytes, encoding.insn.length);
  fill_memory(random, batch.memory);
  // Alike in a batch, since each mode is translated by itself.
  const bool checks_alignment = random.one_in(8);
  batch.count = 0;
  for (unsigned tries = 0; batch.count < cases && tries < 2 * cases; ++tries) {
    Case& next = batch.cases[batch.count];
    batch.count += fill_case(encoding, random, next);
    if (checks_alignment) next.state.flags |= i386::kAc;
  }
  return batch.count != 0;
}

std::string Comparison::compare_batch(const Encoding& encoding) {
  if (!host_.run()) {
    const unsigned culprit = host_.result().done;
    return " " + disassembled(encoding.bits, encoding.bytes, encoding.insn.length) +
           "\n  the native child has died or hangs:" + describe(host_.batch().cases[culprit]);
  }
  for (const Guest& guest : guests_) {
    unsigned at = 0;
    const std::string difference = compare_guest(encoding, guest, at);
    if (difference.empty()) continue;
    return " on the " + guest.name + ": " +
           disassembled(encoding.bits, encoding.bytes, encoding.insn.length) +
           shrink(encoding, guest, at) + "\n" + guest.runner->listing();
  }
  return "";
}

std::string Comparison::compare_guest(const Encoding& encoding, const Guest& guest, unsigned& at) {
  const Batch& batch = host_.batch();
  run_guest(guest);
  for (at = 0; at < batch.count; ++at) {
    if (at >= result_->done) return "\n  ill-formed IR: " + guest.runner->problem();
    const std::string found =
        differences(encoding, batch.cases[at], host_.result().results[at], result_->results[at]);
    if (!found.empty()) return found;
  }
  at = batch.count - 1;
  for (uint64_t i = 0; i < Arena::kDataSize; ++i) {
    constexpr uint64_t kStep = 256;
    const uint8_t *const host = host_.result().memory, *const ours = result_->memory;
    if (i % kStep == 0 && std::memcmp(host + i, ours + i, kStep) == 0) {
      i += kStep - 1;
      continue;
    }
    const uint8_t theirs = host[i], is = ours[i];
    if (theirs == is || is_patched(batch, i)) continue;
    return "\n  memory at data+" + hex(i) + " was " + hex(batch.memory[i]) + ", host " +
           hex(theirs) + ", ours " + hex(is);
  }
  return "";
}

void Comparison::run_guest(const Guest& guest) {
  guest.runner->run(host_.batch(), *result_);
  if (falsify_) falsify_(host_.batch(), *result_);
}

std::string Comparison::rerun(const Encoding& encoding, const Guest& guest) {
  unsigned at = 0;
  if (!host_.run()) return "";
  return compare_guest(encoding, guest, at);
}

/// Leaves the one case, and makes zero of all in it that does not matter.
std::string Comparison::shrink(const Encoding& encoding, const Guest& guest, unsigned at) {
  Batch& batch = host_.batch();
  unsigned ignored = 0;
  const unsigned count = batch.count;
  const std::string whole = compare_guest(encoding, guest, ignored);
  const Case first = batch.cases[0];
  batch.cases[0] = batch.cases[at];
  batch.count = 1;
  std::string found = rerun(encoding, guest);
  if (found.empty()) {
    batch.cases[0] = first;
    batch.count = count;
    return whole + "\n  (case " + std::to_string(at) + " of its batch, with those before it)" +
           describe(batch.cases[at]);
  }
  Case& smallest = batch.cases[0];
  const uint8_t theirs = host_.result().results[0].ending.vector,
                is = result_->results[0].ending.vector;
  const auto attempt = [&](auto& field, const auto& value) {
    if (std::memcmp(&field, &value, sizeof field) == 0) return;
    const Case before = smallest;
    std::memcpy(&field, &value, sizeof field);
    const std::string still = rerun(encoding, guest);
    if (still.empty() || host_.result().results[0].ending.vector != theirs ||
        result_->results[0].ending.vector != is) {
      smallest = before;
    } else {
      found = still;
    }
  };
  ProcessorState& state = smallest.state;
  for (uint64_t& value : state.general) attempt(value, uint64_t{0});
  // State in its initial configuration is saved or not as the processor likes.
  const bool keeps_vectors = saves_vectors(*encoding.insn.row);
  for (auto& vector : state.vector)
    if (!keeps_vectors) attempt(vector, (const uint8_t[32]){});
  attempt(state.flags, uint64_t{0x202});
  attempt(state.mxcsr, uint64_t{0x1f80});
  for (unsigned i = 0; i < 8; ++i) {
    auto& reg = *reinterpret_cast<uint8_t(*)[10]>(state.x87 + 28 + i * 10);
    attempt(reg, (const uint8_t[10]){});
  }
  for (unsigned i = 0; i < smallest.patch_size; i += 8) {
    auto& part = *reinterpret_cast<uint8_t(*)[8]>(smallest.patch + i);
    attempt(part, (const uint8_t[8]){});
  }
  found = rerun(encoding, guest);
  return found + "\n  with everything else zero:" + describe(smallest);
}

std::string Comparison::compare_sequence(unsigned bits, unsigned length, uint64_t seed) {
  Random random(seed);
  Sequence sequence(bits, length, random);
  fill_memory(random, host_.batch().memory);
  std::string found = compare_sequence(sequence);
  if (found.empty()) return "";
  const bool hangs = host_.result().done == 0;  // Each attempt would take as long.
  for (bool shorter = !hangs; shorter;) {
    shorter = false;
    for (unsigned i = 0; i < sequence.size(); ++i) {
      Sequence attempt = sequence;
      if (!attempt.remove(i)) continue;
      const std::string still = compare_sequence(attempt);
      if (still.empty()) continue;
      sequence = std::move(attempt);
      found = still;
      shorter = true;
    }
  }
  return " (seed " + std::to_string(seed) + ", " + std::to_string(bits) + " bits) " + found + "\n" +
         sequence.listing() + describe(host_.batch().cases[0]);
}

std::string Comparison::compare_sequence(const Sequence& sequence) {
  Batch& batch = host_.batch();
  sequence.write(batch);
  if (!host_.run()) return "the native child has died or hangs";
  for (const Guest& guest : guests_) {
    run_guest(guest);
    if (result_->done == 0) return "ill-formed IR: " + guest.runner->problem();
    const std::string found = sequence_differences(batch, host_.result(), *result_);
    if (!found.empty()) return "on the " + guest.name + ":" + found;
  }
  return "";
}

std::string disassembled(unsigned bits, const uint8_t* bytes, unsigned length) {
  const auto set = bits == 64 ? util::InstructionSet::x86_64 : util::InstructionSet::x86_32;
  std::string text;
  for (const util::ListedInsn& insn : util::disassemble(
           set, std::as_bytes(std::span(bytes, length)), arena().code_address(Arena::kStart))) {
    text += util::to_line(insn);
  }
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

}  // namespace vireo::host_cpu
