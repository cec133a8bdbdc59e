#pragma once

#include "tcg/runtime/frame.h"

namespace vireo::tcg::x86_64 {

/// Makes the calling thread's GS segment, which nobody else uses on these hosts, begin there.
void set_segment_base(const void* base);

/// Translated user code finds its TLB there.
inline void select_user_tlb(const Frame& frame) { set_segment_base(frame.tlb[kContextUser]); }

}  // namespace vireo::tcg::x86_64
