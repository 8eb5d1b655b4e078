#include "prompting/few_shot.h"

#include <algorithm>
#include <unordered_map>

namespace lathe::prompting {
namespace {

// Deals the ranked examples out by output: the first of each output in rank order, then the second
// of each, and so on.
std::vector<std::size_t> deal_by_output(const std::vector<std::size_t>& ranked,
                                        const std::vector<Example>& examples) {
  struct Place {
    std::size_t round;  // how many of the same output come before
    std::size_t index;
  };
  std::unordered_map<std::string_view, std::size_t> seen;
  std::vector<Place> places;
  places.reserve(ranked.size());
  for (const std::size_t index : ranked) places.push_back({seen[examples[index].output]++, index});
  std::stable_sort(places.begin(), places.end(),
                   [](const Place& a, const Place& b) { return a.round < b.round; });
  std::vector<std::size_t> dealt;
  dealt.reserve(places.size());
  for (const Place& place : places) dealt.push_back(place.index);
  return dealt;
}

}  // namespace

Result<ExampleSelector> ExampleSelector::build(std::vector<Example> examples) {
  if (examples.empty()) return Error::bad_input("there are no examples to choose from");
  std::vector<std::string> inputs;
  inputs.reserve(examples.size());
  for (const Example& example : examples) inputs.push_back(example.input);
  LATHE_TRY(retrieval::KeywordIndex index, retrieval::KeywordIndex::build(inputs));
  return ExampleSelector(std::move(examples), std::move(index));
}

Result<std::vector<std::size_t>> ExampleSelector::select(std::string_view query,
                                                         const SelectionOptions& options) const {
  const std::size_t wanted = std::min(options.count, examples_.size());
  LATHE_TRY(const auto hits,
            index_.search(query, options.diverse_outputs ? examples_.size() : wanted));
  std::vector<std::size_t> ranked;
  std::vector<bool> taken(examples_.size(), false);
  for (const auto& hit : hits) {
    ranked.push_back(hit.index);
    taken[hit.index] = true;
  }
  for (std::size_t i = 0; i < examples_.size(); ++i) {
    if (!taken[i]) ranked.push_back(i);
  }
  if (options.diverse_outputs) ranked = deal_by_output(ranked, examples_);
  ranked.resize(wanted);
  return ranked;
}

}  // namespace lathe::prompting
