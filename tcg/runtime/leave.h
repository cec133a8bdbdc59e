#pragma once

namespace vireo::tcg {

struct Frame;

/// Where leave() goes. A backend puts one (or a struct beginning with one) where Frame::host_stack
/// points to before it enters guest code, so that hooks and helpers need not know which backend
/// runs.
struct LeaveTarget {
  /// Abandons the host stack down to the backend's run(); does not return.
  void (*resume)(LeaveTarget* self, Frame* frame);
};

}  // namespace vireo::tcg
