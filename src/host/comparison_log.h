// Keeps what a comparison found with the model it was about, for choosing models later.
#pragma once

#include "base/result.h"
#include "evaluation/compare.h"
#include "host/local_store.h"

namespace lathe::host {

// test: the file of held-out rows. Nothing is kept of a model that is not in the store (a path) and
// of a comparison that recommends nothing. Errors: io (reading the file), those of the catalogue.
Status keep_comparison(LocalStore& store, const evaluation::Comparison& comparison,
                       const os::Path& test);

}  // namespace lathe::host
