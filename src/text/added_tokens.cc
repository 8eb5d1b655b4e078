#include "text/added_tokens.h"

#include <algorithm>

#include "text/unicode.h"

namespace lathe::text {

AddedTokenFinder::AddedTokenFinder(std::vector<AddedToken> tokens,
                                   const std::vector<std::string>& spellings)
    : tokens_(std::move(tokens)), nodes_(1) {
  for (std::size_t i = 0; i < tokens_.size(); ++i)
    if (!spellings[i].empty()) insert(spellings[i], static_cast<std::int32_t>(i));
}

void AddedTokenFinder::insert(std::string_view spelling, std::int32_t token) {
  starts_[static_cast<unsigned char>(spelling[0])] = true;
  std::int32_t node = 0;
  for (const char c : spelling) {
    const auto byte = static_cast<unsigned char>(c);
    std::int32_t next = child(node, byte);
    if (next < 0) {
      next = static_cast<std::int32_t>(nodes_.size());
      nodes_.emplace_back();
      auto& children = nodes_[static_cast<std::size_t>(node)].children;
      children.insert(std::lower_bound(children.begin(), children.end(), std::pair(byte, 0)),
                      {byte, next});
    }
    node = next;
  }
  Node& end = nodes_[static_cast<std::size_t>(node)];
  if (end.token < 0) end.token = token;
}

std::int32_t AddedTokenFinder::child(std::int32_t node, unsigned char byte) const {
  const auto& children = nodes_[static_cast<std::size_t>(node)].children;
  const auto found = std::lower_bound(children.begin(), children.end(), std::pair(byte, 0));
  return found == children.end() || found->first != byte ? -1 : found->second;
}

AddedTokenFinder::Match AddedTokenFinder::longest_at(std::string_view text) const {
  Match best;
  std::int32_t node = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    node = child(node, static_cast<unsigned char>(text[i]));
    if (node < 0) break;
    const std::int32_t token = nodes_[static_cast<std::size_t>(node)].token;
    if (token >= 0) best = {i + 1, token};
  }
  return best;
}

bool AddedTokenFinder::acceptable(const AddedToken& token, std::string_view before,
                                  std::string_view after, bool parse_special) const {
  if (token.special && !parse_special) return false;
  return !token.single_word || (!ends_with_word(before) && !starts_with_word(after));
}

void AddedTokenFinder::split(std::string_view text, bool parse_special,
                             FunctionRef<void(AddedPiece)> emit) const {
  std::size_t done = 0;  // everything before is emitted
  for (std::size_t at = 0; at < text.size();) {
    if (!starts_[static_cast<unsigned char>(text[at])]) {
      ++at;
      continue;
    }
    const Match match = longest_at(text.substr(at));
    if (match.token < 0) {
      ++at;
      continue;
    }
    const AddedToken& token = tokens_[static_cast<std::size_t>(match.token)];
    std::size_t begin = at;
    std::size_t end = at + match.length;
    at = end;
    if (!acceptable(token, text.substr(0, begin), text.substr(end), parse_special)) continue;
    if (token.lstrip) begin -= trailing_space(text.substr(0, begin));
    if (token.rstrip) end += leading_space(text.substr(end));
    begin = std::max(begin, done);  // the token before may have taken these spaces
    if (begin > done) emit({text.substr(done, begin - done), {}});
    emit({text.substr(begin, end - begin), token.id});
    done = end;
  }
  if (done < text.size()) emit({text.substr(done), {}});
}

}  // namespace lathe::text
