// The state save areas of system-management mode, in both of their forms.

#include "target/i386/helper/smm_save_area.h"

#include "target/i386/cpu/config.h"
#include "target/i386/cpu/host_interface.h"

namespace vireo::i386 {
namespace {

// I/O instruction restart and SMBASE relocation (bits 16 and 17), and which form.
constexpr uint32_t kRevision64 = 0x30064;
constexpr uint32_t kRevision32 = 0x30000;

/// Moves fields between an area and memory at SMBASE. `width` is that in memory.
struct Writer {
  Machine& machine;
  uint64_t base;
  template <class T>
  void operator()(unsigned offset, T& field, unsigned width = sizeof(T)) {
    machine.write_physical(base + offset, width, field);
  }
};
struct Reader {
  Machine& machine;
  uint64_t base;
  template <class T>
  void operator()(unsigned offset, T& field, unsigned width = sizeof(T)) {
    field = static_cast<T>(machine.read_physical(base + offset, width));
  }
};

template <class Visit>
void visit_segment_64(unsigned offset, Segment& segment, Visit& visit) {
  visit(offset, segment.selector);
  visit(offset + 2, segment.attributes);
  visit(offset + 4, segment.limit);
  visit(offset + 8, segment.base);
}

template <class Visit>
void visit_table_64(unsigned offset, DescriptorTable& table, Visit& visit) {
  visit(offset + 4, table.limit);
  visit(offset + 8, table.base);
}

// AMD64 APM volume 2, table 10-1. It names the segments in the order of their encoding.
template <class Visit>
void visit_64(SmmSaveArea& area, Visit& visit) {
  for (unsigned i = 0; i < kSegmentCount; ++i)
    visit_segment_64(0xfe00 + 16 * i, area.segments[i], visit);
  visit_table_64(0xfe60, area.gdtr, visit);
  visit_segment_64(0xfe70, area.ldtr, visit);
  visit_table_64(0xfe80, area.idtr, visit);
  visit_segment_64(0xfe90, area.tr, visit);
  visit(0xfea0, area.io.ip);
  visit(0xfea8, area.io.rcx);
  visit(0xfeb0, area.io.rsi);
  visit(0xfeb8, area.io.rdi);
  visit(0xfec0, area.io.info);
  visit(0xfec8, area.io_restart);
  visit(0xfec9, area.auto_halt);
  visit(0xfed0, area.efer);
  visit(0xfefc, area.revision);
  visit(0xff00, area.base);
  visit(0xff48, area.cr4);
  visit(0xff50, area.cr3);
  visit(0xff58, area.cr0);
  visit(0xff60, area.dr7);
  visit(0xff68, area.dr6);
  visit(0xff70, area.rflags);
  visit(0xff78, area.rip);
  for (unsigned i = 0; i < 16; ++i) visit(0xfff8 - 8 * i, area.general[i]);
}

// Hidden parts of segment registers have no place of their own in the manual's table: they go where
// it says "reserved", as all that follows it here.
template <class Visit>
void visit_segment_32(unsigned selector, unsigned hidden, Segment& segment, Visit& visit) {
  visit(selector, segment.selector);
  visit(hidden, segment.base, 4);
  visit(hidden + 4, segment.limit);
  visit(hidden + 8, segment.attributes);
}

template <class Visit>
void visit_reserved_32(SmmSaveArea& area, Visit& visit) {
  visit(0xfe60, area.gdtr.base, 4);
  visit(0xfe64, area.gdtr.limit);
  visit(0xfe68, area.idtr.base, 4);
  visit(0xfe6c, area.idtr.limit);
  visit(0xfe70, area.cr4, 4);
  visit(0xfe74, area.efer, 4);
  visit(0xfe78, area.io.info);
  visit(0xfe7c, area.io.ip, 4);
  visit(0xfe80, area.io.rcx, 4);
  visit(0xfe84, area.io.rsi, 4);
  visit(0xfe88, area.io.rdi, 4);
}

// SDM volume 3, table 31-1.
template <class Visit>
void visit_32(SmmSaveArea& area, Visit& visit) {
  visit(0xfef8, area.base);
  visit(0xfefc, area.revision);
  visit(0xff00, area.io_restart);
  visit(0xff02, area.auto_halt);
  for (unsigned i = 0; i < kSegmentCount; ++i)
    visit_segment_32(0xffa8 + 4 * i, 0xfe00 + 12 * i, area.segments[i], visit);
  visit_segment_32(0xffc0, 0xfe48, area.ldtr, visit);
  visit_segment_32(0xffc4, 0xfe54, area.tr, visit);
  visit(0xffc8, area.dr7, 4);
  visit(0xffcc, area.dr6, 4);
  for (unsigned i = 0; i < 8; ++i) visit(0xffd0 + 4 * i, area.general[i], 4);
  visit(0xfff0, area.rip, 4);
  visit(0xfff4, area.rflags, 4);
  visit(0xfff8, area.cr3, 4);
  visit(0xfffc, area.cr0, 4);
  visit_reserved_32(area, visit);
}

bool has_long_form(const CpuState& state) { return state.config->has(Feature::kLm); }

template <class Visit>
void visit(const CpuState& state, SmmSaveArea& area, Visit visit) {
  has_long_form(state) ? visit_64(area, visit) : visit_32(area, visit);
}

}  // namespace

void write_save_area(CpuState& state, SmmSaveArea area) {
  area.revision = has_long_form(state) ? kRevision64 : kRevision32;
  visit(state, area, Writer{*state.machine, state.smm.base});
}

SmmSaveArea read_save_area(CpuState& state) {
  SmmSaveArea area;
  visit(state, area, Reader{*state.machine, state.smm.base});
  return area;
}

}  // namespace vireo::i386
