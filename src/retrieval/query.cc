#include "retrieval/query.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "text/unicode.h"
#include "text/utf8.h"

namespace lathe::retrieval {
namespace {

// Words that nearly every English text has: they say nothing about what it is about. Sorted. The
// last parts of "isn't", "we'll", … stand alone, since terms end at the apostrophe.
constexpr std::string_view kStopWords[] = {
    "a",     "about", "am",     "an",   "and",   "any",   "are",    "as",     "at",    "be",
    "been",  "being", "but",    "by",   "can",   "could", "did",    "do",     "does",  "doing",
    "don",   "for",   "from",   "had",  "has",   "have",  "having", "he",     "her",   "here",
    "hers",  "him",   "his",    "how",  "i",     "if",    "in",     "into",   "is",    "it",
    "its",   "ll",    "may",    "me",   "might", "must",  "my",     "of",     "on",    "or",
    "our",   "ours",  "please", "re",   "s",     "shall", "she",    "should", "so",    "some",
    "such",  "t",     "than",   "that", "the",   "their", "them",   "then",   "there", "these",
    "they",  "this",  "those",  "to",   "ve",    "was",   "we",     "were",   "what",  "when",
    "where", "which", "who",    "whom", "whose", "why",   "will",   "with",   "would", "you",
    "your",  "yours"};
static_assert(std::is_sorted(std::begin(kStopWords), std::end(kStopWords)));

bool is_stop_word(std::string_view term) {
  return std::binary_search(std::begin(kStopWords), std::end(kStopWords), term);
}

// Every run of letters, digits and marks, as it stands.
std::vector<std::string_view> runs(std::string_view text) {
  std::vector<std::string_view> found;
  std::size_t begin = 0;
  std::size_t at = 0;
  const auto close = [&] {
    if (at > begin) found.push_back(text.substr(begin, at - begin));
  };
  while (at < text.size()) {
    const text::Utf8Step step = text::utf8_step(text.substr(at));
    const bool inside = step.kind == text::Utf8Step::Kind::character && step.code_point != '_' &&
                        text::is_word_character(step.code_point);
    if (!inside) {
      close();
      begin = at + step.length;
    }
    at += step.length;
  }
  close();
  return found;
}

}  // namespace

Result<std::vector<std::string>> query_terms(std::string_view text) {
  std::vector<std::string> terms;
  std::vector<std::string> stop_words;
  std::unordered_set<std::string> seen;
  for (const std::string_view run : runs(text)) {
    std::string term = text::to_lower(run);
    if (!seen.insert(term).second) continue;
    if (seen.size() > kMaxQueryTerms) {
      return Error::limit(fmt::format("the query has more than {} different words", kMaxQueryTerms))
          .fix_with("ask a shorter question");
    }
    (is_stop_word(term) ? stop_words : terms).push_back(std::move(term));
  }
  return terms.empty() ? stop_words : terms;
}

std::string fts_query(const std::vector<std::string>& terms, Match match) {
  LATHE_ASSERT(!terms.empty());
  std::string query;
  for (const std::string& term : terms) {
    LATHE_ASSERT(term.find('"') == std::string::npos);
    if (!query.empty()) query += match == Match::all ? " AND " : " OR ";
    query += '"' + term + '"';
  }
  return query;
}

}  // namespace lathe::retrieval
