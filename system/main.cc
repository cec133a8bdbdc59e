// vireo-system-x86_64: reads the command line, builds the machine, runs it.

#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <fstream>
#include <string_view>
#include <vector>

#include "system/daemonize.h"
#include "system/options/command_line.h"
#include "system/vm.h"
#include "util/log.h"
#include "util/text.h"

namespace {

using vireo::system::Configuration;

int fail(const vireo::util::Error& error) {
  fmt::print(stderr, "vireo-system-x86_64: {}\n", vireo::util::printable(error.message()));
  return 1;
}

vireo::util::Status write_pid_file(const std::string& path) {
  if (path.empty()) return {};
  std::ofstream file(path, std::ios::trunc);
  file << ::getpid() << '\n';
  file.close();
  if (file.good()) return {};
  return vireo::util::Error(vireo::util::ErrorCode::kIo,
                            fmt::format("-pidfile {}: cannot write the file", path));
}

vireo::util::Status prepare(const Configuration& configuration) {
  if (!configuration.log_file.empty()) {
    auto status = vireo::util::set_log_file(configuration.log_file);
    if (!status) return std::move(status).error().with_context("-D");
  }
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string_view> arguments(argv + 1, argv + argc);
  auto line = vireo::system::parse_command_line(arguments);
  if (!line) return fail(line.error());
  if (!line->text.empty()) {
    fmt::print("{}", line->text);
    return 0;
  }
  Configuration& configuration = line->configuration;
  const auto prepared = prepare(configuration);
  if (!prepared) return fail(prepared.error());
  std::signal(SIGPIPE, SIG_IGN);  // a peer that hangs up is an error of write()
  vireo::system::Daemon daemon;
  if (configuration.daemonize) {
    const auto forked = daemon.fork_to_background();
    if (!forked) return fail(forked.error());
  }
  auto vm = vireo::system::Vm::create(configuration);
  if (!vm) return fail(vm.error());
  const auto written = write_pid_file(configuration.pid_file);
  if (!written) return fail(written.error());
  daemon.report_ready();
  const int exit_code = (*vm)->run();
  if (!configuration.pid_file.empty()) ::unlink(configuration.pid_file.c_str());
  return exit_code;
}
