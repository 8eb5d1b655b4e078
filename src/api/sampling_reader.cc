#include "api/sampling_reader.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "api/json_text.h"

namespace lathe::api {
namespace {

using nlohmann::json;

constexpr std::int64_t kMaxTokens = INT32_MAX;

void add_stop(const json& value, std::string_view name, const RequestLimits& limits,
              ObjectReader& reader, std::vector<std::string>& stop) {
  if (!value.is_string() || value.get_ref<const std::string&>().empty()) {
    reader.fail(name,
                Error::bad_input("expected a string that is not empty, not " + excerpt(value)));
    return;
  }
  stop.push_back(value.get<std::string>());
  if (stop.back().size() > limits.max_stop_bytes) {
    reader.fail(name, Error::limit(fmt::format("a stop string has at most {} bytes, this one {}",
                                               limits.max_stop_bytes, stop.back().size())));
  }
}

std::vector<std::string> read_stop(ObjectReader& reader, const RequestLimits& limits) {
  std::vector<std::string> stop;
  const json* value = reader.field("stop");
  if (!value) return stop;
  if (!value->is_array()) {
    add_stop(*value, "stop", limits, reader, stop);
    return stop;
  }
  if (value->size() > limits.max_stop_strings) {
    reader.fail("stop", Error::limit(fmt::format("at most {} stop strings are allowed, here are {}",
                                                 limits.max_stop_strings, value->size())));
    return stop;
  }
  for (std::size_t i = 0; i < value->size(); ++i) {
    add_stop((*value)[i], fmt::format("stop[{}]", i), limits, reader, stop);
  }
  return stop;
}

bool read_stream_options(ObjectReader& reader, bool stream) {
  const json* value = reader.field("stream_options");
  if (!value) return false;
  if (!stream) {
    reader.fail("stream_options", Error::bad_input("only a request with \"stream\": true has it"));
    return false;
  }
  ObjectReader options(*value, reader.path_of("stream_options"));
  const bool include_usage = options.boolean("include_usage").value_or(false);
  options.only_neutral("include_obfuscation", {"false"});
  if (Status status = options.finish(); !status.ok()) reader.fail_as_is(status.error());
  return include_usage;
}

}  // namespace

SharedFields read_shared_fields(ObjectReader& reader, const RequestLimits& limits) {
  SharedFields shared;
  SamplingOptions& sampling = shared.sampling;
  shared.model = reader.required_string("model", limits.max_name_bytes);
  sampling.max_tokens = reader.integer("max_tokens", 1, kMaxTokens);
  sampling.temperature = reader.number("temperature", 0, 2);
  sampling.top_p = reader.number("top_p", 0, 1);
  sampling.top_k = reader.integer("top_k", -1, kMaxTokens);
  if (sampling.top_k && *sampling.top_k < 1) sampling.top_k.reset();
  sampling.seed = reader.integer("seed", INT64_MIN, INT64_MAX);
  sampling.stop = read_stop(reader, limits);
  shared.stream = reader.boolean("stream").value_or(false);
  shared.include_usage = read_stream_options(reader, shared.stream);
  reader.only_neutral("n", {"1"});
  reader.only_neutral("frequency_penalty", {"0"});
  reader.only_neutral("presence_penalty", {"0"});
  reader.only_neutral("logit_bias", {"{}"});
  reader.harmless({"user"});
  return shared;
}

}  // namespace lathe::api
