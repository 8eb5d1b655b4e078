// libcurl's functions, from a library that is loaded when something is fetched for the first time:
// it brings some thirty others with it, whose loading would lengthen every start of the program by
// half. Internal to src/hub.
#pragma once

#include <curl/curl.h>

#include "base/result.h"

namespace lathe::hub {

struct LibCurl {
  decltype(&curl_global_init) global_init = nullptr;
  decltype(&curl_easy_init) easy_init = nullptr;
  decltype(&curl_easy_reset) easy_reset = nullptr;
  decltype(&curl_easy_cleanup) easy_cleanup = nullptr;
  decltype(&curl_easy_setopt) easy_setopt = nullptr;
  decltype(&curl_easy_perform) easy_perform = nullptr;
  decltype(&curl_easy_getinfo) easy_getinfo = nullptr;
  decltype(&curl_easy_strerror) easy_strerror = nullptr;
  decltype(&curl_slist_append) slist_append = nullptr;
  decltype(&curl_slist_free_all) slist_free_all = nullptr;
};

// Loaded and initialised, for the rest of the process; any number of threads may ask. Error:
// unsupported (the library is not there, or too old).
Result<const LibCurl*> libcurl();

}  // namespace lathe::hub
