// On Linux: a copy in anonymous memory takes the place of the mapped file. File systems that could
// have huge pages themselves are rare, and need a kernel that was configured for it.
#include "util/host/huge_text.h"

#ifdef __linux__
#include <link.h>
#include <sys/mman.h>

#include <cstdint>
#include <cstring>

#include "util/bits.h"
#include "util/host/memory.h"

namespace vireo::util {
namespace {

struct Text {
  std::byte* begin = nullptr;
  size_t size = 0;
};

/// The segment that this function is part of.
int find_text(dl_phdr_info* info, size_t, void* result) {
  const auto here = reinterpret_cast<uintptr_t>(&find_text);
  for (size_t i = 0; i < info->dlpi_phnum; ++i) {
    const auto& segment = info->dlpi_phdr[i];
    const uintptr_t begin = info->dlpi_addr + segment.p_vaddr;
    if (segment.p_type != PT_LOAD || here - begin >= segment.p_memsz) continue;
    *static_cast<Text*>(result) = {reinterpret_cast<std::byte*>(begin), segment.p_memsz};
    return 1;
  }
  return 0;
}

/// Whether nothing lies between the last page of the text and the end of its last huge page.
bool is_free_behind(const Text& text, size_t moved) {
  const size_t used = align_up(text.size, host_page_size());
  if (used == moved) return true;
  void* const rest = text.begin + used;
  void* const mapped =
      mmap(rest, moved - used, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  if (mapped == MAP_FAILED) return false;
  munmap(mapped, moved - used);
  return mapped == rest;  // older kernels take the address as a hint
}

}  // namespace

size_t move_text_to_huge_pages() {
  Text text;
  dl_iterate_phdr(&find_text, &text);
  if (!text.begin || reinterpret_cast<uintptr_t>(text.begin) % kHugePage != 0) return 0;
  const size_t size = align_up(text.size, kHugePage);
  if (!is_free_behind(text, size)) return 0;
  auto copy = MemoryMapping::create("program text", size, MemoryMapping::Pages::huge_if_possible);
  if (!copy) return 0;
  std::memcpy(copy->data(), text.begin, text.size);
  __builtin___clear_cache(reinterpret_cast<char*>(copy->data()),
                          reinterpret_cast<char*>(copy->data() + text.size));
  if (mprotect(copy->data(), size, PROT_READ | PROT_EXEC) != 0) return 0;
  // Whoever runs here meanwhile waits in a page fault until the copy is in place.
  void* const moved = mremap(copy->data(), size, size, MREMAP_MAYMOVE | MREMAP_FIXED, text.begin);
  if (moved == MAP_FAILED) return 0;
  copy->release();
  return size;
}

}  // namespace vireo::util

#else

namespace vireo::util {

size_t move_text_to_huge_pages() { return 0; }

}  // namespace vireo::util

#endif
