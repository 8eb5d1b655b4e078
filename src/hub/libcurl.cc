#include "hub/libcurl.h"

#include <dlfcn.h>
#include <fmt/format.h>

namespace lathe::hub {
namespace {

constexpr const char* kLibrary = "libcurl.so.4";
constexpr unsigned kOldest = 0x075500;  // 7.85: CURLOPT_PROTOCOLS_STR

Error cannot_load(const char* why) {
  return Error::unsupported(fmt::format("libcurl cannot be loaded: {}", why))
      .fix_with("install libcurl 7.85 or later (Debian: libcurl4)");
}

template <class Function>
bool find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(::dlsym(library, name));
  return function != nullptr;
}

Result<LibCurl> load() {
  void* library = ::dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return cannot_load(::dlerror());
  LibCurl curl;
  const bool whole = find(library, "curl_global_init", curl.global_init) &&
                     find(library, "curl_easy_init", curl.easy_init) &&
                     find(library, "curl_easy_reset", curl.easy_reset) &&
                     find(library, "curl_easy_cleanup", curl.easy_cleanup) &&
                     find(library, "curl_easy_setopt", curl.easy_setopt) &&
                     find(library, "curl_easy_perform", curl.easy_perform) &&
                     find(library, "curl_easy_getinfo", curl.easy_getinfo) &&
                     find(library, "curl_easy_strerror", curl.easy_strerror) &&
                     find(library, "curl_slist_append", curl.slist_append) &&
                     find(library, "curl_slist_free_all", curl.slist_free_all);
  decltype(&curl_version_info) version_info = nullptr;
  if (!whole || !find(library, "curl_version_info", version_info))
    return cannot_load("it lacks a function");
  if (version_info(CURLVERSION_NOW)->version_num < kOldest) return cannot_load("it is too old");
  if (curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) return cannot_load("it does not start");
  return curl;
}

}  // namespace

Result<const LibCurl*> libcurl() {
  static const Result<LibCurl> loaded = load();
  if (!loaded.ok()) return Error(loaded.error());
  return &*loaded;
}

}  // namespace lathe::hub
