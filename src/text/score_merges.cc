#include "text/score_merges.h"

#include <algorithm>
#include <string_view>

#include "base/result.h"
#include "text/spelling_index.h"
#include "text/utf8.h"

namespace lathe::text {

std::vector<BpeMerge> merges_from_scores(std::span<const std::string> tokens,
                                         std::span<const float> scores,
                                         const std::vector<bool>& mergeable) {
  LATHE_ASSERT(tokens.size() == scores.size() && tokens.size() == mergeable.size());
  const OwnedSpellingIndex owned(tokens);
  const SpellingIndex ids = owned.index();
  std::vector<BpeMerge> merges;
  for (std::size_t id = 0; id < tokens.size(); ++id) {
    if (!mergeable[id]) continue;
    const std::string_view token = tokens[id];
    for (std::size_t cut = utf8_length(token[0]); cut < token.size();
         cut += utf8_length(token[cut])) {
      const std::int32_t left = ids.find(token.substr(0, cut));
      const std::int32_t right = ids.find(token.substr(cut));
      if (left >= 0 && right >= 0) merges.push_back({left, right, static_cast<std::int32_t>(id)});
    }
  }
  std::stable_sort(merges.begin(), merges.end(), [&](const BpeMerge& a, const BpeMerge& b) {
    return scores[static_cast<std::size_t>(a.result)] > scores[static_cast<std::size_t>(b.result)];
  });
  return merges;
}

}  // namespace lathe::text
