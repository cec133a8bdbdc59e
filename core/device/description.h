#pragma once

#include <array>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "core/device/device.h"
#include "core/device/device_type.h"
#include "core/device/irq_line.h"
#include "core/device/registry.h"

namespace vireo::core {

/// Fills a DeviceType for class T; handed to `static void T::describe(Description<T>&)`. Members
/// may belong to T or a base of T, so that a base class can offer `template <class D> static void
/// describe_base(Description<D>&)`.
template <class T>
class Description {
 public:
  explicit Description(DeviceType& type) : type_(type) {}
  static void set_type(Device& device, const DeviceType& type) { device.type_ = &type; }

  void type(std::string_view name, std::string_view summary) {
    type_.name = name;
    type_.summary = summary;
  }
  /// The kind of bus that it sits on.
  void bus(std::string_view kind) { type_.bus = kind; }
  /// False for parts of chips that only a machine or another device creates.
  void user_creatable(bool yes) { type_.user_creatable = yes; }

  /// bool, an integer, std::string, ByteSize, MacAddress, Uuid or BackendRef<X>; the default is the
  /// initialiser.
  template <class C, class M>
  requires(!std::is_enum_v<M>) void property(std::string_view name, M C::*member,
                                             std::string_view help) {
    add_property(name, help, locator(member)).kind = &property_kind<M>();
  }
  /// An enumeration with its spellings.
  template <class C, class M>
  requires std::is_enum_v<M>
  void property(std::string_view name, M C::*member, std::string_view help,
                std::initializer_list<std::pair<const char*, M>> choices) {
    Property& property = add_property(name, help, locator(member));
    property.enum_size = sizeof(M);
    for (const auto& [spelling, value] : choices) {
      property.choices.push_back({spelling, static_cast<int64_t>(value)});
    }
  }

  template <class C>
  void interrupt(std::string_view name, IrqLine C::*line) {
    type_.interrupt_outputs.push_back(
        {std::string(name), 1,
         [line](Device& device, unsigned) -> IrqLine& { return self(device).*line; }});
  }
  template <class C, size_t N>
  void interrupt(std::string_view name, std::array<IrqLine, N> C::*lines) {
    type_.interrupt_outputs.push_back(
        {std::string(name), N, [lines](Device& device, unsigned index) -> IrqLine& {
           return (self(device).*lines)[index];
         }});
  }
  /// `set(line, level)` hears of `count` inputs.
  template <class C>
  void interrupt_inputs(std::string_view name, unsigned count,
                        void (C::*set)(unsigned line, bool level)) {
    type_.interrupt_inputs.push_back(
        {std::string(name), count,
         [set](Device& device, unsigned line, bool level) { (self(device).*set)(line, level); }});
  }

  /// A register of the port region "": `value read()` or `value read(unsigned width)`, `void
  /// write(value)` or `void write(value, unsigned width)`; nullptr for what is not there. Narrower
  /// accesses at its first byte go to it too; wider ones are split between neighbours.
  template <class Read, class Write>
  void port(uint64_t offset, std::string_view name, Read read, Write write, unsigned width = 1) {
    registers("", Space::ports, offset, name, read, write, width);
  }
  /// The same in a region of another name or space; the region grows to hold its registers.
  template <class Read, class Write>
  void registers(std::string_view region, Space space, uint64_t offset, std::string_view name,
                 Read read, Write write, unsigned width = 1) {
    Register description{offset, width, std::string(name), {}, {}};
    if constexpr (!std::is_null_pointer_v<Read>) description.read = reader(read);
    if constexpr (!std::is_null_pointer_v<Write>) description.write = writer(write);
    add_register(region, space, std::move(description));
  }
  /// A whole region: `uint64_t read(uint64_t offset, unsigned width)`, `void write(uint64_t offset,
  /// unsigned width, uint64_t value)`.
  template <class C, class D>
  void region(std::string_view name, Space space, uint64_t size,
              uint64_t (C::*read)(uint64_t, unsigned),
              void (D::*write)(uint64_t, unsigned, uint64_t), IoWidths widths = {}) {
    RegionDescription description;
    description.name = name;
    description.space = space;
    description.size = size;
    description.widths = widths;
    description.read = [read](Device& device, uint64_t offset, unsigned width) {
      return (self(device).*read)(offset, width);
    };
    description.write = [write](Device& device, uint64_t offset, unsigned width, uint64_t value) {
      (self(device).*write)(offset, width, value);
    };
    type_.regions.push_back(std::move(description));
  }

  /// Saved state: every member of struct S is a field() or derived(). The plain form is section
  /// "regs".
  template <class C, class S, class... Fields>
  void state(S C::*member, uint32_t version, Fields... fields) {
    state("regs", member, version, std::move(fields)...);
  }
  template <class C, class S, class... Fields>
  void state(std::string_view section, S C::*member, uint32_t version, Fields... fields) {
    add_state(section, member, version, state_fields<S>(std::move(fields)...)).kept_over_reset =
        false;
  }
  /// The same for what a reset leaves alone (battery-backed memory).
  template <class C, class S, class... Fields>
  void state_kept_over_reset(std::string_view section, S C::*member, uint32_t version,
                             Fields... fields) {
    add_state(section, member, version, state_fields<S>(std::move(fields)...)).kept_over_reset =
        true;
  }
  /// State that is no plain struct: `void save(FieldWriter&) const`, `Status load(const
  /// FieldReader&, uint32_t version)`. on_reset() resets it.
  template <class C, class D>
  void custom_state(std::string_view section, uint32_t version, void (C::*save)(FieldWriter&) const,
                    util::Status (D::*load)(const FieldReader&, uint32_t version)) {
    add_custom_state(section, version, save, load).kept_over_reset = false;
  }
  /// The same for what a reset leaves alone (video memory).
  template <class C, class D>
  void custom_state_kept_over_reset(std::string_view section, uint32_t version,
                                    void (C::*save)(FieldWriter&) const,
                                    util::Status (D::*load)(const FieldReader&, uint32_t version)) {
    add_custom_state(section, version, save, load).kept_over_reset = true;
  }

 private:
  static T& self(Device& device) { return static_cast<T&>(device); }

  template <class C, class M>
  static std::function<void*(Device&)> locator(M C::*member) {
    // A BackendRef is handled as its base; for all else this is the member itself.
    using Located = std::conditional_t<std::is_base_of_v<BackendRefBase, M>, BackendRefBase, M>;
    return [member](Device& device) -> void* {
      return static_cast<Located*>(&(self(device).*member));
    };
  }

  template <class C, class V>
  static auto reader(V (C::*read)()) {
    return
        [read](Device& device, unsigned) { return static_cast<uint64_t>((self(device).*read)()); };
  }
  template <class C, class V>
  static auto reader(V (C::*read)() const) {
    return
        [read](Device& device, unsigned) { return static_cast<uint64_t>((self(device).*read)()); };
  }
  template <class C, class V>
  static auto reader(V (C::*read)(unsigned)) {
    return [read](Device& device, unsigned width) {
      return static_cast<uint64_t>((self(device).*read)(width));
    };
  }
  template <class C, class V>
  static auto writer(void (C::*write)(V)) {
    return [write](Device& device, uint64_t value, unsigned) {
      (self(device).*write)(static_cast<V>(value));
    };
  }
  template <class C, class V>
  static auto writer(void (C::*write)(V, unsigned)) {
    return [write](Device& device, uint64_t value, unsigned width) {
      (self(device).*write)(static_cast<V>(value), width);
    };
  }

  Property& add_property(std::string_view name, std::string_view help,
                         std::function<void*(Device&)> locate) {
    Property& property = type_.properties.emplace_back();
    property.name = name;
    property.help = help;
    property.locate = std::move(locate);
    return property;
  }
  void add_register(std::string_view region, Space space, Register description) {
    core::add_register(type_, region, space, std::move(description));
  }
  template <class C, class S>
  StateSection& add_state(std::string_view section, S C::*member, uint32_t version,
                          std::vector<StateField> fields) {
    StateSection& description = type_.state.emplace_back();
    description.name = section;
    description.version = version;
    description.locate = locator(member);
    description.make_fresh = [](void* object) {
      *static_cast<S*>(object) = state_detail::fresh<S>();
    };
    description.fields = std::move(fields);
    return description;
  }

  template <class C, class D>
  StateSection& add_custom_state(std::string_view section, uint32_t version,
                                 void (C::*save)(FieldWriter&) const,
                                 util::Status (D::*load)(const FieldReader&, uint32_t version)) {
    StateSection& description = type_.state.emplace_back();
    description.name = section;
    description.version = version;
    description.save = [save](Device& device, FieldWriter& writer) {
      (self(device).*save)(writer);
    };
    description.load = [load](Device& device, const FieldReader& reader, uint32_t stream_version) {
      return (self(device).*load)(reader, stream_version);
    };
    return description;
  }

  DeviceType& type_;
};

/// The type of class T, described once.
template <class T>
const DeviceType& device_type() {
  static const DeviceType* const type = [] {
    static DeviceType described;
    Description<T> description(described);
    T::describe(description);
    described.create = []() -> std::unique_ptr<Device> {
      auto device = std::make_unique<T>();
      Description<T>::set_type(*device, described);
      return device;
    };
    return &described;
  }();
  return *type;
}

/// A device of class T, for code that knows the class (machines, tests).
template <class T>
std::unique_ptr<T> make_device() {
  return std::unique_ptr<T>(static_cast<T*>(device_type<T>().create().release()));
}

}  // namespace vireo::core

#define VIREO_CORE_JOIN_(a, b) a##b
#define VIREO_CORE_JOIN(a, b) VIREO_CORE_JOIN_(a, b)

/// At namespace scope in the device's source file: makes the type known to DeviceRegistry.
#define REGISTER_DEVICE(Class)                                    \
  static const ::vireo::core::DeviceRegistration VIREO_CORE_JOIN( \
      registration_, __LINE__)(&::vireo::core::device_type<Class>)
