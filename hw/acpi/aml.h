#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <vector>

/// Builders for ACPI Machine Language (ACPI 6.4, chapter 20) and resource descriptors (6.4). Each
/// function returns the encoding of one term; terms are put together by nesting.
namespace vireo::hw::aml {

using Term = std::vector<uint8_t>;
using Terms = std::initializer_list<Term>;

/// All terms one after the other.
Term concatenate(const std::vector<Term>& terms);

/// A path such as "\\_SB.PCI0" or "_HID"; segments shorter than four characters are padded.
Term path(std::string_view text);
Term integer(uint64_t value);
Term string(std::string_view text);
/// A compressed EISA id such as "PNP0A03".
Term eisa_id(std::string_view id);
Term package(const std::vector<Term>& elements);
Term buffer(const Term& bytes);

Term name(std::string_view path, const Term& value);
Term scope(std::string_view path, const std::vector<Term>& terms);
Term device(std::string_view path, const std::vector<Term>& terms);
Term method(std::string_view path, unsigned arguments, const std::vector<Term>& terms);

enum class RegionSpace : uint8_t { memory = 0, io = 1, pci_config = 2 };
Term operation_region(std::string_view path, RegionSpace space, uint64_t offset, uint64_t length);
/// Fields of 8 bits each, in order, accessed as bytes.
Term byte_fields(std::string_view region, std::initializer_list<std::string_view> names);
Term create_dword_field(const Term& source, unsigned offset, std::string_view name);

Term argument(unsigned index);
Term store(const Term& value, const Term& target);
Term bit_and(const Term& a, const Term& b);
Term bit_or_into(const Term& a, const Term& b, const Term& target);
Term if_true(const Term& condition, const std::vector<Term>& terms);
Term return_value(const Term& value);

// Resources.
/// A buffer of resource descriptors with its end tag.
Term resources(const std::vector<Term>& descriptors);
Term io_ports(uint16_t base, uint8_t length);
Term irq(unsigned number);
/// An 8-bit ISA DMA channel.
Term dma(unsigned channel);
/// An extended interrupt descriptor: level, active high, shared. With one number, that number lies
/// at kInterruptNumberOffset of a template that holds only this.
Term shared_interrupts(const std::vector<uint32_t>& numbers);
inline constexpr unsigned kInterruptNumberOffset = 5;
Term fixed_memory(uint32_t base, uint32_t length);
/// Windows that a host bridge passes on.
Term bus_numbers(uint16_t first, uint16_t last);
Term port_window(uint16_t first, uint16_t last);
Term memory_window32(uint32_t first, uint32_t last);
Term memory_window64(uint64_t first, uint64_t last);

}  // namespace vireo::hw::aml
