#pragma once

#include <netinet/in.h>

#include <string>
#include <string_view>

#include "util/result.h"

namespace vireo::net {

/// An IPv4 network in host byte order.
struct Network {
  uint32_t address = 0;
  uint32_t mask = 0;
};

/// "a.b.c.d/bits" or "a.b.c.d/mask"; 24 bits without a mask. Errors: anything else.
util::Result<Network> parse_network(std::string_view text);

/// A dotted quad, or `fallback` (host byte order) if empty. Errors: anything else.
util::Result<in_addr> parse_address(std::string_view text, uint32_t fallback);

/// A forwarded port.
struct ForwardRule {
  bool udp = false;
  in_addr host{};
  uint16_t host_port = 0;
  in_addr guest{};  ///< 0: the first DHCP address.
  uint16_t guest_port = 0;
};

/// "tcp|udp:[host address]:port-[guest address]:port". Errors: anything else.
util::Result<ForwardRule> parse_forward(std::string_view text);

}  // namespace vireo::net
