#pragma once

#include <memory>
#include <string>
#include <vector>

#include "net/backend.h"
#include "util/result.h"

namespace vireo::core {
class GuestClock;
}

namespace vireo::net {

/// The user-mode network: a private network with a router that reaches the host's network through
/// ordinary sockets. Addresses are dotted quads; empty ones follow from `network`.
struct UserConfig {
  std::string id;
  std::string network = "10.0.2.0/24";  ///< net=
  std::string host;                     ///< The router, where the host is seen (.2).
  std::string dhcp_start;               ///< First address that DHCP gives out (.15).
  std::string dns;                      ///< Where name queries go (.3).
  std::string hostname;
  std::string domain;
  std::string tftp_path;  ///< Directory offered by TFTP.
  std::string boot_file;
  bool restricted = false;  ///< The guest reaches nothing but forwarded ports.
  /// "tcp|udp:[host address]:port-[guest address]:port"
  std::vector<std::string> forwards;
};

/// Whether this build has the user-mode network, which needs libslirp.
bool has_user_network();

/// Errors: an address or rule that cannot be understood, a host port that is taken.
util::Result<std::unique_ptr<Backend>> open_user(const UserConfig& config);

}  // namespace vireo::net
