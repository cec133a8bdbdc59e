#pragma once

#include "target/i386/decode/row.h"

namespace vireo::host_cpu {

/// Why a row is not compared with the host's processor, and what proves it beside the guests in
/// assembly.
struct NotCompared {
  const char* why;
  const char* proof = nullptr;
};
/// Null for rows that are compared.
const NotCompared* not_compared(const i386::Row& row);

/// Whether all that the comparison sees of a row is the exception that it raises in user mode.
bool only_faults(const i386::Row& row);

}  // namespace vireo::host_cpu
