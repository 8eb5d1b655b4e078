// Parity certificates: what a conversion of a model's weights changed in what the model says,
// measured on a fixed text (parity.h measures, parity_text.h is the text).
//
// A certificate travels with the weights: certificate.json beside them, or the GGUF key
// "lathe.certificate", both a JSON array with the oldest first. It names the weights it was
// measured on by their fingerprints, so that one can see whether it still speaks of them.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "formats/model_source.h"

namespace lathe::evaluation {

constexpr const char* kCertificateFile = "certificate.json";
constexpr const char* kCertificateKey = "lathe.certificate";

struct Certificate {
  std::string from;  // the type that most bytes of the source's weights have: "bf16"
  std::string to;    // and of the result's: "q4_k"
  std::map<std::string, std::int64_t> tensors;  // of the result, by type
  std::string source_fingerprint;               // host/fingerprint.h
  std::string result_fingerprint;

  // Over the positions of the text.
  double max_logit_difference = 0;  // of any token at any position
  double mean_kl = 0;               // Kullback-Leibler, source to result, in nats a token
  double max_kl = 0;
  double same_top_token = 0;  // share of positions where both find the same token likeliest
  double perplexity_before = 0;
  double perplexity_after = 0;

  std::string text_hash;  // of the text's bytes, FNV-1a
  std::int64_t tokens = 0;
  std::int64_t unknown_tokens = 0;  // of them: what the vocabulary could not say
  std::int64_t piece = 0;           // tokens that were read at once
  std::string kernels;              // "avx2, int8 activations"
  std::int64_t made = 0;            // seconds since 1970-01-01 UTC
};

nlohmann::json to_json(const Certificate& certificate);

// The text of a list of certificates, and back. Errors: bad_input naming the field; limit.
std::string to_text(const std::vector<Certificate>& certificates);
Result<std::vector<Certificate>> certificates_from(std::string_view text);

// Those that stand in a model's own files; empty when there are none.
Result<std::vector<Certificate>> find_certificates(const formats::ModelSource& source);

}  // namespace lathe::evaluation
