// Few-shot examples: rows of the training data shown to the model as earlier turns, chosen for each
// query by likeness (BM25 over their inputs).
//
// An ExampleSelector is immutable; any number of threads may select at once. The choice depends on
// the examples, the query and the options alone.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "retrieval/keyword_index.h"

namespace lathe::prompting {

struct Example {
  std::string input;   // what the user says
  std::string output;  // what the assistant answers, or the label
  bool operator==(const Example&) const = default;
};

struct SelectionOptions {
  std::size_t count = 4;
  // Goes round the outputs: the likest example of each label first, then the second of each, … so
  // that near labels do not crowd out the others. For classification.
  bool diverse_outputs = false;
};

class ExampleSelector {
 public:
  // Error: bad_input (no examples).
  static Result<ExampleSelector> build(std::vector<Example> examples);

  // Indexes into examples(), the likest first, min(count, examples().size()) of them. Examples
  // that share no term with the query come last, in the order given. An example whose input is the
  // query itself is taken like any other. Error: limit (a query of too many words,
  // retrieval/query.h).
  Result<std::vector<std::size_t>> select(std::string_view query,
                                          const SelectionOptions& options) const;

  const std::vector<Example>& examples() const { return examples_; }

 private:
  ExampleSelector(std::vector<Example> examples, retrieval::KeywordIndex index)
      : examples_(std::move(examples)), index_(std::move(index)) {}

  std::vector<Example> examples_;
  retrieval::KeywordIndex index_;
};

}  // namespace lathe::prompting
