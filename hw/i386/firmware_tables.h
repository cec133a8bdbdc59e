#pragma once

#include "hw/i386/acpi_tables.h"

namespace vireo::hw {

class FwCfg;

/// Hands ACPI tables to firmware by the table loader's script: etc/table-loader with
/// etc/acpi/tables and etc/acpi/rsdp (the format is in SeaBIOS' src/fw/romfile_loader.h).
void add_acpi_files(FwCfg& fw_cfg, const AcpiTables& tables);

}  // namespace vireo::hw
