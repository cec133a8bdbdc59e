// The table of helpers that translated code calls by number.

#include "target/i386/helper/functions.h"

namespace vireo::i386 {

std::span<const tcg::Helper> helper_table() {
  static constexpr tcg::Helper kTable[] = {
#define HELPER(name) {#name, helper_##name},
#include "target/i386/helper/helpers.inc"
#undef HELPER
  };
  return kTable;
}

}  // namespace vireo::i386
