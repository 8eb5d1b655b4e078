// A model's card as people read it.
#pragma once

#include <string>

#include "host/model_card.h"

namespace lathe::cli {

std::string card_text(const host::ModelCard& card);

}  // namespace lathe::cli
