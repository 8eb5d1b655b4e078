// The catalogue's records as the JSON that commands print.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "store/records.h"

namespace lathe::cli {

nlohmann::json to_json(const store::ModelRecord& model);
nlohmann::json to_json(const store::AdaptationRecord& adaptation);
nlohmann::json to_json(const store::VersionRecord& version, bool in_charge);
nlohmann::json to_json(const store::RevisionRecord& revision);
nlohmann::json to_json(const store::RequestRecord& request);

}  // namespace lathe::cli
