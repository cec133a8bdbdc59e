// Stands in for the user-mode network in builds without libslirp.

#include "net/user.h"

namespace vireo::net {

bool has_user_network() { return false; }

util::Result<std::unique_ptr<Backend>> open_user(const UserConfig&) {
  return util::Error(util::ErrorCode::kUnsupported,
                     "this build has no user-mode network: libslirp was missing");
}

}  // namespace vireo::net
