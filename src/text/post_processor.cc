#include "text/post_processor.h"

#include <fmt/format.h>

#include "text/json_fields.h"

namespace lathe::text {
namespace {

constexpr int kMaxPostProcessorDepth = 8;

class Reader {
 public:
  explicit Reader(std::int32_t vocab_size) : vocab_size_(vocab_size) {}

  Status read(const Json& component, int depth) {
    if (depth > kMaxPostProcessorDepth) return Error::limit("post-processors nested too deeply");
    LATHE_TRY(const std::string type, component_type(component));
    if (type == "ByteLevel") return {};
    if (type == "TemplateProcessing") return read_template(component);
    if (type == "BertProcessing" || type == "RobertaProcessing") return read_bert(component);
    if (type != "Sequence") return unknown_component("post-processor", type);
    LATHE_TRY(const Json* members, array_field(component, "processors"));
    for (std::size_t i = 0; i < members->size(); ++i)
      LATHE_CHECK(read((*members)[i], depth + 1).at(fmt::format("processors[{}]", i)));
    return {};
  }

  PostProcessor take() { return std::move(out_); }

 private:
  // A later processor of a Sequence goes around what the earlier ones made.
  void wrap(const std::vector<std::int32_t>& before, const std::vector<std::int32_t>& after) {
    out_.before.insert(out_.before.begin(), before.begin(), before.end());
    out_.after.insert(out_.after.end(), after.begin(), after.end());
  }

  Result<std::int32_t> checked(const Json& id) const {
    if (!id.is_number_integer() || id < 0 || id >= vocab_size_)
      return Error::bad_input(
          fmt::format("token id {} is not in the vocabulary of {} tokens", id.dump(), vocab_size_));
    return id.get<std::int32_t>();
  }

  Status read_template(const Json& component) {
    LATHE_TRY(const Json* single, array_field(component, "single"));
    std::vector<std::int32_t> before, after;
    int texts = 0;
    for (const Json& item : *single) {
      if (find_field(item, "Sequence") != nullptr) {
        ++texts;
      } else if (const Json* token = find_field(item, "SpecialToken")) {
        LATHE_CHECK(add_special(component, *token, texts == 0 ? before : after));
      } else {
        return Error::bad_input("a template item is neither Sequence nor SpecialToken")
            .at("single");
      }
    }
    if (texts != 1)
      return Error::unsupported(fmt::format("a template that uses its text {} times", texts))
          .at("single");
    wrap(before, after);
    return {};
  }

  Status add_special(const Json& component, const Json& token,
                     std::vector<std::int32_t>& out) const {
    LATHE_TRY(const std::string name, string_field(token, "id"));
    const Json* known = find_field(component, "special_tokens");
    const Json* entry = known == nullptr ? nullptr : find_field(*known, name.c_str());
    if (entry == nullptr)
      return Error::bad_input(fmt::format("`{}` is not among the template's special_tokens", name));
    LATHE_TRY(const Json* ids, array_field(*entry, "ids"));
    for (const Json& id : *ids) {
      LATHE_TRY(const std::int32_t value, checked(id));
      out.push_back(value);
    }
    return {};
  }

  // "sep" and "cls" are [token, id].
  Status read_bert(const Json& component) {
    std::vector<std::int32_t> ids;
    for (const char* name : {"cls", "sep"}) {
      LATHE_TRY(const Json* pair, array_field(component, name));
      if (pair->size() != 2)
        return Error::bad_input(fmt::format("`{}` must be a token and its id", name));
      LATHE_TRY(const std::int32_t id, checked((*pair)[1]));
      ids.push_back(id);
    }
    wrap({ids[0]}, {ids[1]});
    return {};
  }

  std::int32_t vocab_size_;
  PostProcessor out_;
};

}  // namespace

Result<PostProcessor> PostProcessor::from_json(const Json& component, std::int32_t vocab_size) {
  Reader reader(vocab_size);
  if (!component.is_null()) LATHE_CHECK(reader.read(component, 0).at("post_processor"));
  return reader.take();
}

}  // namespace lathe::text
