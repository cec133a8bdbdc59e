// An encoder for the part of the ACPI Machine Language that describes a PC.

#include "hw/acpi/aml.h"

#include <algorithm>

namespace vireo::hw::aml {
namespace {

enum Opcode : uint8_t {
  kZero = 0x00,
  kOne = 0x01,
  kName = 0x08,
  kByte = 0x0a,
  kWord = 0x0b,
  kDword = 0x0c,
  kString = 0x0d,
  kQword = 0x0e,
  kScope = 0x10,
  kBuffer = 0x11,
  kPackage = 0x12,
  kMethod = 0x14,
  kDualName = 0x2e,
  kMultiName = 0x2f,
  kExtended = 0x5b,
  kArg0 = 0x68,
  kStore = 0x70,
  kAnd = 0x7b,
  kOr = 0x7d,
  kCreateDwordField = 0x8a,
  kIf = 0xa0,
  kReturn = 0xa4,
};
enum ExtendedOpcode : uint8_t { kOperationRegion = 0x80, kField = 0x81, kDevice = 0x82 };

template <class T>
void append(Term& to, T value) {
  for (unsigned i = 0; i < sizeof(T); ++i) to.push_back(static_cast<uint8_t>(value >> 8 * i));
}

void append(Term& to, const Term& more) { to.insert(to.end(), more.begin(), more.end()); }

// A package length counts itself (20.2.4).
Term with_length(const Term& contents) {
  size_t bytes = 1;
  while (contents.size() + bytes >= (bytes == 1 ? 0x40u : 1u << (4 + 8 * (bytes - 1)))) ++bytes;
  const size_t length = contents.size() + bytes;
  Term term;
  if (bytes == 1) {
    term.push_back(static_cast<uint8_t>(length));
  } else {
    term.push_back(static_cast<uint8_t>((bytes - 1) << 6 | (length & 0x0f)));
    for (size_t i = 0; i + 1 < bytes; ++i) {
      term.push_back(static_cast<uint8_t>(length >> (4 + 8 * i)));
    }
  }
  append(term, contents);
  return term;
}

Term block(std::initializer_list<uint8_t> opcode, Term head, const std::vector<Term>& terms) {
  append(head, concatenate(terms));
  Term term(opcode);
  append(term, with_length(head));
  return term;
}

void append_segment(Term& to, std::string_view segment) {
  for (size_t i = 0; i < 4; ++i) {
    to.push_back(static_cast<uint8_t>(i < segment.size() ? segment[i] : '_'));
  }
}

// Address space descriptors (6.4.3.5): windows of a producer with fixed ends.
template <class T>
Term window(uint8_t tag, uint8_t type, uint8_t type_flags, T first, T last) {
  Term term{tag};
  append<uint16_t>(term, static_cast<uint16_t>(3 + 5 * sizeof(T)));
  term.push_back(type);
  term.push_back(0x0c);  // minimum and maximum are fixed
  term.push_back(type_flags);
  append<T>(term, 0);
  append<T>(term, first);
  append<T>(term, last);
  append<T>(term, 0);
  append<T>(term, static_cast<T>(last - first + 1));
  return term;
}

constexpr uint8_t kMemorySpace = 0, kPortSpace = 1, kBusSpace = 2;
constexpr uint8_t kReadWriteUncached = 0x01;
constexpr uint8_t kEntireRange = 0x03;

}  // namespace

Term concatenate(const std::vector<Term>& terms) {
  Term all;
  for (const Term& term : terms) append(all, term);
  return all;
}

Term path(std::string_view text) {
  Term term;
  if (text.starts_with('\\')) {
    term.push_back('\\');
    text.remove_prefix(1);
  }
  std::vector<std::string_view> segments;
  for (size_t dot; !text.empty(); text.remove_prefix(dot)) {
    dot = text.find('.');
    segments.push_back(text.substr(0, dot));
    dot = dot == text.npos ? text.size() : dot + 1;
  }
  if (segments.size() == 2) term.push_back(kDualName);
  if (segments.size() > 2) {
    term.push_back(kMultiName);
    term.push_back(static_cast<uint8_t>(segments.size()));
  }
  for (std::string_view segment : segments) append_segment(term, segment);
  return term;
}

Term integer(uint64_t value) {
  if (value == 0) return {kZero};
  if (value == 1) return {kOne};
  Term term;
  if (value <= 0xff) {
    term = {kByte, static_cast<uint8_t>(value)};
  } else if (value <= 0xffff) {
    term = {kWord};
    append<uint16_t>(term, static_cast<uint16_t>(value));
  } else if (value <= 0xffffffff) {
    term = {kDword};
    append<uint32_t>(term, static_cast<uint32_t>(value));
  } else {
    term = {kQword};
    append<uint64_t>(term, value);
  }
  return term;
}

Term string(std::string_view text) {
  Term term(text.size() + 2);
  term.front() = kString;
  std::copy(text.begin(), text.end(), term.begin() + 1);
  return term;
}

// Three letters of five bits and four hexadecimal digits, big-endian.
Term eisa_id(std::string_view id) {
  uint32_t value = 0;
  for (size_t i = 0; i < 3; ++i) value = value << 5 | (static_cast<uint32_t>(id[i]) & 0x1f);
  for (size_t i = 3; i < 7; ++i) {
    const char digit = id[i];
    value = value << 4 | static_cast<uint32_t>(digit <= '9' ? digit - '0' : digit - 'A' + 10);
  }
  return integer(__builtin_bswap32(value));
}

Term package(const std::vector<Term>& elements) {
  return block({kPackage}, {static_cast<uint8_t>(elements.size())}, elements);
}

Term buffer(const Term& bytes) { return block({kBuffer}, integer(bytes.size()), {bytes}); }

Term name(std::string_view at, const Term& value) {
  return concatenate({{kName}, path(at), value});
}

Term scope(std::string_view at, const std::vector<Term>& terms) {
  return block({kScope}, path(at), terms);
}

Term device(std::string_view at, const std::vector<Term>& terms) {
  return block({kExtended, kDevice}, path(at), terms);
}

Term method(std::string_view at, unsigned arguments, const std::vector<Term>& terms) {
  Term head = path(at);
  head.push_back(static_cast<uint8_t>(arguments));
  return block({kMethod}, std::move(head), terms);
}

Term operation_region(std::string_view at, RegionSpace space, uint64_t offset, uint64_t length) {
  return concatenate({{kExtended, kOperationRegion},
                      path(at),
                      {static_cast<uint8_t>(space)},
                      integer(offset),
                      integer(length)});
}

Term byte_fields(std::string_view region, std::initializer_list<std::string_view> names) {
  Term head = path(region);
  head.push_back(0x01);  // byte access, no lock, the other bits are preserved
  for (std::string_view field : names) {
    append_segment(head, field);
    head.push_back(8);
  }
  return block({kExtended, kField}, std::move(head), {});
}

Term create_dword_field(const Term& source, unsigned offset, std::string_view field) {
  return concatenate({{kCreateDwordField}, source, integer(offset), path(field)});
}

Term argument(unsigned index) { return {static_cast<uint8_t>(kArg0 + index)}; }

Term store(const Term& value, const Term& target) { return concatenate({{kStore}, value, target}); }

Term bit_and(const Term& a, const Term& b) { return concatenate({{kAnd}, a, b, {kZero}}); }

Term bit_or_into(const Term& a, const Term& b, const Term& target) {
  return concatenate({{kOr}, a, b, target});
}

Term if_true(const Term& condition, const std::vector<Term>& terms) {
  return block({kIf}, condition, terms);
}

Term return_value(const Term& value) { return concatenate({{kReturn}, value}); }

Term resources(const std::vector<Term>& descriptors) {
  Term all = concatenate(descriptors);
  // The end tag; a checksum of zero is always right.
  append(all, {0x79, 0x00});
  return buffer(all);
}

Term io_ports(uint16_t base, uint8_t length) {
  Term term{0x47, 0x01};
  append<uint16_t>(term, base);
  append<uint16_t>(term, base);
  append(term, {0x01, length});
  return term;
}

Term irq(unsigned number) {
  Term term{0x22};
  append<uint16_t>(term, static_cast<uint16_t>(1u << number));
  return term;
}

Term dma(unsigned channel) { return {0x2a, static_cast<uint8_t>(1u << channel), 0x00}; }

Term shared_interrupts(const std::vector<uint32_t>& numbers) {
  Term term{0x89};
  append<uint16_t>(term, static_cast<uint16_t>(2 + 4 * numbers.size()));
  append(term, {0x09, static_cast<uint8_t>(numbers.size())});
  for (uint32_t number : numbers) append<uint32_t>(term, number);
  return term;
}

Term fixed_memory(uint32_t base, uint32_t length) {
  Term term{0x86, 9, 0, 0x01};
  append<uint32_t>(term, base);
  append<uint32_t>(term, length);
  return term;
}

Term bus_numbers(uint16_t first, uint16_t last) {
  return window<uint16_t>(0x88, kBusSpace, 0, first, last);
}

Term port_window(uint16_t first, uint16_t last) {
  return window<uint16_t>(0x88, kPortSpace, kEntireRange, first, last);
}

Term memory_window32(uint32_t first, uint32_t last) {
  return window<uint32_t>(0x87, kMemorySpace, kReadWriteUncached, first, last);
}

Term memory_window64(uint64_t first, uint64_t last) {
  return window<uint64_t>(0x8a, kMemorySpace, kReadWriteUncached, first, last);
}

}  // namespace vireo::hw::aml
