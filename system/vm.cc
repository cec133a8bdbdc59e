// The life of a virtual machine.

#include "system/vm.h"

#include <fmt/format.h>

#include <csignal>

#include "accel/accelerator.h"
#include "accel/tcg/accelerator.h"
#include "accel/tcg/vcpu.h"
#include "core/device/device.h"
#include "core/device/registry.h"
#include "core/machine_lock.h"
#include "hw/i386/pc_cpu.h"
#include "hw/i386/pc_machine.h"
#include "system/default_devices.h"
#include "system/firmware.h"
#include "system/rtc_base.h"
#include "target/i386/cpu/config.h"
#include "target/i386/helper/functions.h"
#include "util/log.h"

namespace vireo::system {

namespace {

constexpr int64_t kDiskWaitNs = 1'000'000'000;

}  // namespace

Vm::Vm(Configuration configuration)
    : configuration_(std::move(configuration)), backends_(loop_, [this] { quit(); }) {}

Vm::~Vm() {
  if (vcpu_) vcpu_->stop();
  const core::MachineLockGuard lock;
  // Devices that leave still lower lines of the CPU and take memory away from the accelerator; and
  // the accelerator leaves the machine's address space.
  if (machine_) machine_->remove_devices();
  vcpu_.reset();
  cpu_.reset();
  accelerator_.reset();
  machine_.reset();
}

util::Result<std::unique_ptr<Vm>> Vm::create(Configuration configuration) {
  std::unique_ptr<Vm> vm(new Vm(std::move(configuration)));
  VIREO_TRY(vm->build());
  return vm;
}

util::Status Vm::build() {
  VIREO_TRY(complete_defaults(configuration_));
  VIREO_TRY(backends_.open(configuration_));
  const core::MachineLockGuard lock;
  VIREO_TRY(build_machine());
  VIREO_TRY(build_accelerator());
  VIREO_TRY(add_devices());
  VIREO_TRY(add_monitor());
  // From here on there may be a PID file, which an end by default would leave behind.
  signals_.emplace(loop_, std::initializer_list<int>{SIGINT, SIGTERM, SIGHUP},
                   [this](int) { quit(); });
  return reset_machine();
}

util::Status Vm::add_monitor() {
  if (configuration_.monitor.empty() || configuration_.monitor == "none") return {};
  chardev::Chardev* terminal = backends_.chardev(configuration_.monitor);
  if (terminal == nullptr) {
    return util::Error(util::ErrorCode::kNotFound,
                       fmt::format("-monitor: there is no chardev '{}'", configuration_.monitor));
  }
  monitor_ = std::make_unique<monitor::Hmp>(control_, [terminal](std::string_view text) {
    const core::MachineLockIfNeeded lock;
    terminal->write({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
  });
  // Commands stop and start the machine: they run without the lock that input arrives under.
  terminal->set_receiver(
      {.can_receive = [] { return size_t{64}; },
       .receive =
           [this](std::span<const uint8_t> bytes) {
             loop_.post([this, copy = std::vector<uint8_t>(bytes.begin(), bytes.end())] {
               monitor_->input(copy);
             });
           },
       .event =
           [this](chardev::Event event) {
             if (event == chardev::Event::focused) loop_.post([this] { monitor_->greet(); });
             if (event == chardev::Event::opened) loop_.post([this] { monitor_->begin_session(); });
           }});
  if (configuration_.monitor_given) loop_.post([this] { monitor_->greet(); });
  return {};
}

util::Status Vm::build_machine() {
  hw::PcConfig pc;
  pc.ram_size = configuration_.ram_bytes;
  pc.cpus = configuration_.cpus;
  pc.kernel = configuration_.kernel;
  pc.initrd = configuration_.initrd;
  pc.command_line = configuration_.append;
  VIREO_TRY_ASSIGN(rtc, rtc_start_seconds(configuration_.rtc_base));
  pc.rtc_seconds = rtc;
  pc.boot_order = configuration_.boot_order;
  pc.boot_menu = configuration_.boot_menu;
  pc.system_management = configuration_.system_management;
  pc.graphics = !configuration_.no_graphic;
  pc.uuid = configuration_.uuid;
  pc.input = &input_;
  pc.property_defaults = configuration_.globals;
  for (const std::string& serial : configuration_.serials) {
    pc.serial.push_back(serial == "none" ? "" : serial);
  }
  pc.flash = configuration_.flash;
  const bool in_flash = !configuration_.flash[0].empty();
  if (!in_flash && (configuration_.kernel.empty() || !configuration_.bios.empty())) {
    const std::string name =
        configuration_.bios.empty() ? std::string("bios-256k.bin") : configuration_.bios;
    VIREO_TRY_ASSIGN(firmware, find_firmware(name, configuration_.firmware_paths));
    pc.firmware = firmware;
  }
  auto machine = hw::PcMachine::create(std::move(pc), *this, loop_, backends_);
  if (!machine) return std::move(machine).error();
  machine_ = std::move(*machine);
  return {};
}

util::Status Vm::build_accelerator() {
  VIREO_TRY_ASSIGN(cpu_config, i386::parse_cpu_option(configuration_.cpu_model));
  if (!cpu_config.left_out.empty()) {
    util::warn("-cpu: left out, since they are not implemented: " + cpu_config.left_out);
  }
  const std::string& backend = configuration_.accelerator_backend;
  const accel::TcgConfig tcg{
      .backend = backend == "interpreter" ? accel::TcgBackend::interpreter
                 : backend == "lockstep"  ? accel::TcgBackend::lockstep
                                          : accel::TcgBackend::jit,
      .code_cache_bytes = configuration_.code_cache_bytes,
      .perf_map = configuration_.perf_map,
      .profile = configuration_.profile || util::log_enabled(util::kLogPerf),
      .helpers = i386::helper_table(),
      .x87 = &i386::plain_x87,
      .x87_offset = offsetof(i386::CpuState, x87),
      .wide_vectors = cpu_config.has(i386::Feature::kAvx),
      .state_bytes = sizeof(i386::CpuState),
      .asynchronous_byte = VIREO_CPU_OFFSET(requests),
      .on_difference = [this] { request_shutdown(core::ShutdownCause::host_error, 1); }};
  auto accelerator = accel::TcgAccelerator::create(tcg, machine_->memory());
  if (!accelerator) return std::move(accelerator).error().with_context("-accel tcg");
  (*accelerator)->watch(machine_->system_management_memory());
  cpu_ = std::make_unique<hw::PcCpu>(cpu_config, *machine_, *this);
  auto vcpu = (*accelerator)->create_vcpu(*cpu_, 0);
  if (!vcpu) return std::move(vcpu).error().with_context("-accel tcg");
  cpu_->attach(**vcpu);
  vcpu_ = std::move(*vcpu);
  accelerator_ = std::move(*accelerator);
  machine_->attach_cpu(0, *cpu_);
  return {};
}

util::Status Vm::add_devices() {
  for (const DeviceOption& option : configuration_.devices) {
    const std::string origin = option.origin.empty() ? "-device " + option.type : option.origin;
    VIREO_TRY_ASSIGN(device, core::DeviceRegistry::global().create(option.type));
    std::string bus;
    for (const auto& [key, value] : option.options.entries()) {
      if (key == "id") {
        device->set_id(value);
      } else if (key == "bus") {
        bus = value;
      } else {
        auto status = device->set_property(key, value);
        if (!status) return std::move(status).error().with_context(origin);
      }
    }
    auto* const screen = dynamic_cast<ui::Screen*>(device.get());
    auto status = machine_->add_device(std::move(device), bus);
    if (!status) return std::move(status).error().with_context(origin);
    if (screen_ == nullptr) screen_ = screen;
  }
  return {};
}

// Machine lock held, the vCPU not running.
util::Status Vm::reset_machine() {
  auto entry = machine_->reset();
  if (!entry) return std::move(entry).error();
  cpu_->set_boot_entry(*entry);
  vcpu_->request_reset();
  return {};
}

int Vm::run() {
  const util::Status started = vcpu_->start();
  if (!started) {
    util::warn(started.error().message());
    return 1;
  }
  if (!configuration_.start_paused) resume();
  loop_.run();
  vcpu_->stop();
  if (util::log_enabled(util::kLogPerf)) util::write_log(accelerator_->statistics(true));
  finish_disk_requests();
  return exit_code_;
}

// They read and write guest memory, and what a guest wrote has to reach its disk.
void Vm::finish_disk_requests() {
  bool quiet = false;
  backends_.when_quiet([&quiet] { quiet = true; });
  while (!quiet) loop_.run_one(kDiskWaitNs);
}

void Vm::pause() {
  if (resetting_) resume_after_reset_ = false;
  if (!running_) return;
  running_ = false;
  vcpu_->request_pause();
  vcpu_->wait_paused();
  const core::MachineLockGuard lock;
  machine_->clock().stop();
  machine_->timers().clock_changed();
}

void Vm::resume() {
  if (resetting_) resume_after_reset_ = true;
  if (running_ || resetting_) return;
  running_ = true;
  {
    const core::MachineLockGuard lock;
    machine_->clock().start();
    machine_->timers().clock_changed();
  }
  vcpu_->resume();
}

void Vm::reset() {
  if (resetting_) return;
  const bool was_running = running_;
  pause();
  resetting_ = true;
  resume_after_reset_ = was_running;
  backends_.when_quiet([this] { finish_reset(); });
}

void Vm::finish_reset() {
  resetting_ = false;
  util::Status status;
  {
    const core::MachineLockGuard lock;
    status = reset_machine();
  }
  reset_pending_ = false;
  if (!status) {
    util::warn(status.error().message());
    return quit(1);
  }
  if (resume_after_reset_) resume();
}

void Vm::quit(int exit_code) {
  exit_code_ = exit_code;
  loop_.stop();
}

void Vm::request_reset(core::ResetCause) {
  if (reset_pending_.exchange(true)) return;
  // The guest asked for nothing to happen after this: keep the vCPU from going on until then.
  vcpu_->request_pause();
  loop_.post([this] {
    if (configuration_.on_reboot == Action::shutdown) {
      on_shutdown(core::ShutdownCause::guest_reset, 0);
    } else {
      reset();
    }
  });
}

void Vm::request_shutdown(core::ShutdownCause cause, int exit_code) {
  vcpu_->request_pause();
  loop_.post([this, cause, exit_code] { on_shutdown(cause, exit_code); });
}

void Vm::on_shutdown(core::ShutdownCause, int exit_code) {
  if (configuration_.on_shutdown == Action::pause) return pause();
  quit(exit_code);
}

void Vm::request_suspend() { vcpu_->request_pause(); }

void Vm::request_wakeup() {
  loop_.post([this] {
    if (running_) vcpu_->resume();
  });
}

void Vm::guest_panicked(bool crash_kernel) {
  if (crash_kernel || configuration_.on_panic == Action::none) return;
  vcpu_->request_pause();
  loop_.post([this] {
    util::warn("the guest's kernel panicked");
    if (configuration_.on_panic == Action::pause) return pause();
    quit(configuration_.on_panic == Action::exit_failure ? 1 : 0);
  });
}

void Vm::debug_exit(int exit_code) {
  vcpu_->request_pause();
  loop_.post([this, exit_code] { quit(exit_code); });
}

}  // namespace vireo::system
