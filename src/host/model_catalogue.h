// The catalogue of well-known open models (share/catalogue.json), which is a part of the program:
// facts with their sources, as of a date. Immutable data.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "host/forecast.h"

namespace lathe::host {

// The text of share/catalogue.json.
extern const char* const kCatalogueText;

struct Benchmark {
  std::string name;    // "MMLU"
  double value = 0;    // as published: percent, or MTEB's average
  std::string source;  // where it stands
};

struct CatalogueModel {
  std::string repository;  // of the Hub: "org/name"
  std::string family;
  std::string kind;  // "instruct", "base", "encoder"
  std::string licence;
  bool gated = false;        // its terms must be accepted on the Hub
  std::int64_t context = 0;  // tokens
  ModelSizes sizes;
  std::vector<std::string> languages;  // ISO 639-1, those that its makers name
  std::vector<std::string> tasks;
  std::vector<Benchmark> benchmarks;
};

struct ModelCatalogue {
  std::string as_of;  // "2025-08-31"
  std::vector<CatalogueModel> models;
};

// Errors: bad_input (a field that is missing or cannot be, naming the model).
Result<ModelCatalogue> read_catalogue(std::string_view json = kCatalogueText);

}  // namespace lathe::host
