#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/conformance/host_cpu/batch.h"
#include "tests/conformance/host_cpu/random.h"

namespace vireo::host_cpu {

/// A random piece of valid code: instructions of the tables, branches, a loop, calls, and stores to
/// code that comes later. It ends at an INT3 (or at a fault).
class Sequence {
 public:
  /// Of `length` instructions, or a few more.
  Sequence(unsigned bits, unsigned length, Random& random);

  unsigned size() const { return static_cast<unsigned>(items_.size()); }
  /// Takes an instruction out; branches to it go to the next one. False if it has to stay.
  bool remove(unsigned index);
  /// Writes code, registers and memory of one case.
  void write(Batch& batch) const;
  /// For people: the code disassembled.
  std::string listing() const;

 private:
  /// How an instruction names another: its last four bytes are the distance, bytes 1 to 4 the
  /// address, or bytes 2 to 5 where its byte `at` is from RBP.
  enum class Link : uint8_t { kNone, kRelative, kAbsolute, kStore };
  struct Item {
    std::vector<uint8_t> bytes;
    Link link = Link::kNone;
    unsigned target = 0;
    uint8_t at = 0;
    bool removable = true;
  };

  void add(std::vector<uint8_t> bytes, bool removable = true);
  void add_linked(std::vector<uint8_t> bytes, Link link, unsigned target, uint8_t at = 0);
  void add_instruction();
  void add_branch(unsigned length);
  void add_loop();
  void add_call(unsigned& calls);
  void add_store_to_code(unsigned length);
  void add_function();
  std::vector<uint64_t> positions() const;

  unsigned bits_;
  Random random_;
  std::vector<Item> items_;
  unsigned loop_from_ = 0;
  Case start_{};
};

}  // namespace vireo::host_cpu
