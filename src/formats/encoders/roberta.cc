// RoBERTa (Liu et al. 2019) and, in the same layout, XLM-R (Conneau et al. 2020) and CamemBERT:
// BERT whose positions count from the pad token's id plus one. Source: transformers' RobertaConfig
// and modeling_roberta.
#include "formats/encoders/encoder_family.h"

namespace lathe::formats {
namespace {

constexpr std::int64_t kPadId = 1;
constexpr std::string_view kRobertaHeads[] = {"pooler.", "lm_head.", "classifier.", "qa_outputs."};

void roberta_defaults(EncoderConfig& config) { config.vocab_size = 50265; }
void multilingual_defaults(EncoderConfig& config) { config.vocab_size = 30522; }

}  // namespace

const EncoderFamily kRoberta = {.name = "roberta",
                                .prefix = "roberta.",
                                .heads = kRobertaHeads,
                                .defaults = roberta_defaults,
                                .counted_pad_id = kPadId};

const EncoderFamily kXlmRoberta = {.name = "xlm-roberta",
                                   .prefix = "roberta.",
                                   .heads = kRobertaHeads,
                                   .defaults = multilingual_defaults,
                                   .counted_pad_id = kPadId};

const EncoderFamily kCamembert = {.name = "camembert",
                                  .prefix = "roberta.",
                                  .heads = kRobertaHeads,
                                  .defaults = multilingual_defaults,
                                  .counted_pad_id = kPadId};

}  // namespace lathe::formats
