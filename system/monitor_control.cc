// The monitor's view of a Vm.

#include "system/monitor_control.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "accel/accelerator.h"
#include "core/device/device.h"
#include "core/device/device_type.h"
#include "core/machine_lock.h"
#include "core/memory/address_space.h"
#include "hw/i386/pc_cpu.h"
#include "hw/i386/pc_machine.h"
#include "system/vm.h"
#include "ui/png.h"
#include "ui/ppm.h"
#include "util/text.h"

namespace vireo::system {

namespace {

struct Topic {
  std::string_view name;
  std::string_view summary;
  std::string (*text)(Vm& vm);
  std::string (*verbose)(Vm& vm) = nullptr;  // null: the same
};

std::string list_devices(Vm& vm) {
  std::string text;
  for (const auto& device : vm.machine().devices()) {
    const core::DeviceType& type = device->type();
    text += fmt::format("{:24} {}\n", device->label(), type.summary);
  }
  return text;
}

const Topic kTopics[] = {
    {"version", "the program's version", [](Vm&) { return std::string(VIREO_VERSION "\n"); }},
    {"status", "whether the guest runs",
     [](Vm& vm) { return fmt::format("VM status: {}\n", vm.running() ? "running" : "paused"); }},
    {"name", "the guest's name", [](Vm& vm) { return vm.configuration().name + "\n"; }},
    {"registers", "the CPU's registers (stop first for a consistent picture)",
     [](Vm& vm) { return vm.cpu().describe(true); }},
    {"jit", "the translator's counters and, with profile=on, its time; -v: with listings",
     [](Vm& vm) { return vm.accelerator().statistics(false); },
     [](Vm& vm) { return vm.accelerator().statistics(true); }},
    {"mtree", "the memory map", [](Vm& vm) { return vm.machine().memory().describe_mappings(); }},
    {"qtree", "the devices", &list_devices},
};

}  // namespace

void MonitorControl::quit() { vm_.quit(); }
void MonitorControl::stop() { vm_.pause(); }
void MonitorControl::cont() { vm_.resume(); }
void MonitorControl::system_reset() { vm_.reset(); }

void MonitorControl::system_powerdown() {
  const core::MachineLockGuard lock;
  vm_.machine().press_power_button();
}

void MonitorControl::nmi() {
  const core::MachineLockGuard lock;
  vm_.cpu().raise_nmi();
}

util::Status MonitorControl::machine_check(const monitor::MachineCheck& error) {
  constexpr uint64_t kMostBanks = 0xff;
  if (error.cpu != 0) {
    return util::Error(util::ErrorCode::kNotFound, fmt::format("there is no CPU {}", error.cpu));
  }
  const core::MachineLockGuard lock;
  return vm_.cpu().raise_machine_check(
      {.bank = static_cast<unsigned>(std::min(error.bank, kMostBanks)),
       .status = error.status,
       .mcg_status = error.mcg_status,
       .address = error.address,
       .misc = error.misc});
}

bool MonitorControl::running() const { return vm_.running(); }
void MonitorControl::restart_profile() { vm_.accelerator().restart_profile(); }

util::Status MonitorControl::screendump(const std::string& path, std::string_view format) {
  if (vm_.screen() == nullptr) {
    return util::Error(util::ErrorCode::kNotFound,
                       "the machine has no display adapter (-vga none)");
  }
  ui::Surface surface;
  {
    const core::MachineLockGuard lock;
    vm_.screen()->render(surface);
  }
  return format == "ppm" ? ui::write_ppm(surface, path) : ui::write_png(surface, path);
}

void MonitorControl::send_keys(const std::vector<uint16_t>& codes, unsigned hold_ms) {
  vm_.keys().send(codes, hold_ms);
}

util::Result<std::string> MonitorControl::examine_physical(uint64_t address, unsigned count,
                                                           unsigned width) {
  std::string text;
  const unsigned per_line = 16 / width;
  for (unsigned i = 0; i < count; ++i) {
    if (i % per_line == 0) text += fmt::format("{}{:016x}:", i == 0 ? "" : "\n", address);
    text += fmt::format(" 0x{:0{}x}", vm_.machine().memory().read_value(address, width), width * 2);
    address += width;
  }
  return text + "\n";
}

util::Result<std::string> MonitorControl::info(std::string_view topic, bool verbose) {
  std::vector<std::string_view> names;
  for (const Topic& row : kTopics) {
    if (row.name == topic) {
      const core::MachineLockGuard lock;
      return (verbose && row.verbose != nullptr ? row.verbose : row.text)(vm_);
    }
    names.push_back(row.name);
  }
  return util::Error(util::ErrorCode::kNotFound, fmt::format("info {}: no such topic{}", topic,
                                                             util::did_you_mean(topic, names)));
}

std::string MonitorControl::info_topics() const {
  std::string text;
  for (const Topic& row : kTopics) text += fmt::format("info {:12} {}\n", row.name, row.summary);
  return text;
}

}  // namespace vireo::system
