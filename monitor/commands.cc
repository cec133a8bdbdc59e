// The human monitor's commands.

#include "monitor/commands.h"

#include <fmt/format.h>

#include <span>
#include <vector>

#include "monitor/control.h"
#include "ui/key_names.h"
#include "util/log.h"
#include "util/text.h"

namespace vireo::monitor {

namespace {

using Arguments = std::vector<std::string_view>;

struct Command {
  std::string_view name;
  std::string_view short_name;
  std::string_view parameters;
  std::string_view help;
  size_t min_arguments;
  std::string (*run)(Control& control, const Arguments& arguments);
};

std::string error_text(const util::Error& error) {
  return fmt::format("Error: {}\n", error.message());
}
std::string text_of(const util::Status& status) {
  return status ? std::string() : error_text(status.error());
}
std::string text_of(const util::Result<std::string>& result) {
  return result ? *result : error_text(result.error());
}

std::string run_help(Control& control, const Arguments& arguments);

std::string run_log(Control&, const Arguments& arguments) {
  if (arguments[0] == "none") {
    util::log_mask = 0;
    return {};
  }
  return text_of(util::set_log_items(arguments[0]));
}

// "xp /8xw 0x1000": count, format (hexadecimal only) and unit of b, h, w or g.
std::string run_examine(Control& control, const Arguments& arguments) {
  unsigned count = 1;
  unsigned width = 4;
  if (arguments[0].starts_with('/')) {
    std::string_view format = arguments[0].substr(1);
    if (!format.empty() && format[0] >= '0' && format[0] <= '9') count = 0;
    for (const char c : format) {
      if (c >= '0' && c <= '9' && count < 4096) {
        count = count * 10 + static_cast<unsigned>(c - '0');
      } else if (c == 'b' || c == 'h' || c == 'w' || c == 'g') {
        width = c == 'b' ? 1 : c == 'h' ? 2 : c == 'w' ? 4 : 8;
      } else if (c != 'x') {
        return fmt::format("Error: '{}': expected /<count>x<b|h|w|g>\n", arguments[0]);
      }
    }
  }
  const auto address = util::parse_number(arguments.back());
  if (!address) return error_text(address.error());
  return text_of(control.examine_physical(*address, count, width));
}

std::string run_info(Control& control, const Arguments& arguments) {
  if (arguments.empty()) return control.info_topics();
  const bool verbose = arguments.size() == 2 && arguments[1] == "-v";
  if (arguments.size() > 1 && !verbose) return "Error: usage: info [topic [-v]]\n";
  return text_of(control.info(arguments[0], verbose));
}

// Without -f, a file called *.ppm is one, and any other a PNG.
std::string run_screendump(Control& control, const Arguments& arguments) {
  const std::string path(arguments[0]);
  std::string_view format = path.ends_with(".ppm") ? "ppm" : "png";
  if (arguments.size() > 1) {
    if (arguments.size() != 3 || arguments[1] != "-f") {
      return "Error: usage: screendump file [-f png|ppm]\n";
    }
    format = arguments[2];
  }
  if (format != "png" && format != "ppm") {
    return fmt::format("Error: screendump -f {}: the formats are png and ppm\n", format);
  }
  return text_of(control.screendump(path, format));
}

std::string run_sendkey(Control& control, const Arguments& arguments) {
  constexpr uint64_t kDefaultHoldMs = 100;
  constexpr uint64_t kMostHoldMs = 60'000;
  const auto codes = ui::parse_chord(arguments[0]);
  if (!codes) return error_text(codes.error());
  uint64_t hold = kDefaultHoldMs;
  if (arguments.size() > 1) {
    const auto given = util::parse_number(arguments[1], kMostHoldMs);
    if (!given) return error_text(given.error());
    hold = *given;
  }
  control.send_keys(*codes, static_cast<unsigned>(hold));
  return {};
}

std::string run_mce(Control& control, const Arguments& arguments) {
  std::span<const std::string_view> words = arguments;
  if (words[0] == "-b") words = words.subspan(1);
  MachineCheck error;
  uint64_t* const numbers[] = {&error.cpu,        &error.bank,    &error.status,
                               &error.mcg_status, &error.address, &error.misc};
  if (words.size() != std::size(numbers))
    return "Error: usage: mce [-b] cpu bank status mcgstatus addr misc\n";
  for (size_t i = 0; i < words.size(); ++i) {
    const auto number = util::parse_number(words[i]);
    if (!number) return error_text(number.error());
    *numbers[i] = *number;
  }
  return text_of(control.machine_check(error));
}

const Command kCommands[] = {
    {"help", "?", "[command]", "this list", 0, &run_help},
    {"info", "", "[topic [-v]]", "shows a topic; without one, the topics; -v: shows more", 0,
     &run_info},
    {"quit", "q", "", "ends the program", 0,
     [](Control& control, const Arguments&) { return control.quit(), std::string(); }},
    {"stop", "s", "", "stops the guest", 0,
     [](Control& control, const Arguments&) { return control.stop(), std::string(); }},
    {"cont", "c", "", "lets the guest go on", 0,
     [](Control& control, const Arguments&) { return control.cont(), std::string(); }},
    {"system_reset", "", "", "resets the machine", 0,
     [](Control& control, const Arguments&) { return control.system_reset(), std::string(); }},
    {"system_powerdown", "", "", "presses the power button", 0,
     [](Control& control, const Arguments&) { return control.system_powerdown(), std::string(); }},
    {"nmi", "", "", "sends an NMI", 0,
     [](Control& control, const Arguments&) { return control.nmi(), std::string(); }},
    {"mce", "", "[-b] cpu bank status mcgstatus addr misc",
     "reports a hardware error; -b: to all CPUs", 6, &run_mce},
    {"screendump", "", "file [-f png|ppm]", "writes the screen to a file", 1, &run_screendump},
    {"sendkey", "", "keys [hold_ms]", "sends keys: 'sendkey ctrl-alt-f1'", 1, &run_sendkey},
    {"xp", "", "[/<count>x<b|h|w|g>] address", "shows physical memory", 1, &run_examine},
    {"profile_restart", "", "", "lets the profile of 'info jit' count from now on", 0,
     [](Control& control, const Arguments&) { return control.restart_profile(), std::string(); }},
    {"log", "", "items|none", "selects what is logged, as -d", 1, &run_log},
};

std::string run_help(Control&, const Arguments&) {
  std::string text;
  for (const Command& command : kCommands) {
    const std::string left =
        fmt::format("{}{}{} {}", command.name, command.short_name.empty() ? "" : "|",
                    command.short_name, command.parameters);
    text += fmt::format("{:46} {}\n", left, command.help);
  }
  return text;
}

const Command* find_command(std::string_view name) {
  for (const Command& command : kCommands) {
    if (command.name == name || (!command.short_name.empty() && command.short_name == name)) {
      return &command;
    }
  }
  return nullptr;
}

Arguments words_of(std::string_view line) {
  Arguments words;
  for (const std::string_view word : util::split(line, ' ')) {
    if (!word.empty()) words.push_back(word);
  }
  return words;
}

}  // namespace

std::string run_command(Control& control, std::string_view line) {
  Arguments words = words_of(line);
  if (words.empty()) return {};
  const std::string_view name = words.front();
  words.erase(words.begin());
  const Command* command = find_command(name);
  if (command == nullptr) {
    std::vector<std::string_view> names;
    for (const Command& each : kCommands) names.push_back(each.name);
    return fmt::format("unknown command: '{}'{}\n", name, util::did_you_mean(name, names));
  }
  if (words.size() < command->min_arguments) {
    return fmt::format("Error: usage: {} {}\n", command->name, command->parameters);
  }
  return command->run(control, words);
}

}  // namespace vireo::monitor
