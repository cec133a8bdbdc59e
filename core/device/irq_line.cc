#include "core/device/irq_line.h"

namespace vireo::core {

void IrqLine::connect(IrqInput input) {
  inputs_.push_back(input);
  input.handler->set_irq(input.line, level_);
}

}  // namespace vireo::core
