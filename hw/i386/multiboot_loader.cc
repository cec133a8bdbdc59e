// The Multiboot specification, version 0.6.96: ELF and address-override images, modules, memory
// map.

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "core/memory/address_space.h"
#include "hw/i386/direct_boot.h"
#include "hw/i386/host_file.h"
#include "util/bits.h"
#include "util/byte_order.h"
#include "util/text.h"

namespace vireo::hw {
namespace {

using util::load_little;
using util::store_little;
using Bytes = std::span<const std::byte>;

constexpr uint32_t kHeaderMagic = 0x1badb002;
constexpr uint32_t kLoaderMagic = 0x2badb002;
constexpr size_t kSearchSize = 8192;
constexpr uint32_t kAddressesValid = 1u << 16;
constexpr uint32_t kMandatory = 0xffff & ~7u;  // page alignment, memory and video are understood
enum InfoFlag : uint32_t {
  kInfoMemory = 1u << 0,
  kInfoCommandLine = 1u << 2,
  kInfoModules = 1u << 3,
  kInfoMemoryMap = 1u << 6,
  kInfoLoaderName = 1u << 9,
};
constexpr size_t kInfoSize = 88;
constexpr size_t kLongestInfo = 0xe000;
constexpr size_t kMaxModules = 64;

util::Error invalid(std::string message) {
  return {util::ErrorCode::kInvalidArgument, std::move(message)};
}

std::optional<size_t> find_header(Bytes image) {
  const size_t end = std::min(image.size(), kSearchSize);
  for (size_t offset = 0; offset + 12 <= end; offset += 4) {
    const auto word = [&](size_t index) {
      return load_little<uint32_t>(&image[offset + 4 * index]);
    };
    if (word(0) == kHeaderMagic && word(0) + word(1) + word(2) == 0) return offset;
  }
  return std::nullopt;
}

// A piece of the image and where it goes; zeroed from `contents` to `memory_size`.
struct Segment {
  uint64_t address;
  Bytes contents;
  uint64_t memory_size;
};

struct Program {
  std::vector<Segment> segments;
  uint32_t entry = 0;
};

util::Result<Program> parse_addresses(Bytes image, size_t header) {
  if (header + 32 > image.size()) return invalid("the multiboot header is cut off");
  const auto word = [&](size_t index) { return load_little<uint32_t>(&image[header + 4 * index]); };
  const uint32_t header_address = word(3), load = word(4), load_end = word(5), bss_end = word(6);
  const uint64_t file_offset = uint64_t{header} - (header_address - load);
  if (header_address < load || file_offset > image.size()) {
    return invalid("the multiboot header's addresses contradict each other");
  }
  Bytes contents = image.subspan(file_offset);
  if (load_end != 0) {
    if (load_end < load || load_end - load > contents.size()) {
      return invalid("the multiboot image is shorter than its header says");
    }
    contents = contents.first(load_end - load);
  }
  const uint64_t memory_size = bss_end > load ? bss_end - load : 0;
  return Program{{{load, contents, std::max<uint64_t>(memory_size, contents.size())}}, word(7)};
}

// ELF32 and ELF64 differ in the widths and places of the few fields that matter.
struct ElfLayout {
  unsigned width, entry, program_headers, entry_size, entry_count;
  unsigned offset, physical, file_size, memory_size;
};
constexpr ElfLayout kElf32{4, 24, 28, 42, 44, 4, 12, 16, 20};
constexpr ElfLayout kElf64{8, 24, 32, 54, 56, 8, 24, 32, 40};

util::Result<Program> parse_elf(Bytes image) {
  if (image.size() < 64 || load_little<uint32_t>(image.data()) != 0x464c457f) {
    return invalid("the multiboot image is no ELF file and has no load addresses");
  }
  const ElfLayout& elf = image[4] == std::byte{2} ? kElf64 : kElf32;
  Program program;
  program.entry = static_cast<uint32_t>(load_little(&image[elf.entry], elf.width));
  const uint64_t table = load_little(&image[elf.program_headers], elf.width);
  const uint64_t entry_size = load_little<uint16_t>(&image[elf.entry_size]);
  const uint64_t count = load_little<uint16_t>(&image[elf.entry_count]);
  const uint64_t needed = elf.width == 8 ? 56 : 32;
  if (table > image.size() || entry_size < needed || count * entry_size > image.size() - table) {
    return invalid("the ELF program headers lie outside the file");
  }
  for (uint64_t i = 0; i < count; ++i) {
    const std::byte* header = &image[table + i * entry_size];
    if (load_little<uint32_t>(header) != 1) continue;  // PT_LOAD
    const uint64_t offset = load_little(header + elf.offset, elf.width);
    const uint64_t file_size = load_little(header + elf.file_size, elf.width);
    const uint64_t memory_size = load_little(header + elf.memory_size, elf.width);
    if (offset > image.size() || file_size > image.size() - offset || memory_size < file_size) {
      return invalid("an ELF segment lies outside the file");
    }
    program.segments.push_back({load_little(header + elf.physical, elf.width),
                                image.subspan(offset, file_size), memory_size});
  }
  return program;
}

bool fits(uint64_t address, uint64_t size, const BootMemory& layout) {
  const uint64_t end = address < 0x100000 ? kLoaderArea : layout.low_ram_end;
  return address <= end && size <= end - address;
}

// Strings and tables that the information structure points to, built up behind it.
class InfoBuilder {
 public:
  uint32_t address() const { return kLoaderArea + static_cast<uint32_t>(bytes_.size()); }
  uint32_t add(std::string_view text) {
    const uint32_t at = address();
    for (char character : text) bytes_.push_back(static_cast<std::byte>(character));
    bytes_.push_back({});
    return at;
  }
  void align() { bytes_.resize(util::align_up(bytes_.size(), 8)); }
  template <class T>
  void put(T value) {
    bytes_.resize(bytes_.size() + sizeof(T));
    store_little<T>(&bytes_[bytes_.size() - sizeof(T)], value);
  }
  void set(size_t offset, uint32_t value) { store_little<uint32_t>(&bytes_[offset], value); }
  const std::vector<std::byte>& bytes() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_ = std::vector<std::byte>(kInfoSize);
};

struct Module {
  uint32_t start, end, text;
};

util::Result<std::vector<Module>> load_modules(core::AddressSpace& memory, const BootMemory& layout,
                                               uint64_t free, const std::string& list,
                                               InfoBuilder& info) {
  std::vector<Module> modules;
  if (list.empty()) return modules;
  for (std::string_view item : util::split(list, ',')) {
    const std::string text(util::trim(item));
    auto contents = read_host_file(text.substr(0, text.find(' ')), layout.low_ram_end);
    if (!contents) return std::move(contents).error().with_context("-initrd");
    free = util::align_up(free, 4096);
    if (modules.size() == kMaxModules || !fits(free, contents->size(), layout)) {
      return invalid(fmt::format("-initrd '{}' does not fit", text));
    }
    memory.write(free, *contents);
    const uint64_t end = free + contents->size();
    modules.push_back({static_cast<uint32_t>(free), static_cast<uint32_t>(end), info.add(text)});
    free = end;
  }
  return modules;
}

void add_memory_map(const BootMemory& layout, InfoBuilder& info) {
  info.align();
  info.set(48, info.address());
  info.set(44, static_cast<uint32_t>(layout.ranges.size() * 24));
  for (const AddressRange& range : layout.ranges) {
    info.put<uint32_t>(20);  // the size field does not count itself
    info.put<uint64_t>(range.base);
    info.put<uint64_t>(range.length);
    info.put<uint32_t>(static_cast<uint32_t>(range.type));
  }
}

util::Status load_segments(core::AddressSpace& memory, const BootMemory& layout,
                           const Program& program, uint64_t& end) {
  for (const Segment& segment : program.segments) {
    if (!fits(segment.address, segment.memory_size, layout)) {
      return invalid(fmt::format("a segment at {:#x} does not fit into memory", segment.address));
    }
    memory.write(segment.address, segment.contents);
    const std::vector<std::byte> zeros(segment.memory_size - segment.contents.size());
    memory.write(segment.address + segment.contents.size(), zeros);
    end = std::max(end, segment.address + segment.memory_size);
  }
  return {};
}

}  // namespace

bool is_multiboot(std::span<const std::byte> image) { return find_header(image).has_value(); }

util::Result<BootEntry> install_multiboot(core::AddressSpace& memory, const BootMemory& layout,
                                          std::span<const std::byte> image,
                                          const DirectBoot::Files& files) {
  const std::string context = fmt::format("-kernel '{}'", files.kernel);
  const size_t header = *find_header(image);
  const uint32_t flags = load_little<uint32_t>(&image[header + 4]);
  if (flags & kMandatory) {
    return invalid(fmt::format("{} asks for unknown multiboot features {:#x}", context, flags));
  }
  auto program = flags & kAddressesValid ? parse_addresses(image, header) : parse_elf(image);
  if (!program) return std::move(program).error().with_context(context);
  uint64_t end = 0x100000;
  if (auto loaded = load_segments(memory, layout, *program, end); !loaded) {
    return std::move(loaded).error().with_context(context);
  }

  InfoBuilder info;
  info.set(4, kLoaderArea >> 10);
  info.set(8, static_cast<uint32_t>((layout.low_ram_end - 0x100000) >> 10));
  info.set(16, info.add(files.kernel + " " + files.command_line));
  info.set(64, info.add("vireo"));
  VIREO_TRY_ASSIGN(modules, load_modules(memory, layout, end, files.initrd, info));
  info.align();
  info.set(20, static_cast<uint32_t>(modules.size()));
  info.set(24, info.address());
  for (const Module& module : modules) {
    for (uint32_t value : {module.start, module.end, module.text, 0u}) info.put(value);
  }
  add_memory_map(layout, info);
  info.set(0, kInfoMemory | kInfoCommandLine | kInfoModules | kInfoMemoryMap | kInfoLoaderName);
  if (info.bytes().size() > kLongestInfo) return invalid("-append and -initrd are too long");
  memory.write(kLoaderArea, info.bytes());

  BootEntry entry{
      .eip = program->entry, .eax = kLoaderMagic, .ebx = kLoaderArea, .esp = kLoaderArea};
  install_flat_gdt(memory, entry);
  return entry;
}

}  // namespace vireo::hw
