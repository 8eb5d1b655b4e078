// From what a user typed to an FTS5 query. The text is never FTS5 syntax: it is cut into terms of
// letters and digits, and each term is quoted; signs, operators (AND, NEAR, *, ^, :) and quotes in
// it mean nothing. Pure functions.
// Source: https://www.sqlite.org/fts5.html#full_text_query_syntax
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace lathe::retrieval {

// How every index of Lathe cuts and stems texts.
inline constexpr std::string_view kFtsTokenizer = "porter unicode61 remove_diacritics 2";

// More distinct terms than this is a document, not a question.
inline constexpr std::size_t kMaxQueryTerms = 2048;

// The distinct terms of a text in order, in lower case, without English stop words ("the", "how",
// …); with them when there is nothing else. Bytes that are not UTF-8 separate terms. Error: limit
// (kMaxQueryTerms).
Result<std::vector<std::string>> query_terms(std::string_view text);

enum class Match { all, any };

// REQUIRES: terms is not empty and comes from query_terms().
std::string fts_query(const std::vector<std::string>& terms, Match match);

}  // namespace lathe::retrieval
