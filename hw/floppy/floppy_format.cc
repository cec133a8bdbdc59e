// The formats of PC floppy disks.

#include "hw/floppy/floppy_format.h"

namespace vireo::hw {

const FloppyFormat* find_floppy_format(uint64_t bytes) {
  static constexpr FloppyFormat kFormats[] = {
      {160, 40, 1, 8, 2, FloppyType::k360},    {180, 40, 1, 9, 2, FloppyType::k360},
      {320, 40, 2, 8, 2, FloppyType::k360},    {360, 40, 2, 9, 2, FloppyType::k360},
      {720, 80, 2, 9, 2, FloppyType::k720},    {1200, 80, 2, 15, 0, FloppyType::k1200},
      {1440, 80, 2, 18, 0, FloppyType::k1440}, {1680, 80, 2, 21, 0, FloppyType::k1440},
      {2880, 80, 2, 36, 3, FloppyType::k2880},
  };
  for (const FloppyFormat& format : kFormats) {
    if (uint64_t{format.kibibytes} << 10 == bytes) return &format;
  }
  return nullptr;
}

}  // namespace vireo::hw
