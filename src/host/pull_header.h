// Looks into the files of a model before they are whole: brings the headers of its weights, so that
// what the model is can be read. Internal to src/host.
#pragma once

#include "base/parallel.h"
#include "base/result.h"
#include "hub/download.h"
#include "hub/selection.h"
#include "os/file.h"

namespace lathe::host {

// Puts all that opening the model reads of its weights in their places in the folder.
// Errors: those of downloading; bad_input (a header that cannot be); limit (one too large).
Status fetch_headers(hub::Downloader& downloader, const hub::Selection& selection,
                     const os::Path& folder);

}  // namespace lathe::host
