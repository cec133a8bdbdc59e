#pragma once

#include <cstddef>

namespace vireo::util {

/// Moves the code of this program into huge pages, so that its instruction fetches and guest code's
/// share the host's TLBs with less crowding. Addresses stay; other threads may run meanwhile. From
/// then on perf knows no names for it, since the pages are no longer the file's. The program has to
/// be linked for segments of 2 MiB. Returns how many bytes were moved: none where the host has no
/// huge pages or something lies in the way.
size_t move_text_to_huge_pages();

}  // namespace vireo::util
