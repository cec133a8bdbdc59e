/* TCP with a server on the host: round trips of a byte, and throughput both ways. The server is
 * this program too. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "workload.h"

enum { kBlock = 65536 };

/* What a client asks for first. */
enum order { kEcho = 'e', kTake = 't', kGive = 'g' };
struct request {
  uint64_t order, bytes;
};

static char block[kBlock];

static int read_all(int peer, void* to, size_t bytes) {
  for (char* at = to; bytes > 0;) {
    ssize_t got = read(peer, at, bytes);
    if (got <= 0) return 0;
    at += got;
    bytes -= (size_t)got;
  }
  return 1;
}

static int write_all(int peer, const void* from, size_t bytes) {
  for (const char* at = from; bytes > 0;) {
    ssize_t put = write(peer, at, bytes);
    if (put <= 0) return 0;
    at += put;
    bytes -= (size_t)put;
  }
  return 1;
}

static int take(int peer, uint64_t bytes) {
  while (bytes > 0) {
    ssize_t got = read(peer, block, kBlock);
    if (got <= 0) return 0;
    bytes -= (uint64_t)got;
  }
  return 1;
}

static int give(int peer, uint64_t bytes) {
  for (; bytes > 0; bytes -= kBlock) {
    if (!write_all(peer, block, kBlock)) return 0;
  }
  return 1;
}

static void send_at_once(int peer) {
  int on = 1;
  setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static void answer(int peer) {
  struct request request;
  send_at_once(peer);
  if (!read_all(peer, &request, sizeof request)) return;
  if (request.order == kTake && take(peer, request.bytes)) write_all(peer, "", 1);
  if (request.order == kGive) give(peer, request.bytes);
  char byte;
  while (request.order == kEcho && read(peer, &byte, 1) == 1) write_all(peer, &byte, 1);
}

int serve(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t length = sizeof address;
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  require(bind(listener, (struct sockaddr*)&address, length) == 0 && listen(listener, 4) == 0,
          "listen");
  getsockname(listener, (struct sockaddr*)&address, &length);
  printf("%d\n", ntohs(address.sin_port));
  fflush(stdout);
  for (;;) {
    int peer = accept(listener, NULL, NULL);
    require(peer >= 0, "accept");
    answer(peer);
    close(peer);
  }
}

/* Connects to where BENCH_SERVER (address:port) says. */
static int ask(enum order order, uint64_t bytes) {
  const char* server = getenv("BENCH_SERVER");
  char host[64] = "";
  unsigned port = 0;
  require(server != NULL && sscanf(server, "%63[^:]:%u", host, &port) == 2, "BENCH_SERVER");
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  inet_pton(AF_INET, host, &address.sin_addr);
  int peer = socket(AF_INET, SOCK_STREAM, 0);
  require(connect(peer, (struct sockaddr*)&address, sizeof address) == 0, "connect");
  send_at_once(peer);
  struct request request = {order, bytes};
  require(write_all(peer, &request, sizeof request), "request");
  restart_clock();
  return peer;
}

uint64_t net_latency(void) {
  enum { kRounds = 8000 };
  int peer = ask(kEcho, 0);
  uint64_t sum = 0;
  for (long i = 0; i < kRounds; i++) {
    char sent = (char)i, got = 0;
    require(write_all(peer, &sent, 1) && read_all(peer, &got, 1), "echo");
    sum += sent == got;
  }
  return sum;
}

enum { kTransfer = 256 << 20 };

uint64_t net_send(void) {
  int peer = ask(kTake, kTransfer);
  char done;
  require(give(peer, kTransfer) && read_all(peer, &done, 1), "send");
  return kTransfer;
}

uint64_t net_receive(void) {
  int peer = ask(kGive, kTransfer);
  require(take(peer, kTransfer), "receive");
  return kTransfer;
}
