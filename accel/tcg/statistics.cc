// What `info jit` and `-d perf` show: what was translated and what came of it, why translated code
// is left, and, of vCPUs with a Profile, where the time goes.

#include <fmt/format.h>

#include "accel/guest_cpu.h"
#include "accel/tcg/accelerator.h"
#include "accel/tcg/profile.h"
#include "accel/tcg/trace.h"
#include "accel/tcg/vcpu.h"
#include "util/disassemble.h"

namespace vireo::accel {

namespace {

constexpr size_t kCountedBlocks = 1000;
constexpr size_t kShownBlocks = 20;   // or listed
constexpr size_t kNamedBlocks = 200;  // where others are listed

constexpr const char* kExitNames[] = {
    "lookup", "poll", "exception", "halt", "mode change", "interrupt window", "code modified",
};

size_t host_instructions(const tcg::Backend& backend, const tcg::TranslatedBlock& block) {
  const auto code = backend.host_code(block);
  size_t count = 0, at = 0;
  const auto count_up_to = [&](size_t end) {
    const auto part = code.subspan(at, end - at);
    count += util::disassemble(util::host_instruction_set(), part, 0).size();
  };
  for (const tcg::CodeMark& mark : backend.code_marks(block)) {
    if (mark.data_bytes == 0) continue;
    count_up_to(mark.host_offset);
    at = mark.host_offset + mark.data_bytes;
  }
  count_up_to(code.size());
  return count;
}

double ratio(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

std::string listing(const tcg::Backend& backend, const GuestCpu& cpu, const Profile::Block& block) {
  const std::string text =
      list_guest_code(cpu.instruction_set(block.mode), block.guest_code, block.linear);
  if (block.translation == nullptr) return text + "OUT: no longer there\n\n";
  const tcg::TranslatedBlock& translation = *block.translation;
  CodePosition at;
  at.linear = block.linear;
  at.ip = translation.page->relocatable ? block.linear : translation.guest_ip();
  return text + list_host_code(backend, translation, at) + "\n";
}

}  // namespace

std::string TcgAccelerator::statistics(bool listings) {
  const std::lock_guard lock(translation_lock_);
  std::string text = translation_figures() + exit_figures();
  if (!profiling_) text += "time                not known without -accel tcg,profile=on\n";
  for (TcgVcpu* vcpu : vcpus_) {
    if (vcpu->profile() != nullptr) text += profile_of(*vcpu, listings);
  }
  return text;
}

void TcgAccelerator::restart_profile() {
  for (TcgVcpu* vcpu : vcpus_) vcpu->request_profile_restart();
}

void TcgAccelerator::restart_profile_of(TcgVcpu& vcpu) {
  const std::lock_guard lock(translation_lock_);
  if (vcpu.profile() != nullptr) vcpu.profile()->restart();
}

std::string TcgAccelerator::translation_figures() const {
  const tcg::CompileStatistics& counts = backend_->statistics();
  uint64_t host_insns = 0, guest_insns = 0;
  blocks_.visit_some(kCountedBlocks, [&](const tcg::TranslatedBlock& block) {
    host_insns += host_instructions(*backend_, block);
    guest_insns += block.guest_insns;
  });
  return fmt::format(
      "translation blocks  {} ({} live)\nguest bytes         {}\nguest instructions  {}\n"
      "IR instructions     {}\nhost bytes          {} ({:.1f} a guest instruction)\n"
      "host instructions   {:.1f} a guest instruction\ncode cache          {} of {} bytes\n"
      "evictions           {}, flushes {}\n",
      counts.blocks, blocks_.size(), counts.guest_bytes, counts.guest_insns, counts.ir_insts,
      counts.host_bytes, ratio(counts.host_bytes, counts.guest_insns),
      ratio(host_insns, guest_insns), backend_->code_bytes_used(), backend_->code_bytes_total(),
      evictions_, flushes_);
}

std::string TcgAccelerator::exit_figures() const {
  std::string text = "exits to the loop   ";
  for (unsigned i = 0; i < std::size(kExitNames); ++i) {
    uint64_t count = 0;
    for (const TcgVcpu* vcpu : vcpus_) count += vcpu->exits(static_cast<tcg::ExitReason>(i));
    text += fmt::format("{}{} {}", i == 0 ? "" : ", ", kExitNames[i], count);
  }
  uint64_t failed = 0;
  for (const TcgVcpu* vcpu : vcpus_) failed += vcpu->failed_checks();
  return text + fmt::format("\nshared checks       {} failed (until linked), {} blocks without\n",
                            failed, separate_checks_);
}

std::string TcgAccelerator::profile_of(TcgVcpu& vcpu, bool listings) const {
  Profile& profile = *vcpu.profile();
  profile.collect();
  std::string text = profile.shares() + "hottest blocks\n";
  size_t shown = 0;
  for (const Profile::Block& block : profile.hottest(listings ? kNamedBlocks : kShownBlocks)) {
    text += fmt::format(
        "  {:5.1f}% guest-{}:{:#x} samples={} instructions={} guest_bytes={} host_bytes={}\n",
        100 * ratio(block.samples, profile.samples()), block.user ? "user" : "kernel", block.linear,
        block.samples, block.guest_insns, block.guest_code.size(), block.host_size);
    if (listings && shown++ < kShownBlocks) text += listing(*backend_, vcpu.cpu(), block);
  }
  return text;
}

}  // namespace vireo::accel
