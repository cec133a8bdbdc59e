#pragma once

namespace vireo::util {

/// From here on the calling thread takes no signals but those that its own instructions and its
/// ThreadSampler raise: what is sent to the process goes to other threads.
void leave_signals_to_others();

}  // namespace vireo::util
