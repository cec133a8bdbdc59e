// The virtio entropy device: fills the driver's buffers with random bytes (virtio 1.2, 5.4.6).

#include "hw/virtio/virtio_rng.h"

#include <unistd.h>
#ifdef __APPLE__
#include <sys/random.h>
#endif

#include <algorithm>

namespace vireo::hw {
namespace {

constexpr uint16_t kQueueSize = 8;
constexpr size_t kEntropyPortion = 256;  // what getentropy gives at most
// Larger buffers are filled in part: the machine lock is held meanwhile.
constexpr uint64_t kMaxFill = 64 << 10;
constexpr unsigned kBurst = 16;

}  // namespace

void VirtioRng::describe(core::Description<VirtioRng>& d) {
  d.type("virtio-rng-pci", "virtio source of random numbers");
  describe_virtio(d);
}

util::Status VirtioRng::on_virtio_realize() {
  add_queue(kQueueSize);
  return {};
}

void VirtioRng::queue_notified(unsigned index) {
  Virtqueue& buffers = queue(index);
  QueueElement element;
  unsigned burst = 0;
  while (burst < kBurst && buffers.pop(element)) {
    buffers.push(element, fill(element));
    ++burst;
  }
  if (burst == kBurst) resume_later();
  if (burst != 0) notify_driver(index);
}

uint32_t VirtioRng::fill(const QueueElement& element) {
  uint64_t filled = 0;
  for (const BufferPiece& piece : element.writable) {
    for (size_t done = 0; done < piece.host.size();) {
      const size_t part = std::min(piece.host.size() - done, kEntropyPortion);
      if (filled >= kMaxFill || ::getentropy(piece.host.data() + done, part) != 0) {
        return static_cast<uint32_t>(filled);
      }
      done += part;
      filled += part;
    }
  }
  return static_cast<uint32_t>(filled);
}

REGISTER_DEVICE(VirtioRng);

}  // namespace vireo::hw
