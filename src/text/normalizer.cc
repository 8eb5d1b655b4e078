#include "text/normalizer.h"

#include <fmt/format.h>

#include <memory>

#include "text/byte_level.h"
#include "text/json_fields.h"
#include "text/normalizer_steps.h"
#include "text/pattern.h"
#include "text/precompiled_charsmap.h"
#include "text/unicode.h"

namespace lathe::text {
namespace {

constexpr int kMaxNormalizerDepth = 8;

}  // namespace

Result<Normalizer::Step> Normalizer::replace_step(const Json& component) {
  LATHE_TRY(Regex regex, pattern_field(component));
  LATHE_TRY(std::string content, string_field(component, "content"));
  return Step([regex = std::move(regex), content = std::move(content)](std::string_view text) {
    return regex.replace_all(text, content);
  });
}

Result<Normalizer::Step> Normalizer::strip_step(const Json& component) {
  LATHE_TRY(const bool left, bool_field(component, "strip_left", true));
  LATHE_TRY(const bool right, bool_field(component, "strip_right", true));
  return Step([left, right](std::string_view text) {
    if (left) text.remove_prefix(leading_space(text));
    if (right) text.remove_suffix(trailing_space(text));
    return std::string(text);
  });
}

Result<Normalizer::Step> Normalizer::bert_step(const Json& component) {
  BertNormalization how;
  LATHE_TRY(how.clean_text, bool_field(component, "clean_text", true));
  LATHE_TRY(how.handle_chinese_chars, bool_field(component, "handle_chinese_chars", true));
  LATHE_TRY(how.lowercase, bool_field(component, "lowercase", true));
  LATHE_TRY(how.strip_accents, bool_field(component, "strip_accents", how.lowercase));
  return Step([how](std::string_view text) { return bert_normalize(text, how); });
}

Result<Normalizer::Step> Normalizer::precompiled_step(const Json& component) {
  if (find_field(component, "precompiled_charsmap") == nullptr)  // changes nothing
    return Step([](std::string_view text) { return std::string(text); });
  LATHE_TRY(const std::string text, string_field(component, "precompiled_charsmap"));
  if (text.empty()) return Step([](std::string_view same) { return std::string(same); });
  LATHE_TRY(PrecompiledCharsmap parsed,
            PrecompiledCharsmap::parse_base64(text).at("precompiled_charsmap"));
  const auto map = std::make_shared<const PrecompiledCharsmap>(std::move(parsed));
  return Step([map](std::string_view text_in) { return map->apply(text_in); });
}

Status Normalizer::add_sequence(const Json& component, int depth) {
  LATHE_TRY(const Json* members, array_field(component, "normalizers"));
  for (std::size_t i = 0; i < members->size(); ++i)
    LATHE_CHECK(add((*members)[i], depth + 1).at(fmt::format("normalizers[{}]", i)));
  return {};
}

Status Normalizer::add(const Json& component, int depth) {
  if (depth > kMaxNormalizerDepth) return Error::limit("normalizers nested too deeply");
  LATHE_TRY(const std::string type, component_type(component));
  if (type == "Sequence") return add_sequence(component, depth);
  const auto form = [&](NormalForm which) {
    steps_.push_back([which](std::string_view text) { return normalize(text, which); });
    return Status();
  };
  if (type == "NFC") return form(NormalForm::nfc);
  if (type == "NFD") return form(NormalForm::nfd);
  if (type == "NFKC") return form(NormalForm::nfkc);
  if (type == "NFKD") return form(NormalForm::nfkd);
  if (type == "Lowercase") {
    steps_.push_back(to_lower);
  } else if (type == "StripAccents") {
    steps_.push_back(strip_accents);
  } else if (type == "Nmt") {
    steps_.push_back(nmt_normalize);
  } else if (type == "ByteLevel") {
    steps_.push_back(to_alphabet);
  } else if (type == "Precompiled") {
    LATHE_TRY(Step step, precompiled_step(component));
    steps_.push_back(std::move(step));
  } else if (type == "BertNormalizer") {
    LATHE_TRY(Step step, bert_step(component));
    steps_.push_back(std::move(step));
  } else if (type == "Prepend") {
    LATHE_TRY(std::string prefix, string_field(component, "prepend"));
    steps_.push_back([prefix = std::move(prefix)](std::string_view text) {
      return text.empty() ? std::string() : prefix + std::string(text);
    });
  } else if (type == "Replace") {
    LATHE_TRY(Step step, replace_step(component));
    steps_.push_back(std::move(step));
  } else if (type == "Strip") {
    LATHE_TRY(Step step, strip_step(component));
    steps_.push_back(std::move(step));
  } else {
    return unknown_component("normalizer", type);
  }
  return {};
}

Result<Normalizer> Normalizer::from_json(const Json& component) {
  Normalizer normalizer;
  if (!component.is_null()) LATHE_CHECK(normalizer.add(component, 0).at("normalizer"));
  return normalizer;
}

Result<std::string> Normalizer::apply(std::string_view text) const {
  std::string out(text);
  for (const Step& step : steps_) {
    LATHE_TRY(out, step(out));
  }
  return out;
}

}  // namespace lathe::text
