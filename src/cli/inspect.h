// What the subcommands of `lathe inspect` share.
#pragma once

#include "cli/command.h"
#include "text/model_text.h"

namespace lathe::cli {

// The texts of what REF names: a file or folder (also one that is no whole model), or a model of
// the store.
Result<text::TextFiles> inspected_texts(const Common& common, const std::string& reference);

// One file each.
Action add_inspect_tokens(CLI::App& inspect, const Common& common);
Action add_inspect_render(CLI::App& inspect, const Common& common);
Action add_inspect_logits(CLI::App& inspect, const Common& common);

}  // namespace lathe::cli
