// What translating costs: the code of a program, block by block, without a guest that runs it.
// `translation [PROGRAM [BLOCKS]]` prints how long a block takes, and each part of the work; under
// callgrind it tells which functions that is, without noise.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "accel/guest_cpu.h"
#include "target/i386/cpu/mode.h"
#include "target/i386/decode/program_text.h"
#include "target/i386/translate/block.h"
#include "tcg/backend/backend.h"
#include "tcg/opt/pipeline.h"

namespace vireo {
namespace {

using Clock = std::chrono::steady_clock;
using Nanoseconds = std::chrono::duration<double, std::nano>;

constexpr uint64_t kUserMode = i386::kMode64 | i386::kModeCode32 | i386::kModeStack32 |
                               i386::kModeProtected | i386::kModeLongActive | i386::kModeFlatData |
                               3u << i386::kModeCplShift;
/// Blocks come from as many places all over the program.
constexpr size_t kPlaces = 64;
/// A page for each.
constexpr size_t kLeastCode = kPlaces * tcg::kPageSize;

[[noreturn]] void fail(std::string_view what, const char* path) {
  fmt::print(stderr, "{}: {}\n", path, what);
  std::exit(1);
}

class Text final : public accel::CodeReader {
 public:
  explicit Text(std::span<const std::byte> bytes) : bytes_(bytes) {}
  std::span<const std::byte> bytes_at(uint64_t linear) override {
    if (linear >= bytes_.size()) return {};
    const uint64_t page_end =
        std::min<uint64_t>((linear | (tcg::kPageSize - 1)) + 1, bytes_.size());
    return bytes_.subspan(linear, page_end - linear);
  }

 private:
  const std::span<const std::byte> bytes_;
};

/// Time that the parts of the work have taken so far.
struct Parts {
  Nanoseconds decoding{}, passes{}, generation{};
  unsigned blocks = 0;
};

class Translation {
 public:
  explicit Translation(std::span<const std::byte> text) : text_(text), size_(text.size()) {
    tcg::BackendConfig config;
    config.helpers = helpers_;
    config.wide_vectors = true;
    auto backend = tcg::make_jit_backend(config);
    if (!backend) fail(backend.error().message(), "the code generator");
    backend_ = std::move(*backend);
  }

  /// Straight on from kPlaces places, until there are `blocks` or a few more.
  Parts run(unsigned blocks) {
    Parts parts;
    const size_t step = size_ / kPlaces / tcg::kPageSize * tcg::kPageSize;
    const unsigned of_place = (blocks + kPlaces - 1) / kPlaces;
    for (size_t place = 0; place < kPlaces; ++place) {
      uint64_t at = place * step;
      for (unsigned i = 0; i < of_place && at < size_; ++i) at += translate(at, parts);
    }
    return parts;
  }

  const tcg::CompileStatistics& statistics() const { return backend_->statistics(); }

 private:
  /// Returns the bytes of the block at `address`.
  uint64_t translate(uint64_t address, Parts& parts) {
    const auto begin = Clock::now();
    uint64_t fault = 0;
    const i386::BlockStart start{.mode = kUserMode, .ip = address, .linear = address};
    if (!i386::translate_block(start, i386::FeatureSet::all(), text_, block_, fault)) return size_;
    const auto decoded = Clock::now();
    pipeline_.run(block_);
    const auto optimised = Clock::now();
    if (auto made = backend_->compile(block_, page_of(address), nullptr); !made) {
      fail(made.error().message(), "the code generator");
    }
    parts.decoding += decoded - begin;
    parts.passes += optimised - decoded;
    parts.generation += Clock::now() - optimised;
    ++parts.blocks;
    return block_.guest_size;
  }

  const tcg::CodePage& page_of(uint64_t address) {
    const uint64_t host = tcg::page_of(address);
    if (pages_.empty() || pages_.back()->key.host != host) {
      const auto number = static_cast<uint32_t>(pages_.size() + 1);
      pages_.push_back(std::make_unique<tcg::CodePage>(
          tcg::CodePage{.key = {.host = host}, .relocatable = true, .number = number}));
    }
    return *pages_.back();
  }

  Text text_;
  const size_t size_;
  const std::vector<tcg::Helper> helpers_ = std::vector<tcg::Helper>(4096);
  std::unique_ptr<tcg::Backend> backend_;
  tcg::Pipeline pipeline_ = tcg::Pipeline::standard();
  tcg::Block block_;
  std::vector<std::unique_ptr<tcg::CodePage>> pages_;
};

void report(const Parts& parts, const tcg::CompileStatistics& statistics) {
  const double blocks = parts.blocks, instructions = static_cast<double>(statistics.guest_insns);
  const auto line = [blocks](std::string_view what, Nanoseconds time) {
    fmt::print("{:<16}{:8.0f} ns a block\n", what, time.count() / blocks);
  };
  fmt::print("{} blocks of {:.2f} instructions, {:.2f} of IR, {:.0f} bytes of host code\n",
             parts.blocks, instructions / blocks, static_cast<double>(statistics.ir_insts) / blocks,
             static_cast<double>(statistics.host_bytes) / blocks);
  line("decoding", parts.decoding);
  line("passes", parts.passes);
  line("code generation", parts.generation);
  line("all", parts.decoding + parts.passes + parts.generation);
}

}  // namespace
}  // namespace vireo

int main(int argc, char** argv) {
  const char* program = argc > 1 ? argv[1] : "/proc/self/exe";
  const unsigned blocks =
      argc > 2 ? static_cast<unsigned>(std::strtoul(argv[2], nullptr, 10)) : 20000;
  if (blocks == 0) vireo::fail("is no number of blocks", argv[2]);
  const std::vector<uint8_t> text = vireo::i386::program_text(program);
  if (text.size() < vireo::kLeastCode)
    vireo::fail("is no x86-64 program with enough code", program);
  vireo::Translation translation(std::as_bytes(std::span(text)));
  const vireo::Parts parts = translation.run(blocks);
  if (parts.blocks == 0) vireo::fail("has no code that could be translated", program);
  vireo::report(parts, translation.statistics());
}
