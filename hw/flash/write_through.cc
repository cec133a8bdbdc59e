// From a memory that changes to the drive that keeps it.

#include "hw/flash/write_through.h"

#include <algorithm>
#include <utility>

#include "util/log.h"

namespace vireo::hw {

void WriteThrough::changed(uint64_t offset, uint64_t length) {
  const bool first = first_ == end_;
  first_ = first ? offset : std::min(first_, offset);
  end_ = std::max(end_, offset + length);
  submit_next();
}

void WriteThrough::leave() {
  gather();
  contents_ = nullptr;
}

// After leave() the bytes are in next_ already.
void WriteThrough::gather() {
  if (contents_ != nullptr) next_.assign(contents_ + first_, contents_ + end_);
}

void WriteThrough::submit_next() {
  if (writing_ || first_ == end_) return;
  gather();
  written_.swap(next_);
  const uint64_t offset = std::exchange(first_, 0);
  end_ = 0;
  writing_ = true;
  drive_.submit({.kind = block::DriveRequest::Kind::write,
                 .offset = offset,
                 .buffers = {written_},
                 .done = [self = shared_from_this()](util::Status status) {
                   self->writing_ = false;
                   if (!status) util::warn("flash: " + status.error().message());
                   self->submit_next();
                 }});
}

}  // namespace vireo::hw
