// Stands in for the code generator on hosts that have none yet.

#include "tcg/backend/backend.h"

namespace vireo::tcg {

util::Result<std::unique_ptr<Backend>> make_jit_backend(const BackendConfig&) {
  return util::Error(util::ErrorCode::kUnsupported,
                     "no code generator for this kind of host; use backend=interpreter");
}

}  // namespace vireo::tcg
