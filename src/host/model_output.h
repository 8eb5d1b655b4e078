// A model with its texts and certificates to disk, as one GGUF file or as a Hugging Face folder.
//
// From a GGUF file into another one its metadata goes along as it is (tokenizer, template, what
// general.* says of name, licence and authors). From a folder into another one the texts go along
// byte by byte. Between the two the tokenizer is written anew, to the same ids.
#pragma once

#include <string>
#include <vector>

#include "evaluation/certificate.h"
#include "formats/model_source.h"

namespace lathe::host {

struct OutputFacts {
  std::vector<evaluation::Certificate> certificates;
  std::string name;  // general.name of a GGUF file; empty: the source's
};

// Errors: those of formats/model_writer.h.
Status write_gguf(const formats::ModelSource& model, const os::Path& path,
                  const OutputFacts& facts);
Status write_folder(const formats::ModelSource& model, const os::Path& folder,
                    const OutputFacts& facts);

}  // namespace lathe::host
