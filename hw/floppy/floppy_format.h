#pragma once

#include <cstdint>

namespace vireo::hw {

/// Kinds of drives as the CMOS byte 10h numbers them.
enum class FloppyType : uint8_t { none = 0, k360 = 1, k1200 = 2, k720 = 3, k1440 = 4, k2880 = 5 };

/// How a disk of some size is laid out.
struct FloppyFormat {
  uint32_t kibibytes;
  uint8_t tracks;
  uint8_t heads;
  uint8_t sectors;   ///< A track; each has 512 bytes.
  uint8_t rate;      ///< As the data rate register has it: 0 for 500 kbit/s, 1 300, 2 250, 3 1000.
  FloppyType drive;  ///< The drive that such disks were made for.
};

/// The format of an image of `bytes` bytes; null if there is none.
const FloppyFormat* find_floppy_format(uint64_t bytes);

}  // namespace vireo::hw
