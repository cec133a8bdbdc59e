#include "hw/i386/fw_cfg.h"

#include <gtest/gtest.h>

#include <numeric>

#include "core/testing/test_machine.h"
#include "hw/i386/acpi_tables.h"
#include "hw/i386/firmware_tables.h"
#include "hw/i386/smbios.h"
#include "util/byte_order.h"

namespace vireo::hw {
namespace {

class FwCfgTest : public testing::Test {
 protected:
  FwCfgTest() {
    fw_cfg->set_file("opt/b", {4, 5, 6});
    fw_cfg->set_file("opt/a", {1, 2});
    EXPECT_TRUE(fw_cfg->realize(machine.environment()));
  }
  ~FwCfgTest() override { fw_cfg->unrealize(); }

  std::string read(uint16_t key, size_t size) {
    machine.outw(0x510, key);
    std::string bytes;
    for (size_t i = 0; i < size; ++i) bytes.push_back(static_cast<char>(machine.inb(0x511)));
    return bytes;
  }

  core::testing::TestMachine machine;
  std::unique_ptr<FwCfg> fw_cfg = core::make_device<FwCfg>();
};

TEST_F(FwCfgTest, ItemsAreReadByteByByte) {
  EXPECT_EQ(read(FwCfg::kSignature, 5), std::string("QEMU\0", 5));
  EXPECT_EQ(read(FwCfg::kInterfaceVersion, 4), std::string("\3\0\0\0", 4));
  EXPECT_EQ(read(0x3fff, 2), std::string(2, '\0'));
}

TEST_F(FwCfgTest, DirectoryListsFiles) {
  const std::string directory = read(FwCfg::kFileDirectory, 4 + 2 * 64);
  EXPECT_EQ(directory[3], 2);
  EXPECT_STREQ(&directory[4 + 8], "opt/a");
  EXPECT_EQ(util::load_big<uint32_t>(&directory[4 + 64]), 3u);
  EXPECT_EQ(read(util::load_big<uint16_t>(&directory[4 + 64 + 4]), 3), "\4\5\6");
}

TEST_F(FwCfgTest, FilesCanBeSetWhenTheyAreChosen) {
  fw_cfg->set_file_listener([this] { fw_cfg->set_file("opt/b", {2}); });
  machine.outw(0x510, FwCfg::kFirstFile);
  EXPECT_EQ(machine.inb(0x511), 2);
}

TEST_F(FwCfgTest, DmaSelectsAndReads) {
  EXPECT_EQ(machine.inl(0x514), 0x554d4551u);  // "QEMU", big-endian register
  uint8_t request[16];
  util::store_big<uint32_t>(request, FwCfg::kSignature << 16 | 8 | 2);
  util::store_big<uint32_t>(request + 4, 4);
  util::store_big<uint64_t>(request + 8, 0x2000);
  machine.memory.write(0x1000, std::as_bytes(std::span(request)));
  machine.outl(0x518, util::swap_bytes(uint32_t{0x1000}));
  EXPECT_EQ(machine.memory.load<uint32_t>(0x2000), 0x554d4551u);
  EXPECT_EQ(machine.memory.load<uint32_t>(0x1000), 0u);
}

TEST_F(FwCfgTest, BadDmaReportsAnError) {
  uint8_t request[16] = {};
  util::store_big<uint32_t>(request, FwCfg::kSignature << 16 | 8 | 2);
  util::store_big<uint32_t>(request + 4, 4);
  util::store_big<uint64_t>(request + 8, uint64_t{1} << 50);
  machine.memory.write(0x1000, std::as_bytes(std::span(request)));
  machine.outl(0x518, util::swap_bytes(uint32_t{0x1000}));
  EXPECT_EQ(machine.memory.load<uint32_t>(0x1000), 0x01000000u);
}

int byte_sum(const std::vector<uint8_t>& bytes, size_t first, size_t length) {
  const auto begin = bytes.begin() + static_cast<ptrdiff_t>(first);
  return std::accumulate(begin, begin + static_cast<ptrdiff_t>(length), 0) & 0xff;
}

TEST(AcpiTablesTest, PlacedTablesAreReachableAndSumToZero) {
  constexpr uint64_t kBase = 0x7fe0000;
  const AcpiTables tables = build_acpi_tables({.cpus = 2, .low_ram_end = 128 << 20});
  const AcpiTables::Placed placed = tables.placed_at(kBase);
  EXPECT_EQ(byte_sum(placed.rsdp, 0, 20), 0);
  EXPECT_EQ(byte_sum(placed.rsdp, 0, 36), 0);
  const size_t xsdt = util::load_little<uint64_t>(&placed.rsdp[24]) - kBase;
  const auto length = util::load_little<uint32_t>(&placed.tables[xsdt + 4]);
  EXPECT_EQ(byte_sum(placed.tables, xsdt, length), 0);
  std::string signatures;
  for (size_t at = xsdt + 36; at < xsdt + length; at += 8) {
    const size_t table = util::load_little<uint64_t>(&placed.tables[at]) - kBase;
    signatures.append(reinterpret_cast<const char*>(&placed.tables[table]), 4);
    EXPECT_EQ(
        byte_sum(placed.tables, table, util::load_little<uint32_t>(&placed.tables[table + 4])), 0);
  }
  EXPECT_EQ(signatures, "FACPAPICHPET");
}

TEST(AcpiTablesTest, LoaderScriptNamesItsFiles) {
  auto fw_cfg = core::make_device<FwCfg>();
  core::testing::TestMachine machine;
  add_acpi_files(*fw_cfg, build_acpi_tables({}));
  ASSERT_TRUE(fw_cfg->realize(machine.environment()));
  machine.outw(0x510, FwCfg::kFirstFile + 2);
  std::string script;
  for (int i = 0; i < 256; ++i) script.push_back(static_cast<char>(machine.inb(0x511)));
  EXPECT_EQ(script[0], 1);
  EXPECT_STREQ(&script[4], "etc/acpi/tables");
  EXPECT_STREQ(&script[128 + 4], "etc/acpi/rsdp");
  fw_cfg->unrealize();
}

TEST(SmbiosTest, StructuresFollowEachOther) {
  const SmbiosTables smbios = build_smbios({.cpus = 1, .low_ram_end = 128 << 20});
  std::vector<int> types;
  const auto& all = smbios.structures;
  for (size_t at = 0; at + 4 <= all.size();) {
    types.push_back(all[at]);
    at += all[at + 1];
    while (all[at] != 0 || all[at + 1] != 0) ++at;
    at += 2;
  }
  EXPECT_EQ(types, (std::vector<int>{0, 1, 3, 4, 16, 17, 19, 32, 127}));
  EXPECT_EQ(util::load_little<uint16_t>(&smbios.anchor[28]), types.size());
}

}  // namespace
}  // namespace vireo::hw
