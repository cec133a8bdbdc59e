// The user-mode network on libslirp, polled by a thread of its own.

#include "net/user.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <poll.h>
#include <slirp/libslirp.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <list>
#include <thread>
#include <utility>

#include "core/machine_lock.h"
#include "net/ipv4.h"
#include "net/user_rules.h"
#include "util/async/event_loop.h"
#include "util/byte_order.h"
#include "util/log.h"

namespace vireo::net {

namespace {

constexpr size_t kMaxQueued = 512;  // frames that wait for the card
constexpr uint32_t kLongestWaitMs = 60'000;
constexpr size_t kLargestPacket = 65521;   // of libslirp, in bytes
constexpr uint16_t kLargeSegment = 32768;  // the most TCP payload that libslirp puts into a packet
// TCP payload of a full frame.
constexpr uint16_t kOrdinarySegment = kEthernetMtu - kIpv4Header - kTcpHeader;
constexpr int64_t kNsPerMs = 1'000'000;

struct SlirpTimer {
  SlirpTimerCb callback;
  void* opaque;
  int64_t expires_ms = -1;
};

int16_t to_poll(int events) {
  int16_t result = 0;
  if (events & SLIRP_POLL_IN) result |= POLLIN;
  if (events & SLIRP_POLL_OUT) result |= POLLOUT;
  if (events & SLIRP_POLL_PRI) result |= POLLPRI;
  return result;
}

int from_poll(int16_t events) {
  int result = 0;
  if (events & POLLIN) result |= SLIRP_POLL_IN;
  if (events & POLLOUT) result |= SLIRP_POLL_OUT;
  if (events & POLLPRI) result |= SLIRP_POLL_PRI;
  if (events & POLLERR) result |= SLIRP_POLL_ERR;
  if (events & POLLHUP) result |= SLIRP_POLL_HUP;
  return result;
}

class User final : public Backend {
 public:
  User() : wake_fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}
  ~User() override;

  util::Status open(const UserConfig& config);

  // The frames end here: libslirp hands their bytes to sockets.
  bool takes_large_segments() const override { return true; }
  void send(std::span<const uint8_t> frame) override;
  void set_receiver(Receiver receiver) override { receiver_ = std::move(receiver); }
  void accept_input() override { deliver(); }

 private:
  static User& self(void* opaque) { return *static_cast<User*>(opaque); }
  static const SlirpCb& callbacks();
  void wake() { ::eventfd_write(wake_fd_, 1); }
  bool takes_large() const {
    return receiver_.takes_large_segments && receiver_.takes_large_segments();
  }
  void input(std::span<const uint8_t> frame);
  void output(std::span<const uint8_t> frame);
  void enqueue(std::span<const uint8_t> frame);
  bool can_deliver() const {
    return receiver_.receive && receiver_.can_receive && receiver_.can_receive();
  }
  void deliver();
  int64_t find_waits(std::vector<pollfd>& fds);
  void poll_thread();
  void wait();
  void run_timers();

  Slirp* slirp_ = nullptr;
  int wake_fd_;
  Receiver receiver_;
  std::deque<std::vector<uint8_t>> queue_;
  std::list<SlirpTimer> timers_;
  // What libslirp waits for, and until when (milliseconds, as its clock): what the thread has seen
  // of it if `waits_changed_` is false.
  std::vector<pollfd> waits_, new_waits_;
  int64_t deadline_ms_ = 0;
  bool waits_changed_ = false;
  std::vector<pollfd> polled_;  // the thread's
  std::atomic<bool> ending_{false};
  std::thread thread_;
};

int64_t now_ms() { return util::host_monotonic_ns() / kNsPerMs; }

// All run under the machine lock, inside calls into libslirp.
const SlirpCb& User::callbacks() {
  static const SlirpCb table = [] {
    SlirpCb cb{};
    cb.send_packet = [](const void* data, size_t size, void* opaque) -> ssize_t {
      self(opaque).output({static_cast<const uint8_t*>(data), size});
      return static_cast<ssize_t>(size);
    };
    cb.guest_error = [](const char* message, void*) {
      util::log(util::kLogGuestErrors, "user network: {}\n", message);
    };
    cb.clock_get_ns = [](void*) { return util::host_monotonic_ns(); };
    cb.timer_new = [](SlirpTimerCb callback, void* callback_opaque, void* opaque) -> void* {
      return &self(opaque).timers_.emplace_back(SlirpTimer{callback, callback_opaque});
    };
    cb.timer_free = [](void* timer, void* opaque) {
      self(opaque).timers_.remove_if([timer](const SlirpTimer& t) { return &t == timer; });
    };
    cb.timer_mod = [](void* timer, int64_t expires_ms, void*) {
      static_cast<SlirpTimer*>(timer)->expires_ms = expires_ms;
    };
    // A new socket may look like the one before it.
    cb.register_poll_fd = [](int, void* opaque) { self(opaque).waits_.clear(); };
    cb.unregister_poll_fd = cb.register_poll_fd;
    cb.notify = [](void*) {};  // each call ends with a look at what there is to wait for
    return cb;
  }();
  return table;
}

User::~User() {
  ending_ = true;
  wake();
  if (thread_.joinable()) thread_.join();
  if (slirp_ != nullptr) slirp_cleanup(slirp_);
  ::close(wake_fd_);
}

util::Status User::open(const UserConfig& config) {
  VIREO_TRY_ASSIGN(network, parse_network(config.network));
  VIREO_TRY_ASSIGN(host, parse_address(config.host, network.address | 2));
  VIREO_TRY_ASSIGN(dns, parse_address(config.dns, network.address | 3));
  VIREO_TRY_ASSIGN(dhcp, parse_address(config.dhcp_start, network.address | 15));
  const auto optional = [](const std::string& text) {
    return text.empty() ? nullptr : text.c_str();
  };
  SlirpConfig slirp{};
  slirp.version = 1;
  slirp.restricted = config.restricted ? 1 : 0;
  slirp.in_enabled = true;
  slirp.vnetwork = {htonl(network.address)};
  slirp.vnetmask = {htonl(network.mask)};
  slirp.vhost = host;
  slirp.vhostname = optional(config.hostname);
  slirp.tftp_path = optional(config.tftp_path);
  slirp.bootfile = optional(config.boot_file);
  slirp.vdhcp_start = dhcp;
  slirp.vnameserver = dns;
  slirp.vdomainname = optional(config.domain);
  slirp.if_mtu = slirp.if_mru = kLargestPacket;
  slirp_ = slirp_new(&slirp, &callbacks(), this);
  if (slirp_ == nullptr) {
    return util::Error(util::ErrorCode::kInvalidArgument,
                       "the addresses do not fit together; all lie within net=");
  }
  for (const std::string& text : config.forwards) {
    auto parsed = parse_forward(text);
    if (!parsed) return std::move(parsed).error().with_context("hostfwd");
    const ForwardRule& rule = *parsed;
    if (slirp_add_hostfwd(slirp_, rule.udp, rule.host, rule.host_port, rule.guest,
                          rule.guest_port) != 0) {
      return util::Error(
          util::ErrorCode::kBusy,
          fmt::format("hostfwd '{}': cannot listen at port {} of the host", text, rule.host_port));
    }
  }
  thread_ = std::thread([this] { poll_thread(); });
  return {};
}

// A guest that takes large segments asks for them by its limit, as far as it knows its card: one
// that asks for less than the card's has a narrower link somewhere behind it.
void User::send(std::span<const uint8_t> frame) {
  const auto segment = takes_large() ? find_tcp(frame) : std::nullopt;
  const auto limit = segment ? find_segment_limit(frame, *segment) : std::nullopt;
  if (!limit || util::load_big<uint16_t>(&frame[*limit]) < kOrdinarySegment) return input(frame);
  std::vector<uint8_t> asks_for_more(frame.begin(), frame.end());
  set_tcp_word(asks_for_more, *segment, *limit, kLargeSegment);
  input(asks_for_more);
}

// The thread is only told of what it does not wait for yet.
void User::input(std::span<const uint8_t> frame) {
  slirp_input(slirp_, frame.data(), static_cast<int>(frame.size()));
  const int64_t deadline = find_waits(new_waits_);
  const auto same = [](const pollfd& a, const pollfd& b) {
    return a.fd == b.fd && a.events == b.events;
  };
  if (deadline >= deadline_ms_ && std::ranges::equal(new_waits_, waits_, same)) return;
  waits_.swap(new_waits_);
  deadline_ms_ = deadline;
  if (!std::exchange(waits_changed_, true)) wake();
}

// Large segments may be those of a driver that is gone. Anything else that is too large is split,
// but for IPv6, which libslirp never makes larger than what it was sent.
void User::output(std::span<const uint8_t> frame) {
  if (frame.size() <= kEthernetFrame) return enqueue(frame);
  const auto packet = find_ipv4(frame);
  if (packet && packet->protocol != kProtocolTcp) {
    fragment_ipv4(frame, *packet, kEthernetMtu,
                  [this](std::span<const uint8_t> fragment) { enqueue(fragment); });
  } else if (!packet || takes_large()) {
    enqueue(frame);
  }
}

void User::enqueue(std::span<const uint8_t> frame) {
  if (queue_.empty() && can_deliver()) {
    receiver_.receive(frame);
  } else if (queue_.size() < kMaxQueued) {
    queue_.emplace_back(frame.begin(), frame.end());
  }
}

void User::deliver() {
  while (!queue_.empty() && can_deliver()) {
    const std::vector<uint8_t> frame = std::move(queue_.front());
    queue_.pop_front();
    receiver_.receive(frame);
  }
}

// Returns until when.
int64_t User::find_waits(std::vector<pollfd>& fds) {
  fds.assign(1, {wake_fd_, POLLIN, 0});
  uint32_t timeout = kLongestWaitMs;
  slirp_pollfds_fill(
      slirp_, &timeout,
      [](int fd, int events, void* opaque) {
        auto& fds = *static_cast<std::vector<pollfd>*>(opaque);
        fds.push_back({fd, to_poll(events), 0});
        return static_cast<int>(fds.size() - 1);
      },
      &fds);
  int64_t deadline = now_ms() + std::min(timeout, kLongestWaitMs);
  for (const SlirpTimer& timer : timers_) {
    if (timer.expires_ms >= 0) deadline = std::min(deadline, timer.expires_ms);
  }
  return deadline;
}

void User::run_timers() {
  const int64_t now = now_ms();
  for (SlirpTimer& timer : timers_) {
    if (timer.expires_ms < 0 || timer.expires_ms > now) continue;
    timer.expires_ms = -1;
    timer.callback(timer.opaque);
    return;  // the callback may have changed the list; the rest follows in the next round
  }
}

void User::poll_thread() {
  while (!ending_) {
    wait();
    const core::MachineLockGuard lock;
    if (std::exchange(waits_changed_, false)) {
      polled_ = waits_;
      ::poll(polled_.data(), polled_.size(), 0);
    }
    slirp_pollfds_poll(
        slirp_, 0,
        [](int index, void* opaque) {
          return from_poll(self(opaque).polled_[static_cast<size_t>(index)].revents);
        },
        this);
    run_timers();
  }
}

void User::wait() {
  int64_t timeout;
  {
    const core::MachineLockGuard lock;
    deadline_ms_ = find_waits(waits_);
    waits_changed_ = false;
    polled_ = waits_;
    timeout = std::max<int64_t>(0, deadline_ms_ - now_ms());
  }
  // If it fails, it leaves no events.
  ::poll(polled_.data(), polled_.size(), static_cast<int>(timeout));
  eventfd_t drained;
  ::eventfd_read(wake_fd_, &drained);
}

}  // namespace

bool has_user_network() { return true; }

util::Result<std::unique_ptr<Backend>> open_user(const UserConfig& config) {
  auto user = std::make_unique<User>();
  auto status = user->open(config);
  if (!status) return std::move(status).error().with_context("user network '" + config.id + "'");
  return std::unique_ptr<Backend>(std::move(user));
}

}  // namespace vireo::net
