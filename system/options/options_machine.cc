// Options that say what the machine is: type, CPU, memory, firmware, kernel, time.

#include <fmt/format.h>

#include <fstream>

#include "core/device/description.h"
#include "core/device/registry.h"
#include "system/options/command_line.h"
#include "system/options/help.h"
#include "util/text.h"

namespace vireo::system {

namespace {

constexpr uint64_t kMebibyte = uint64_t{1} << 20;

util::Error invalid(std::string message) {
  return {util::ErrorCode::kInvalidArgument, std::move(message)};
}

util::Status apply_machine(CommandLine& line, std::string_view argument) {
  if (argument == "help" || argument == "?") return line.text = machine_help(), util::Status{};
  VIREO_TRY_ASSIGN(options, KeyValues::parse("-machine", argument, "type"));
  VIREO_TRY(options.check_keys({"type", "accel", "usb", "vmport", "dump-guest-core", "graphics",
                                "acpi", "hpet", "smm", "mem-merge"}));
  Configuration& configuration = line.configuration;
  if (options.has("type")) {
    const std::string type = options.get("type");
    const auto known = machine_names();
    if (std::find(known.begin(), known.end(), type) == known.end()) {
      return invalid(fmt::format("-machine {}: no such machine{}; -machine help lists them", type,
                                 util::did_you_mean(type, known)));
    }
    configuration.machine = type;
  }
  VIREO_TRY_ASSIGN(usb, options.get_bool("usb", false));
  configuration.usb = usb;
  if (options.get("smm", "auto") != "auto") {
    VIREO_TRY_ASSIGN(smm, options.get_bool("smm", true));
    configuration.system_management = smm;
  }
  if (options.has("accel")) return apply_accelerator(line, options.get("accel"));
  return {};
}

util::Status apply_cpu(CommandLine& line, std::string_view argument) {
  if (argument == "help" || argument == "?") return line.text = cpu_help(), util::Status{};
  VIREO_TRY(check_cpu_model(argument));
  line.configuration.cpu_model = argument;
  return {};
}

util::Status apply_memory(CommandLine& line, std::string_view argument) {
  VIREO_TRY_ASSIGN(options, KeyValues::parse("-m", argument, "size"));
  VIREO_TRY(options.check_keys({"size", "slots", "maxmem"}));
  VIREO_TRY_ASSIGN(size, options.get_size("size", 128 * kMebibyte, kMebibyte));
  if (size < kMebibyte || size > (uint64_t{512} << 30)) {
    return options.bad_value("size", "1M to 512G");
  }
  line.configuration.ram_bytes = size & ~uint64_t{0xfff};
  return {};
}

util::Status apply_smp(CommandLine& line, std::string_view argument) {
  VIREO_TRY_ASSIGN(options, KeyValues::parse("-smp", argument, "cpus"));
  VIREO_TRY(options.check_keys({"cpus", "sockets", "dies", "cores", "threads", "maxcpus"}));
  VIREO_TRY_ASSIGN(cpus, options.get_number("cpus", 1, 255));
  if (cpus != 1) {
    return options.bad_value("cpus", "1: more than one vCPU is not supported yet");
  }
  return {};
}

util::Status apply_kernel(CommandLine& line, std::string_view argument) {
  line.configuration.kernel = argument;
  return {};
}
util::Status apply_initrd(CommandLine& line, std::string_view argument) {
  line.configuration.initrd = argument;
  return {};
}
util::Status apply_append(CommandLine& line, std::string_view argument) {
  line.configuration.append = argument;
  return {};
}
util::Status apply_bios(CommandLine& line, std::string_view argument) {
  line.configuration.bios = argument;
  return {};
}

util::Status apply_firmware_path(CommandLine& line, std::string_view argument) {
  line.configuration.firmware_paths.emplace_back(argument);
  return {};
}

util::Status apply_boot(CommandLine& line, std::string_view argument) {
  VIREO_TRY_ASSIGN(options, KeyValues::parse("-boot", argument, "order"));
  VIREO_TRY(options.check_keys({"order", "once", "menu", "splash-time", "strict"}));
  VIREO_TRY_ASSIGN(menu, options.get_bool("menu", false));
  line.configuration.boot_menu = menu;
  const std::string order = options.get(options.has("once") ? "once" : "order", "cad");
  if (order.empty() || order.find_first_not_of("acdnp") != std::string::npos) {
    return options.bad_value("order", "letters of a (floppy), c (disk), d (CD-ROM), n (network)");
  }
  line.configuration.boot_order = order;
  return {};
}

util::Status apply_rtc(CommandLine& line, std::string_view argument) {
  VIREO_TRY_ASSIGN(options, KeyValues::parse("-rtc", argument));
  VIREO_TRY(options.check_keys({"base", "clock", "driftfix"}));
  const std::string base = options.get("base", "utc");
  VIREO_TRY(check_rtc_base(base));
  line.configuration.rtc_base = base;
  return {};
}

util::Status apply_name(CommandLine& line, std::string_view argument) {
  VIREO_TRY_ASSIGN(options, KeyValues::parse("-name", argument, "guest"));
  VIREO_TRY(options.check_keys({"guest", "process", "debug-threads"}));
  line.configuration.name = options.get("guest", "vireo");
  return {};
}

util::Status apply_uuid(CommandLine& line, std::string_view argument) {
  constexpr std::string_view kForm = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  std::array<uint8_t, 16> uuid{};
  bool right = argument.size() == kForm.size();
  for (size_t i = 0, digits = 0; right && i < kForm.size(); ++i) {
    const char c = argument[i];
    if (kForm[i] == '-') {
      right = c == '-';
      continue;
    }
    right = std::isxdigit(static_cast<unsigned char>(c)) != 0;
    const int value = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
    uuid[digits / 2] = static_cast<uint8_t>(uuid[digits / 2] << 4 | value);
    ++digits;
  }
  if (!right) return invalid(fmt::format("-uuid {}: expected the form {}", argument, kForm));
  line.configuration.uuid = uuid;
  return {};
}

util::Status apply_vga(CommandLine& line, std::string_view argument) {
  VIREO_TRY_ASSIGN(options, KeyValues::parse("-vga", argument, "type"));
  VIREO_TRY_ASSIGN(type, options.get_choice("type", "std", {"std", "none"}));
  line.configuration.vga = type;
  return {};
}

util::Result<uint64_t> code_cache_size(const KeyValues& options, uint64_t fallback) {
  constexpr uint64_t kUsual = Configuration::kUsualCodeCacheBytes;
  const auto size = options.get_size("tb-size", fallback, kMebibyte);
  if (size && *size == 0) return kUsual;
  if (size && *size >= kMebibyte && *size <= 2048 * kMebibyte) return *size;
  return options.bad_value("tb-size",
                           fmt::format("1 to 2048 (MiB), or 0 for {}", kUsual / kMebibyte));
}

}  // namespace

util::Status apply_accelerator(CommandLine& line, std::string_view argument) {
  VIREO_TRY_ASSIGN(options, KeyValues::parse("-accel", argument, "accel"));
  VIREO_TRY(options.check_keys({"accel", "backend", "profile", "tb-size", "thread"}));
  VIREO_TRY_ASSIGN(accel, options.get_choice("accel", "tcg", {"tcg"}));
  VIREO_TRY_ASSIGN(backend,
                   options.get_choice("backend", "jit", {"jit", "interpreter", "lockstep"}));
  VIREO_TRY_ASSIGN(cache, code_cache_size(options, line.configuration.code_cache_bytes));
  VIREO_TRY_ASSIGN(profile, options.get_bool("profile", line.configuration.profile));
  line.configuration.accelerator = accel;
  line.configuration.profile = profile;
  line.configuration.accelerator_backend = backend;
  line.configuration.code_cache_bytes = cache;
  return {};
}

std::span<const OptionRow> machine_options() {
  static constexpr OptionRow kRows[] = {
      {"machine", "[type=]name[,prop=value...]", "machine type ('help' lists them)",
       &apply_machine},
      {"M", "[type=]name[,prop=value...]", "the same", &apply_machine},
      {"cpu", "model[,+flag][,-flag]", "CPU model ('help' lists them)", &apply_cpu},
      {"accel", "tcg[,backend=jit|interpreter|lockstep][,tb-size=MiB][,profile=on|off]",
       "how guest code runs; tb-size is the room for translations (64)", &apply_accelerator},
      {"m", "[size=]megabytes", "guest memory, as 512, 512M or 2G (128M)", &apply_memory},
      {"smp", "[cpus=]n", "number of vCPUs", &apply_smp},
      {"kernel", "file", "boot this Linux kernel (bzImage) or multiboot ELF file", &apply_kernel},
      {"initrd", "file", "with this initial RAM disk (multiboot: modules)", &apply_initrd},
      {"append", "text", "and this kernel command line", &apply_append},
      {"bios", "file", "firmware image instead of SeaBIOS", &apply_bios},
      {"L", "directory", "where to look for firmware first", &apply_firmware_path},
      {"boot", "[order=]letters[,once=letters][,menu=on]", "boot order: a floppy, c disk, d CD-ROM",
       &apply_boot},
      {"rtc", "base=utc|localtime|date", "start value of the clock", &apply_rtc},
      {"name", "[guest=]text", "name of the guest", &apply_name},
      {"uuid", "uuid", "UUID of the machine", &apply_uuid},
      {"vga", "std|none", "display adapter", &apply_vga},
  };
  return kRows;
}

}  // namespace vireo::system
