// Register decoding for described regions.
#include "core/device/described_region.h"

#include <algorithm>

#include "core/device/device.h"
#include "util/bits.h"
#include "util/log.h"

namespace vireo::core {

DescribedRegion::DescribedRegion(Device& device, const RegionDescription& description)
    : device_(device),
      description_(description),
      region_(
          Region::io(device.type().name + (description.name.empty() ? "" : "/" + description.name),
                     description.size, *this, description.widths)) {}

const Register* DescribedRegion::find(uint64_t offset) const {
  for (const Register& candidate : description_.registers) {
    if (offset >= candidate.offset && offset < candidate.offset + candidate.width)
      return &candidate;
  }
  return nullptr;
}

uint64_t DescribedRegion::read_registers(uint64_t offset, unsigned width) {
  uint64_t value = 0;
  for (unsigned done = 0; done < width;) {
    const Register* found = find(offset + done);
    unsigned part = 1;
    uint64_t bits = 0xff;
    if (found) {
      const auto inside = static_cast<unsigned>(offset + done - found->offset);
      part = std::min(width - done, found->width - inside);
      // Reading the middle of a register reads all of it.
      const unsigned asked = inside == 0 ? part : found->width;
      if (found->read)
        bits = found->read(device_, asked) >> (8 * inside) & util::low_mask(8 * part);
      else
        bits = util::low_mask(8 * part);
    }
    value |= bits << (8 * done);
    done += part;
  }
  return value;
}

void DescribedRegion::write_registers(uint64_t offset, unsigned width, uint64_t value) {
  for (unsigned done = 0; done < width;) {
    const Register* found = find(offset + done);
    unsigned part = 1;
    if (found) {
      const auto inside = static_cast<unsigned>(offset + done - found->offset);
      part = std::min(width - done, found->width - inside);
      if (inside != 0) {
        util::log(util::kLogGuestErrors, "{}: write into the middle of {} is ignored",
                  device_.label(), found->name);
      } else if (found->write) {
        found->write(device_, value >> (8 * done) & util::low_mask(8 * part), part);
      }
    }
    done += part;
  }
}

uint64_t DescribedRegion::io_read(uint64_t offset, unsigned width) {
  const uint64_t value =
      description_.read ? description_.read(device_, offset, width) : read_registers(offset, width);
  if (util::log_enabled(util::kLogDevice)) {
    const Register* found = find(offset);
    util::log(util::kLogDevice, "{}: read {} {}+{:#x}/{} = {:#x}", device_.label(),
              description_.name, found ? found->name : "", offset, width, value);
  }
  return value;
}

void DescribedRegion::io_write(uint64_t offset, unsigned width, uint64_t value) {
  if (util::log_enabled(util::kLogDevice)) {
    const Register* found = find(offset);
    util::log(util::kLogDevice, "{}: write {} {}+{:#x}/{} = {:#x}", device_.label(),
              description_.name, found ? found->name : "", offset, width, value);
  }
  if (description_.write) {
    description_.write(device_, offset, width, value);
  } else {
    write_registers(offset, width, value);
  }
}

}  // namespace vireo::core
