// The list of passes, and pipelines made of their names.

#include "tcg/opt/pipeline.h"

#include <string>

namespace vireo::tcg {
namespace {

constexpr Pass kPasses[] = {
    {"repeat", "goes on with two more iterations of a loop", repeat_loop},
    {"forward", "reuses guest registers and state that the block has read or written",
     forward_state},
    {"flags", "drops arithmetic flags that nobody can see", narrow_flags},
    {"fold", "computes constants, simplifies identities and addresses", fold_constants},
    {"dce", "removes what has no use, and renumbers", remove_dead_code},
};

const Pass* find(std::string_view name) {
  for (const Pass& pass : kPasses) {
    if (name == pass.name) return &pass;
  }
  return nullptr;
}

}  // namespace

std::span<const Pass> passes() { return kPasses; }

util::Result<Pipeline> Pipeline::parse(std::string_view text) {
  Pipeline pipeline;
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    const std::string_view name = text.substr(0, comma);
    const Pass* pass = find(name);
    if (!pass) {
      return util::Error(util::ErrorCode::kInvalidArgument,
                         "there is no translator pass '" + std::string(name) + "'");
    }
    pipeline.passes_.push_back(pass);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return pipeline;
}

Pipeline Pipeline::standard() {
  Pipeline pipeline;
  for (const Pass& pass : kPasses) pipeline.passes_.push_back(&pass);
  return pipeline;
}

}  // namespace vireo::tcg
