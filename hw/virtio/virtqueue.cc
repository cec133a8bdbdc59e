// Split virtqueues: descriptor table, available and used ring in guest memory (virtio 1.2, 2.7).

#include "hw/virtio/virtqueue.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstring>

#include "core/memory/address_space.h"
#include "hw/virtio/virtio_registers.h"
#include "util/byte_order.h"

namespace vireo::hw {
namespace {

enum DescriptorFlag : uint16_t { kNext = 1, kWrite = 2, kIndirect = 4 };
constexpr uint16_t kNoInterrupt = 1;  // available ring's flags
constexpr uint16_t kNoNotify = 1;     // used ring's flags
constexpr unsigned kDescriptorSize = 16;
constexpr unsigned kUsedElementSize = 8;

// Ring fields that the driver reads or writes at the same time. Their addresses are aligned, as
// map() checks.
uint16_t load_field(std::span<const std::byte> area, size_t offset) {
  uint16_t value =
      __atomic_load_n(reinterpret_cast<const uint16_t*>(area.data() + offset), __ATOMIC_ACQUIRE);
  return std::endian::native == std::endian::little ? value : util::swap_bytes(value);
}
void store_field(std::span<std::byte> area, size_t offset, uint16_t value) {
  if (std::endian::native != std::endian::little) value = util::swap_bytes(value);
  __atomic_store_n(reinterpret_cast<uint16_t*>(area.data() + offset), value, __ATOMIC_RELEASE);
}

uint64_t total(std::span<const BufferPiece> pieces) {
  uint64_t length = 0;
  for (const BufferPiece& piece : pieces) length += piece.host.size();
  return length;
}

}  // namespace

uint64_t QueueElement::readable_length() const { return total(readable); }
uint64_t QueueElement::writable_length() const { return total(writable); }

std::vector<BufferPiece> slice_pieces(std::span<const BufferPiece> pieces, uint64_t offset,
                                      uint64_t length) {
  std::vector<BufferPiece> slice;
  for (const BufferPiece& piece : pieces) {
    if (length == 0) break;
    if (offset >= piece.host.size()) {
      offset -= piece.host.size();
      continue;
    }
    const uint64_t part = std::min<uint64_t>(piece.host.size() - offset, length);
    slice.push_back({piece.address + offset, piece.host.subspan(offset, part)});
    length -= part;
    offset = 0;
  }
  return slice;
}

size_t copy_from_pieces(std::span<const BufferPiece> pieces, uint64_t offset,
                        std::span<std::byte> into) {
  size_t done = 0;
  for (const BufferPiece& piece : pieces) {
    if (done == into.size()) break;
    if (offset >= piece.host.size()) {
      offset -= piece.host.size();
      continue;
    }
    const size_t part = std::min<size_t>(piece.host.size() - offset, into.size() - done);
    std::memcpy(into.data() + done, piece.host.data() + offset, part);
    done += part;
    offset = 0;
  }
  return done;
}

size_t copy_to_pieces(std::span<const BufferPiece> pieces, uint64_t offset,
                      std::span<const std::byte> from) {
  size_t done = 0;
  for (const BufferPiece& piece : pieces) {
    if (done == from.size()) break;
    if (offset >= piece.host.size()) {
      offset -= piece.host.size();
      continue;
    }
    const size_t part = std::min<size_t>(piece.host.size() - offset, from.size() - done);
    std::memcpy(piece.host.data() + offset, from.data() + done, part);
    done += part;
    offset = 0;
  }
  return done;
}

Virtqueue::Virtqueue(core::AddressSpace& memory, QueueState& state, const uint64_t& features,
                     std::function<void(std::string_view)> on_broken)
    : memory_(memory), state_(state), features_(features), on_broken_(std::move(on_broken)) {}

bool Virtqueue::event_index() const { return features_ & virtio_bit(kVirtioEventIndex); }

bool Virtqueue::fail(std::string_view why) {
  if (!broken_) {
    broken_ = true;
    on_broken_(why);
  }
  return false;
}

bool Virtqueue::map() {
  if (broken_ || !state_.enabled || state_.size == 0) return false;
  if (mapped_) return true;
  if ((state_.descriptors | state_.used) & 3 || state_.available & 1) {
    return fail("a ring is not aligned");
  }
  const unsigned size = state_.size;
  descriptors_ = memory_.host_span(state_.descriptors, uint64_t{kDescriptorSize} * size, false);
  // Both rings end with the other side's event index.
  available_ = memory_.host_span(state_.available, 6 + 2 * size, false);
  used_ = memory_.host_span(state_.used, 6 + kUsedElementSize * size, true);
  if (descriptors_.empty() || available_.empty() || used_.empty()) {
    return fail("a ring is not in RAM");
  }
  mapped_ = true;
  return true;
}

uint16_t Virtqueue::available_index() const { return load_field(available_, 2); }

bool Virtqueue::has_available() { return map() && available_index() != state_.next_available; }

Virtqueue::Descriptor Virtqueue::descriptor(std::span<const std::byte> table,
                                            uint16_t index) const {
  // The guest may change it while it is read: copied once, checked afterwards.
  std::byte raw[kDescriptorSize];
  std::memcpy(raw, table.data() + size_t{index} * kDescriptorSize, sizeof raw);
  return {util::load_little<uint64_t>(raw), util::load_little<uint32_t>(raw + 8),
          util::load_little<uint16_t>(raw + 12), util::load_little<uint16_t>(raw + 14)};
}

bool Virtqueue::indirect_table(const Descriptor& from, std::span<const std::byte>& table) {
  if (!(features_ & virtio_bit(kVirtioIndirectDescriptors)))
    return fail("an indirect descriptor was not negotiated");
  if (from.length == 0 || from.length % kDescriptorSize != 0 ||
      from.length / kDescriptorSize > kMaxChain) {
    return fail("an indirect table has a wrong length");
  }
  table = memory_.host_span(from.address, from.length, false);
  if (table.empty()) return fail("an indirect table is not in RAM");
  return true;
}

bool Virtqueue::add_piece(const Descriptor& descriptor, QueueElement& element) {
  const bool for_write = descriptor.flags & kWrite;
  if (!for_write && !element.writable.empty()) {
    return fail("a readable descriptor follows a writable one");
  }
  auto& pieces = for_write ? element.writable : element.readable;
  uint64_t address = descriptor.address;
  uint64_t left = descriptor.length;
  while (left != 0) {
    const std::span<std::byte> whole = memory_.host_span(address, left, for_write);
    if (!whole.empty()) {
      pieces.push_back({address, whole});
      return true;
    }
    // Not in one piece: take what lies in this mapping.
    const core::Mapping mapping = memory_.find(address);
    const uint64_t room = mapping.last - address;
    if (room >= left - 1) return fail("a buffer is not in RAM");
    const std::span<std::byte> part = memory_.host_span(address, room + 1, for_write);
    if (part.empty()) return fail("a buffer is not in RAM");
    pieces.push_back({address, part});
    address += part.size();
    left -= part.size();
  }
  return true;
}

bool Virtqueue::read_chain(uint16_t head, QueueElement& element) {
  if (!map()) return false;
  element.head = head;
  element.readable.clear();
  element.writable.clear();
  std::span<const std::byte> table = descriptors_;
  bool indirect = false;
  uint16_t index = head;
  for (unsigned count = 0; count < kMaxChain; ++count) {
    if (size_t{index} * kDescriptorSize >= table.size()) {
      return fail(fmt::format("descriptor {} is outside its table", index));
    }
    const Descriptor current = descriptor(table, index);
    if (current.flags & kIndirect) {
      if (indirect || (current.flags & kNext)) return fail("a misplaced indirect descriptor");
      if (!indirect_table(current, table)) return false;
      indirect = true;
      index = 0;
      continue;
    }
    if (!add_piece(current, element)) return false;
    if (!(current.flags & kNext)) return true;
    index = current.next;
  }
  return fail("a chain of descriptors is too long");
}

bool Virtqueue::pop(QueueElement& element) {
  if (!map()) return false;
  const auto waiting = static_cast<uint16_t>(available_index() - state_.next_available);
  if (waiting == 0) return false;
  if (waiting > state_.size) return fail("the available index jumped");
  const unsigned slot = state_.next_available % state_.size;
  const uint16_t head = load_field(available_, 4 + 2 * slot);
  if (head >= state_.size) return fail(fmt::format("head {} is outside the table", head));
  if (!read_chain(head, element)) return false;
  ++state_.next_available;
  // An event index that stands still would ask for one notification only.
  if (state_.notifications && event_index()) ask_for_notification();
  return true;
}

void Virtqueue::place(const QueueElement& element, uint32_t written, uint16_t index) {
  uint64_t left = written;
  for (const BufferPiece& piece : element.writable) {
    if (left == 0) break;
    const uint64_t part = std::min<uint64_t>(piece.host.size(), left);
    memory_.mark_written(piece.address, part);
    left -= part;
  }
  if (!map()) return;
  const auto slot = static_cast<uint16_t>(state_.next_used + index) % state_.size;
  const size_t offset = 4 + size_t{kUsedElementSize} * static_cast<unsigned>(slot);
  util::store_little<uint32_t>(used_.data() + offset, element.head);
  util::store_little<uint32_t>(used_.data() + offset + 4, written);
  memory_.mark_written(state_.used + offset, kUsedElementSize);
}

void Virtqueue::publish(uint16_t count) {
  if (!map()) return;
  const uint16_t before = state_.next_used;
  state_.next_used = static_cast<uint16_t>(before + count);
  store_field(used_, 2, state_.next_used);
  memory_.mark_written(state_.used + 2, 2);
  // Half the index space further on, a comparison with the last signalled index means nothing.
  if (static_cast<uint16_t>(state_.next_used - state_.signalled_used) < count) {
    state_.signalled_valid = false;
  }
}

void Virtqueue::push(const QueueElement& element, uint32_t written) {
  place(element, written, 0);
  publish(1);
}

bool Virtqueue::should_interrupt() {
  if (!map()) return false;
  // The used index has to be visible before the driver's wish is read (virtio 1.2, 2.7.7.2).
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (!event_index()) return !(load_field(available_, 0) & kNoInterrupt);
  const uint16_t before = state_.signalled_used;
  const bool valid = state_.signalled_valid;
  state_.signalled_used = state_.next_used;
  state_.signalled_valid = true;
  const uint16_t wanted = load_field(available_, 4 + 2 * size_t{state_.size});
  return !valid || static_cast<uint16_t>(state_.next_used - wanted - 1) <
                       static_cast<uint16_t>(state_.next_used - before);
}

void Virtqueue::set_notifications(bool on) {
  state_.notifications = on;
  if (!map()) return;
  if (event_index()) {
    // Left alone, an index that has passed asks for nothing.
    if (on) ask_for_notification();
  } else {
    store_field(used_, 0, on ? 0 : kNoNotify);
    memory_.mark_written(state_.used, 2);
    if (on) std::atomic_thread_fence(std::memory_order_seq_cst);
  }
}

void Virtqueue::ask_for_notification() {
  const size_t offset = 4 + size_t{kUsedElementSize} * state_.size;
  store_field(used_, offset, state_.next_available);
  memory_.mark_written(state_.used + offset, 2);
  // The driver has to see the wish before the available index is read again.
  std::atomic_thread_fence(std::memory_order_seq_cst);
}

}  // namespace vireo::hw
