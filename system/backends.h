#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "block/drive.h"
#include "chardev/chardev.h"
#include "chardev/mux.h"
#include "core/device/backend_ref.h"
#include "net/backend.h"
#include "system/options/configuration.h"
#include "util/async/thread_pool.h"

namespace vireo::system {

/// The host's side of a machine: its drives, networks, byte streams and firmware files, by name.
/// Devices find them through BackendResolver; each belongs to one device.
class Backends final : public core::BackendResolver {
 public:
  /// `quit` is what C-a x does.
  Backends(util::EventLoop& loop, std::function<void()> quit);
  ~Backends() override;

  /// Opens everything that `configuration` names. Errors name the option and the file.
  util::Status open(const Configuration& configuration);

  util::Result<void*> resolve(std::string_view kind, std::string_view name) override;

  /// The end of chardev `id` for one more user (a monitor); null if there is none.
  chardev::Chardev* chardev(const std::string& id);
  block::Drive* drive(const std::string& id);

  /// Runs `function` on the loop, without the machine lock, once no drive has a request in flight:
  /// at once if that is so already. For one caller at a time, who has stopped the vCPUs.
  void when_quiet(std::function<void()> function);

 private:
  bool quiet() const;
  util::Status open_chardev(const ChardevOption& option, const Configuration& configuration);
  util::Status open_drive(const DriveOption& option, bool snapshot);
  util::Status open_netdev(const NetdevOption& option);

  util::EventLoop& loop_;
  std::function<void()> quit_;
  util::ThreadPool threads_;
  block::IoContext io_;
  std::map<std::string, std::unique_ptr<chardev::Chardev>, std::less<>> chardevs_;
  std::map<std::string, std::unique_ptr<chardev::Mux>, std::less<>> muxes_;
  std::map<std::string, std::unique_ptr<block::Drive>, std::less<>> drives_;
  std::map<std::string, std::unique_ptr<net::Backend>, std::less<>> netdevs_;
  std::vector<std::string> firmware_paths_;
  std::map<std::string, std::string, std::less<>> firmware_;  // paths by name
  std::set<std::string, std::less<>> taken_;                  // "kind/name"
  std::function<void()> waits_for_quiet_;
};

}  // namespace vireo::system
