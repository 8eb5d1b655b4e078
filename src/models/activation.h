// The kernels' name of a config's activation.
#pragma once

#include "formats/decoder_config.h"
#include "ops/run.h"

namespace lathe::models {

inline kernels::Activation kernel_of(formats::Activation activation) {
  switch (activation) {
    case formats::Activation::gelu:
      return kernels::Activation::gelu;
    case formats::Activation::gelu_tanh:
      return kernels::Activation::gelu_tanh;
    case formats::Activation::gelu_quick:
      return kernels::Activation::gelu_quick;
    case formats::Activation::relu:
      return kernels::Activation::relu;
    case formats::Activation::relu_squared:
      return kernels::Activation::relu_squared;
    case formats::Activation::tanh:
      return kernels::Activation::tanh;
    case formats::Activation::sigmoid:
      return kernels::Activation::sigmoid;
    case formats::Activation::silu:
      break;
  }
  return kernels::Activation::silu;
}

}  // namespace lathe::models
