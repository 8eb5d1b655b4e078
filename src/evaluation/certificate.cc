#include "evaluation/certificate.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "formats/gguf.h"
#include "formats/json.h"

namespace lathe::evaluation {
namespace {

using nlohmann::json;

constexpr std::uint64_t kMaxBytes = std::uint64_t{1} << 20;
constexpr std::size_t kMaxCertificates = 100;

Result<std::map<std::string, std::int64_t>> read_counts(const json& object) {
  std::map<std::string, std::int64_t> counts;
  for (const auto& [type, count] : object.items()) {
    if (!count.is_number_integer()) return Error::bad_input("tensors holds no counts");
    counts[type] = count.get<std::int64_t>();
  }
  return counts;
}

Result<Certificate> read_one(const json& value) {
  if (!value.is_object()) return Error::bad_input("a certificate is no JSON object");
  const formats::JsonFields fields(value);
  Certificate c;
  LATHE_TRY(c.from, fields.get_string("from"));
  LATHE_TRY(c.to, fields.get_string("to"));
  const json* tensors = fields.find("tensors");
  if (tensors == nullptr || !tensors->is_object())
    return Error::bad_input("tensors is no JSON object");
  LATHE_TRY(c.tensors, read_counts(*tensors));
  LATHE_TRY(c.source_fingerprint, fields.get_string("source_fingerprint"));
  LATHE_TRY(c.result_fingerprint, fields.get_string("result_fingerprint"));
  LATHE_TRY(c.max_logit_difference, fields.get_number("max_logit_difference"));
  LATHE_TRY(c.mean_kl, fields.get_number("mean_kl"));
  LATHE_TRY(c.max_kl, fields.get_number("max_kl"));
  LATHE_TRY(c.same_top_token, fields.get_number("same_top_token"));
  LATHE_TRY(c.perplexity_before, fields.get_number("perplexity_before"));
  LATHE_TRY(c.perplexity_after, fields.get_number("perplexity_after"));
  LATHE_TRY(c.text_hash, fields.get_string("text_hash"));
  LATHE_TRY(c.tokens, fields.get_int("tokens"));
  LATHE_TRY(c.unknown_tokens, fields.get_int("unknown_tokens"));
  LATHE_TRY(c.piece, fields.get_int("piece"));
  LATHE_TRY(c.kernels, fields.get_string("kernels"));
  LATHE_TRY(c.made, fields.get_int("made"));
  return c;
}

Result<std::vector<Certificate>> from_gguf(const formats::GgufFile& file) {
  LATHE_TRY(const auto text, file.metadata().find_string(kCertificateKey));
  if (!text) return std::vector<Certificate>();
  return certificates_from(*text).at(kCertificateKey);
}

Result<std::vector<Certificate>> from_folder(const os::Path& folder) {
  const os::Path path = folder / kCertificateFile;
  auto text = os::read_file(path, kMaxBytes);
  if (text.ok()) return certificates_from(*text).at(path.string());
  if (text.error().kind == ErrorKind::not_found) return std::vector<Certificate>();
  return std::move(text).error();
}

}  // namespace

json to_json(const Certificate& c) {
  return {{"from", c.from},
          {"to", c.to},
          {"tensors", c.tensors},
          {"source_fingerprint", c.source_fingerprint},
          {"result_fingerprint", c.result_fingerprint},
          {"max_logit_difference", c.max_logit_difference},
          {"mean_kl", c.mean_kl},
          {"max_kl", c.max_kl},
          {"same_top_token", c.same_top_token},
          {"perplexity_before", c.perplexity_before},
          {"perplexity_after", c.perplexity_after},
          {"text_hash", c.text_hash},
          {"tokens", c.tokens},
          {"unknown_tokens", c.unknown_tokens},
          {"piece", c.piece},
          {"kernels", c.kernels},
          {"made", c.made}};
}

std::string to_text(const std::vector<Certificate>& certificates) {
  json all = json::array();
  for (const Certificate& c : certificates) all.push_back(to_json(c));
  return all.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

Result<std::vector<Certificate>> certificates_from(std::string_view text) {
  LATHE_TRY(const json all, formats::parse_json(text, {.max_bytes = kMaxBytes, .max_depth = 8}));
  if (!all.is_array()) return Error::bad_input("the certificates are no JSON array");
  if (all.size() > kMaxCertificates)
    return Error::limit(fmt::format("there are more than {} certificates", kMaxCertificates));
  std::vector<Certificate> certificates;
  for (std::size_t i = 0; i < all.size(); ++i) {
    LATHE_TRY(Certificate c, read_one(all[i]).at(fmt::format("certificate {}", i + 1)));
    certificates.push_back(std::move(c));
  }
  return certificates;
}

Result<std::vector<Certificate>> find_certificates(const formats::ModelSource& source) {
  if (const formats::GgufFile* file = source.gguf())
    return from_gguf(*file).at(source.path().string());
  return from_folder(source.path());
}

}  // namespace lathe::evaluation
