#pragma once

#include "monitor/control.h"

namespace vireo::system {

class Vm;

/// What the monitor's commands do to a Vm.
class MonitorControl final : public monitor::Control {
 public:
  explicit MonitorControl(Vm& vm) : vm_(vm) {}

  void quit() override;
  void stop() override;
  void cont() override;
  void system_reset() override;
  void system_powerdown() override;
  void nmi() override;
  util::Status machine_check(const monitor::MachineCheck& error) override;
  bool running() const override;
  void restart_profile() override;
  util::Status screendump(const std::string& path, std::string_view format) override;
  void send_keys(const std::vector<uint16_t>& codes, unsigned hold_ms) override;
  util::Result<std::string> examine_physical(uint64_t address, unsigned count,
                                             unsigned width) override;
  util::Result<std::string> info(std::string_view topic, bool verbose) override;
  std::string info_topics() const override;

 private:
  Vm& vm_;
};

}  // namespace vireo::system
