#pragma once

namespace vireo::util {
class EventLoop;
}

namespace vireo::core {

class AddressSpace;
class BackendResolver;
class GuestClock;
class RunControl;
class TimerQueue;

/// What a device finds around it; outlives all devices.
struct Environment {
  AddressSpace& memory;  ///< System memory as bus masters see it (no SMRAM).
  AddressSpace& ports;   ///< The 64 Ki of I/O ports.
  GuestClock& clock;
  TimerQueue& timers;
  RunControl& run_control;
  util::EventLoop& loop;
  BackendResolver& backends;
};

}  // namespace vireo::core
