// The addresses and port rules of the user-mode network's options.

#include "net/user_rules.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include "util/text.h"

namespace vireo::net {

namespace {

util::Error bad(std::string_view what, std::string_view text, std::string_view expected) {
  return {util::ErrorCode::kInvalidArgument,
          fmt::format("{} '{}': expected {}", what, text, expected)};
}

util::Result<uint16_t> parse_port(std::string_view text) {
  const auto port = util::parse_number(text, 65535);
  if (!port || *port == 0) return bad("port", text, "1 to 65535");
  return static_cast<uint16_t>(*port);
}

// "[address]:port"
util::Status parse_end(std::string_view text, in_addr& address, uint16_t& port) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return bad("end of a rule", text, "[address]:port");
  VIREO_TRY_ASSIGN(parsed_address, parse_address(text.substr(0, colon), 0));
  VIREO_TRY_ASSIGN(parsed_port, parse_port(text.substr(colon + 1)));
  address = parsed_address;
  port = parsed_port;
  return {};
}

}  // namespace

util::Result<in_addr> parse_address(std::string_view text, uint32_t fallback) {
  in_addr address{htonl(fallback)};
  if (!text.empty() && ::inet_pton(AF_INET, std::string(text).c_str(), &address) != 1) {
    return bad("address", text, "a form such as 10.0.2.2");
  }
  return address;
}

util::Result<Network> parse_network(std::string_view text) {
  const size_t slash = text.find('/');
  VIREO_TRY_ASSIGN(address, parse_address(text.substr(0, slash), 0));
  Network network{ntohl(address.s_addr), 0xffffff00};
  if (slash != std::string_view::npos) {
    const std::string_view mask = text.substr(slash + 1);
    const auto bits = util::parse_number(mask, 30);
    if (bits && *bits >= 8) {
      network.mask = ~uint32_t{0} << (32 - *bits);
    } else {
      VIREO_TRY_ASSIGN(quad, parse_address(mask, 0));
      network.mask = ntohl(quad.s_addr);
    }
  }
  if (network.mask == 0 || (~network.mask & (~network.mask + 1)) != 0) {
    return bad("network", text, "a form such as 10.0.2.0/24");
  }
  network.address &= network.mask;
  return network;
}

util::Result<ForwardRule> parse_forward(std::string_view text) {
  constexpr std::string_view kForm = "tcp|udp:[host address]:port-[guest address]:port";
  ForwardRule rule;
  const size_t colon = text.find(':');
  const std::string_view protocol = text.substr(0, colon);
  if (colon == std::string_view::npos ||
      (protocol != "tcp" && protocol != "udp" && !protocol.empty())) {
    return bad("hostfwd rule", text, kForm);
  }
  rule.udp = protocol == "udp";
  const std::string_view ends = text.substr(colon + 1);
  const size_t dash = ends.find('-');
  if (dash == std::string_view::npos) return bad("hostfwd rule", text, kForm);
  VIREO_TRY(parse_end(ends.substr(0, dash), rule.host, rule.host_port));
  VIREO_TRY(parse_end(ends.substr(dash + 1), rule.guest, rule.guest_port));
  return rule;
}

}  // namespace vireo::net
