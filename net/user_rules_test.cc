#include "net/user_rules.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

namespace vireo::net {
namespace {

TEST(UserRules, ForwardsAreParsed) {
  const auto rule = parse_forward("tcp:127.0.0.1:2222-10.0.2.15:22");
  ASSERT_TRUE(rule);
  EXPECT_FALSE(rule->udp);
  EXPECT_EQ(ntohl(rule->host.s_addr), 0x7f000001u);
  EXPECT_EQ(rule->host_port, 2222);
  EXPECT_EQ(ntohl(rule->guest.s_addr), 0x0a00020fu);
  EXPECT_EQ(rule->guest_port, 22);
  ASSERT_TRUE(parse_forward("udp::53-:53"));
  EXPECT_TRUE(parse_forward("udp::53-:53")->udp);
}

TEST(UserRules, NonsenseIsRefused) {
  for (const char* text : {"", "tcp", "tcp:22-22", "sctp::1-:1", "tcp::0-:1", "tcp::70000-:1",
                           "tcp:x:1-:1", "tcp::1-:", "tcp::1"}) {
    EXPECT_FALSE(parse_forward(text)) << text;
  }
  for (const char* text : {"x", "10.0.2.0/33", "10.0.2.0/255.0.255.0", "10.0.2/24"}) {
    EXPECT_FALSE(parse_network(text)) << text;
  }
}

TEST(UserRules, NetworksTakeBitsOrMasks) {
  EXPECT_EQ(parse_network("192.168.7.9/24")->address, 0xc0a80700u);
  EXPECT_EQ(parse_network("10.0.0.0/255.255.0.0")->mask, 0xffff0000u);
  EXPECT_EQ(parse_network("10.0.2.0")->mask, 0xffffff00u);
}

}  // namespace
}  // namespace vireo::net
