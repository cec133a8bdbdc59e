// Copies of the pages that a block touches.

#include "tcg/backend/lockstep/shadow_memory.h"

#include <fmt/format.h>

#include <bit>
#include <cstring>

namespace vireo::tcg::lockstep {
namespace {

uint64_t offset_of(const uint8_t* host) {
  return offset_in_page(reinterpret_cast<uintptr_t>(host));
}

}  // namespace

ShadowMemory::ShadowMemory() {
  for (auto& tlb : tlb_) tlb = std::make_unique<Tlb>();
}

void ShadowMemory::clear() {
  for (const Mapping& mapping : mappings_) {
    for (const bool is_write : {false, true}) {
      tlb_[mapping.tlb]->entry(mapping.address, is_write) = {
          invalid_tag(tlb_index(mapping.address)), nullptr};
    }
  }
  mappings_.clear();
  used_ = 0;
}

void ShadowMemory::Page::use_lines(uint64_t offset, unsigned size) {
  for (uint64_t line = offset / kLineBytes; line <= (offset + size - 1) / kLineBytes; ++line) {
    if ((lines >> line & 1) != 0) continue;
    lines |= uint64_t{1} << line;
    const uint64_t at = line * kLineBytes;
    std::memcpy(before + at, real + at, kLineBytes);
    std::memcpy(found + at, before + at, kLineBytes);
    std::memcpy(expected + at, before + at, kLineBytes);
  }
}

ShadowMemory::Page& ShadowMemory::page_of(const uint8_t* real, uint64_t address) {
  for (size_t i = 0; i < used_; ++i) {
    if (pages_[i]->real == real) return *pages_[i];
  }
  if (used_ == pages_.size()) pages_.push_back(std::make_unique<Page>());
  Page& page = *pages_[used_++];
  page.real = real;
  page.address = address;
  page.lines = 0;
  return page;
}

ShadowMemory::Page& ShadowMemory::page_around(const uint8_t* host) {
  return page_of(host - offset_of(host), 0);
}

void ShadowMemory::touch(TlbName tlb, uint64_t va, unsigned size, const TlbEntry& real,
                         Access access) {
  const uint64_t address = tcg::page_of(va);
  Page& page = page_of(real.host, address);
  page.use_lines(va - address, size);
  for (Mapping& mapping : mappings_) {
    if (mapping.tlb != tlb || mapping.address != address) continue;
    mapping.readable |= access == Access::kRead;
    mapping.writable |= access == Access::kWrite;
    return;
  }
  mappings_.push_back({tlb, address, &page, access == Access::kRead, access == Access::kWrite});
}

// What somebody else wrote since the line was copied, the subject shall find from the beginning.
void ShadowMemory::note_read(const uint8_t* host, const uint8_t* bytes, unsigned size) {
  Page& page = page_around(host);
  const uint64_t offset = offset_of(host);
  if (std::memcmp(page.expected + offset, bytes, size) == 0) return;
  for (uint8_t* copy : {page.before, page.found, page.expected}) {
    std::memcpy(copy + offset, bytes, size);
  }
}

void ShadowMemory::note_write(const uint8_t* host, const uint8_t* bytes, unsigned size) {
  std::memcpy(page_around(host).expected + offset_of(host), bytes, size);
}

void ShadowMemory::write(const uint8_t* host, const uint8_t* bytes, unsigned size) {
  std::memcpy(page_around(host).found + offset_of(host), bytes, size);
}

bool ShadowMemory::install() {
  for (const Mapping& mapping : mappings_) {
    for (const bool is_write : {false, true}) {
      if (!(is_write ? mapping.writable : mapping.readable)) continue;
      const TlbPlace entry = tlb_[mapping.tlb]->entry(mapping.address, is_write);
      if (entry.host != nullptr) {
        clear();
        return false;
      }
      entry = TlbEntry{mapping.address, mapping.page->found};
    }
  }
  return true;
}

// The lines in use, by page and offset.
template <class F>
void ShadowMemory::for_each_line(F&& visit) const {
  for (size_t i = 0; i < used_; ++i) {
    for (uint64_t lines = pages_[i]->lines; lines != 0; lines &= lines - 1) {
      visit(*pages_[i], static_cast<unsigned>(std::countr_zero(lines)) * kLineBytes);
    }
  }
}

void ShadowMemory::restart() {
  for_each_line([](Page& page, unsigned line) {
    std::memcpy(page.found + line, page.before + line, kLineBytes);
  });
}

std::string ShadowMemory::differences() const {
  std::string text;
  for_each_line([&text](const Page& page, unsigned line) {
    if (std::memcmp(page.found + line, page.expected + line, kLineBytes) == 0) return;
    for (unsigned at = line; at < line + kLineBytes; ++at) {
      if (page.found[at] == page.expected[at]) continue;
      text += fmt::format("  memory byte {:#x}: {:#04x} on the reference, {:#04x} on the subject\n",
                          page.address + at, page.expected[at], page.found[at]);
    }
  });
  return text;
}

}  // namespace vireo::tcg::lockstep
