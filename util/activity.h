#pragma once

#include <cstdint>

namespace vireo::util {

/// What a thread of the machine is at, for profiles. Slow paths say so, always: it takes a store.
enum class Activity : uint8_t {
  kLoop,            ///< The vCPU's loop: interrupts, exceptions, requests.
  kGuest,           ///< Guest code, with the helpers that it calls.
  kLookup,          ///< Finding and linking blocks.
  kDecode,          ///< Translation: guest code to IR.
  kPasses,          ///< Translation: passes on IR.
  kCodeGeneration,  ///< Translation: IR to host code, tables, registration.
  kRefill,          ///< TLB refills with their page walks.
  kAccess,          ///< Guest memory accesses that were not done in place.
  kDevice,          ///< Device models, under the machine lock.
};
constexpr unsigned kActivities = 9;

/// The calling thread's. Volatile: signal handlers of the thread read it. Found without a call,
/// since TLB refills run while vector registers are live.
[[gnu::tls_model(
    "initial-exec")]] inline constinit thread_local volatile Activity current_activity =
    Activity::kLoop;

/// Says what the thread does for a scope, inside another activity. A scope that is left without its
/// destructor (tcg::leave) must be inside one that sets the activity anew.
class [[nodiscard]] ActivityScope {
 public:
  explicit ActivityScope(Activity activity) : before_(current_activity) {
    current_activity = activity;
  }
  ~ActivityScope() { current_activity = before_; }
  ActivityScope(const ActivityScope&) = delete;
  ActivityScope& operator=(const ActivityScope&) = delete;

 private:
  Activity before_;
};

}  // namespace vireo::util
