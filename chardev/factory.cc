// Which name stands for which back end.

#include "chardev/factory.h"

#include <fmt/format.h>

namespace vireo::chardev {

namespace {

// Swallows what the device sends and never sends anything.
class Null final : public Chardev {
 public:
  size_t write(std::span<const uint8_t> bytes) override { return bytes.size(); }
  void set_receiver(Receiver) override {}
};

}  // namespace

std::unique_ptr<Chardev> make_null() { return std::make_unique<Null>(); }

util::Result<std::unique_ptr<Chardev>> open(const Spec& spec, util::EventLoop& loop) {
  if (spec.backend == "null") return make_null();
  if (spec.backend == "stdio") return open_stdio(spec, loop);
  if (spec.backend == "file") return open_file(spec, loop);
  if (spec.backend == "pty") return open_pty(spec, loop);
  if (spec.backend == "socket") return open_socket(spec, loop);
  return util::Error(util::ErrorCode::kInvalidArgument,
                     fmt::format("chardev '{}': no back end '{}'", spec.id, spec.backend));
}

}  // namespace vireo::chardev
