// The table loader's script: allocate files in memory, then patch pointers and checksums.

#include "hw/i386/firmware_tables.h"

#include <string_view>

#include "hw/i386/fw_cfg.h"
#include "util/byte_order.h"

namespace vireo::hw {
namespace {

constexpr size_t kCommandSize = 128;
constexpr size_t kNameSize = 56;
constexpr std::string_view kTablesFile = "etc/acpi/tables";
constexpr std::string_view kRsdpFile = "etc/acpi/rsdp";
enum Command : uint32_t { kAllocate = 1, kAddPointer = 2, kAddChecksum = 3 };
enum Zone : uint8_t { kHighMemory = 1, kSegmentF = 2 };

class Script {
 public:
  void allocate(std::string_view file, uint32_t alignment, Zone zone) {
    uint8_t* body = add(kAllocate);
    put_name(body, file);
    util::store_little<uint32_t>(body + kNameSize, alignment);
    body[kNameSize + 4] = zone;
  }
  void add_pointer(std::string_view in_file, std::string_view to_file, uint32_t offset,
                   uint8_t size) {
    uint8_t* body = add(kAddPointer);
    put_name(body, in_file);
    put_name(body + kNameSize, to_file);
    util::store_little<uint32_t>(body + 2 * kNameSize, offset);
    body[2 * kNameSize + 4] = size;
  }
  void add_checksum(std::string_view file, const AcpiTables::Checksum& checksum) {
    uint8_t* body = add(kAddChecksum);
    put_name(body, file);
    util::store_little<uint32_t>(body + kNameSize, checksum.offset);
    util::store_little<uint32_t>(body + kNameSize + 4, checksum.start);
    util::store_little<uint32_t>(body + kNameSize + 8, checksum.length);
  }

  FwCfg::Bytes bytes;

 private:
  uint8_t* add(Command command) {
    bytes.resize(bytes.size() + kCommandSize);
    uint8_t* at = &bytes[bytes.size() - kCommandSize];
    util::store_little<uint32_t>(at, command);
    return at + 4;
  }
  static void put_name(uint8_t* at, std::string_view name) {
    name.copy(reinterpret_cast<char*>(at), kNameSize - 1);
  }
};

}  // namespace

void add_acpi_files(FwCfg& fw_cfg, const AcpiTables& tables) {
  const auto file = [](bool rsdp) { return rsdp ? kRsdpFile : kTablesFile; };
  Script script;
  script.allocate(kTablesFile, 64, kHighMemory);
  script.allocate(kRsdpFile, 16, kSegmentF);
  for (const auto& pointer : tables.pointers) {
    script.add_pointer(file(pointer.in_rsdp), kTablesFile, pointer.offset, pointer.size);
  }
  for (const auto& checksum : tables.checksums) {
    script.add_checksum(file(checksum.in_rsdp), checksum);
  }
  fw_cfg.set_file(kTablesFile, tables.tables);
  fw_cfg.set_file(kRsdpFile, tables.rsdp);
  fw_cfg.set_file("etc/table-loader", std::move(script.bytes));
}

}  // namespace vireo::hw
