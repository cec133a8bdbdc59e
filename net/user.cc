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

#include "core/machine_lock.h"
#include "net/user_rules.h"
#include "util/async/event_loop.h"
#include "util/log.h"

namespace vireo::net {

namespace {

constexpr size_t kMaxQueued = 512;  // frames that wait for the card
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
  void send(std::span<const uint8_t> frame) override {
    slirp_input(slirp_, frame.data(), static_cast<int>(frame.size()));
    wake();
  }
  void set_receiver(Receiver receiver) override { receiver_ = std::move(receiver); }
  void accept_input() override { deliver(); }

 private:
  static User& self(void* opaque) { return *static_cast<User*>(opaque); }
  static const SlirpCb& callbacks();
  void wake() { ::eventfd_write(wake_fd_, 1); }
  void deliver();
  void poll_thread();
  void run_timers();
  uint32_t timeout_ms(uint32_t limit) const;

  Slirp* slirp_ = nullptr;
  int wake_fd_;
  Receiver receiver_;
  std::deque<std::vector<uint8_t>> queue_;
  std::list<SlirpTimer> timers_;
  std::vector<pollfd> fds_;
  std::atomic<bool> ending_{false};
  std::thread thread_;
};

// All run under the machine lock, inside calls into libslirp.
const SlirpCb& User::callbacks() {
  static const SlirpCb table = [] {
    SlirpCb cb{};
    cb.send_packet = [](const void* data, size_t size, void* opaque) -> ssize_t {
      User& user = self(opaque);
      const auto* bytes = static_cast<const uint8_t*>(data);
      if (user.queue_.size() < kMaxQueued) user.queue_.emplace_back(bytes, bytes + size);
      user.deliver();
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
    cb.timer_mod = [](void* timer, int64_t expires_ms, void* opaque) {
      static_cast<SlirpTimer*>(timer)->expires_ms = expires_ms;
      self(opaque).wake();
    };
    cb.register_poll_fd = [](int, void*) {};
    cb.unregister_poll_fd = [](int, void*) {};
    cb.notify = [](void* opaque) { self(opaque).wake(); };
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

void User::deliver() {
  while (!queue_.empty() && receiver_.receive && receiver_.can_receive && receiver_.can_receive()) {
    const std::vector<uint8_t> frame = std::move(queue_.front());
    queue_.pop_front();
    receiver_.receive(frame);
  }
}

uint32_t User::timeout_ms(uint32_t limit) const {
  const int64_t now = util::host_monotonic_ns() / kNsPerMs;
  int64_t timeout = std::min<int64_t>(limit, 60'000);
  for (const SlirpTimer& timer : timers_) {
    if (timer.expires_ms >= 0) {
      timeout = std::min(timeout, std::max<int64_t>(0, timer.expires_ms - now));
    }
  }
  return static_cast<uint32_t>(timeout);
}

void User::run_timers() {
  const int64_t now = util::host_monotonic_ns() / kNsPerMs;
  for (SlirpTimer& timer : timers_) {
    if (timer.expires_ms < 0 || timer.expires_ms > now) continue;
    timer.expires_ms = -1;
    timer.callback(timer.opaque);
    return;  // the callback may have changed the list; the rest follows in the next round
  }
}

void User::poll_thread() {
  while (!ending_) {
    uint32_t timeout = UINT32_MAX;
    {
      const core::MachineLockGuard lock;
      fds_.assign(1, {wake_fd_, POLLIN, 0});
      slirp_pollfds_fill(
          slirp_, &timeout,
          [](int fd, int events, void* opaque) {
            auto& fds = self(opaque).fds_;
            fds.push_back({fd, to_poll(events), 0});
            return static_cast<int>(fds.size() - 1);
          },
          this);
      timeout = timeout_ms(timeout);
    }
    const int ready = ::poll(fds_.data(), fds_.size(), static_cast<int>(timeout));
    eventfd_t drained;
    ::eventfd_read(wake_fd_, &drained);
    const core::MachineLockGuard lock;
    slirp_pollfds_poll(
        slirp_, ready < 0,
        [](int index, void* opaque) {
          return from_poll(self(opaque).fds_[static_cast<size_t>(index)].revents);
        },
        this);
    run_timers();
  }
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
