#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/conformance/host_cpu/encoding.h"
#include "tests/conformance/host_cpu/guest_run.h"
#include "tests/conformance/host_cpu/host_child.h"
#include "tests/conformance/host_cpu/sequence.h"

namespace vireo::host_cpu {

struct RowResult {
  unsigned cases = 0;       ///< That were compared.
  unsigned arrivals = 0;    ///< Of them, that raised no exception on the host;
  unsigned misaligned = 0;  ///< that raised #AC.
  std::string difference;   ///< The first one, as small as it gets, and how to repeat it.
};

/// Runs cases on the host and on the backends, and looks for differences.
class Comparison {
 public:
  struct Guest {
    std::string name;
    std::unique_ptr<GuestRunner> runner;
  };

  /// Of all backends that this host has.
  Comparison();
  HostChild& host() { return host_; }
  const std::vector<Guest>& guests() const { return guests_; }
  /// Changes what guests are seen to have done: for tests of what is told of differences.
  using Falsify = void (*)(const Batch& batch, BatchResult& result);
  void falsify_guests(Falsify falsify) { falsify_ = falsify; }

  /// Compares `cases` random cases of a row, if it has as many.
  RowResult compare_row(unsigned bits, i386::Map map, const i386::Row& row, unsigned cases,
                        uint64_t seed);
  /// A random sequence of about `length` instructions; what differs, the code being as short as it
  /// gets.
  std::string compare_sequence(unsigned bits, unsigned length, uint64_t seed);

 private:
  std::string compare_sequence(const Sequence& sequence);
  bool fill_batch(const Encoding& encoding, unsigned cases, Random& random);
  /// Runs the host's batch everywhere.
  std::string compare_batch(const Encoding& encoding);
  /// The same for one guest, when the host has run; `at` is the case that differs.
  std::string compare_guest(const Encoding& encoding, const Guest& guest, unsigned& at);
  std::string rerun(const Encoding& encoding, const Guest& guest);
  std::string shrink(const Encoding& encoding, const Guest& guest, unsigned at);
  void run_guest(const Guest& guest);

  HostChild host_;
  std::vector<Guest> guests_;
  std::unique_ptr<BatchResult> result_;
  Falsify falsify_ = nullptr;
};

/// "4801d8  add rax, rbx".
std::string disassembled(unsigned bits, const uint8_t* bytes, unsigned length);

}  // namespace vireo::host_cpu
