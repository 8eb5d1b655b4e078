// Python's operators on template values. Errors: bad_input (types, division by zero), unsupported
// (integers past 64 bits), limit.
#pragma once

#include "base/result.h"
#include "text/jinja/ast.h"
#include "text/jinja/value.h"

namespace lathe::text::jinja {

Result<Value> apply_binary(Budget& budget, ast::BinaryOperator op, const Value& left,
                           const Value& right);
Result<Value> apply_sign(bool negative, const Value& operand);
Result<bool> apply_comparison(Budget& budget, ast::Comparison op, const Value& left,
                              const Value& right);
// `item in container`.
Result<bool> contains(Budget& budget, const Value& container, const Value& item);

// What `for` goes over: the items of a sequence, the keys of a mapping, the code points of a
// string, nothing for undefined. Takes what is left of a generator. Errors: a value that has no
// items.
Result<SequencePointer> items_of(Budget& budget, const Value& value);

// len(value). Errors: a value without a length.
Result<std::int64_t> length_of(const Value& value);

}  // namespace lathe::text::jinja
