// Any text as the Hub's answer about a repository: refused, or a listing whose files stay in their
// folder and of which a selection is made or refused.
#include <cstdint>
#include <cstdlib>

#include "hub/selection.h"

using namespace lathe::hub;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const RepositoryTarget target{parse_url("https://hub.example").value(), "org/name", "main",
                                       ""};
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto repository = parse_repository(text, target);
  if (!repository.ok()) return 0;
  for (const RemoteFile& file : repository->files) {
    if (!check_repository_path(file.path).ok() || !parse_url(to_string(file.url)).ok())
      std::abort();
  }
  for (const char* choice : {"", "q4_0", "a.gguf"}) {
    const auto selection = select_files(*repository, choice);
    if (!selection.ok()) (void)selection.error().message();
  }
  return 0;
}
