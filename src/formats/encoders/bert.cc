// BERT (Devlin et al. 2018), and the many sentence encoders of its shape (MiniLM, BGE, E5, GTE):
// three tables added and normalised, LayerNorm behind attention and MLP. Source: transformers'
// BertConfig and modeling_bert.
#include "formats/encoders/encoder_family.h"

namespace lathe::formats {
namespace {

constexpr std::string_view kBertHeads[] = {"pooler.", "cls.", "classifier.", "qa_outputs."};

}  // namespace

const EncoderFamily kBert = {.name = "bert", .prefix = "bert.", .heads = kBertHeads};

}  // namespace lathe::formats
