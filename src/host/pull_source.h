// The "source" of a pulled model's record: written after a pull, read before the next one. Internal
// to src/host. Pure functions.
#pragma once

#include <string>

#include "hub/selection.h"
#include "hub/target.h"
#include "store/records.h"

namespace lathe::host {

// ModelRecord::details of what came.
std::string details_of(const hub::Target& target, const hub::Repository& repository,
                       const hub::Selection& selection);

// Whether the record says that it came from that target: the same repository, revision and choice,
// or the same URL.
bool came_from(const store::ModelRecord& model, const hub::Target& target);

// Whether the record came from the target's repository, by the same choice, at any revision.
bool came_from_repository(const store::ModelRecord& model, const hub::Target& target);

// "org/name@0123456789ab" or the URL.
std::string origin_text(const hub::Target& target, const hub::Repository& repository);

}  // namespace lathe::host
