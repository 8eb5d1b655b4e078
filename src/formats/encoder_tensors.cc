#include "formats/encoder_tensors.h"

#include <fmt/format.h>

#include "formats/encoders/encoder_family.h"

namespace lathe::formats {
namespace {

class EncoderWalk {
 public:
  EncoderWalk(const EncoderConfig& config, const EncoderFamily& family)
      : c_(config), family_(family) {}

  std::vector<EncoderTensor> all() {
    const std::int64_t width = c_.hidden_size;
    add(EncoderPart::token_embedding, {c_.vocab_size, width}, false);
    if (c_.token_types > 0) add(EncoderPart::type_embedding, {c_.token_types, width}, false);
    add(EncoderPart::position_embedding, {c_.positions, width}, false);
    norm(EncoderPart::embedding_norm);
    for (layer_ = 0; layer_ < c_.layers; ++layer_) {
      for (const EncoderPart part :
           {EncoderPart::q, EncoderPart::k, EncoderPart::v, EncoderPart::o})
        linear(part, width, width);
      norm(EncoderPart::attention_norm);
      linear(EncoderPart::up, c_.intermediate_size, width);
      linear(EncoderPart::down, width, c_.intermediate_size);
      norm(EncoderPart::mlp_norm);
    }
    return std::move(all_);
  }

 private:
  void linear(EncoderPart part, std::int64_t out, std::int64_t in) {
    add(part, {out, in}, false);
    add(part, {out}, true);
  }
  void norm(EncoderPart part) {
    add(part, {c_.hidden_size}, false);
    add(part, {c_.hidden_size}, true);
  }
  void add(EncoderPart part, tensor::Shape shape, bool bias) {
    const EncoderPartName& name = part_name(family_, part);
    const char* end = bias ? ".bias" : ".weight";
    EncoderTensor t;
    t.shape = std::move(shape);
    t.part = part;
    t.layer = layer_;
    t.bias = bias;
    t.name = layer_ < 0 ? fmt::format("{}{}", name.name, end)
                        : fmt::format("{}{}.{}{}", family_.layers, layer_, name.name, end);
    t.gguf_name = layer_ < 0 ? fmt::format("{}{}", name.gguf, end)
                             : fmt::format("blk.{}.{}{}", layer_, name.gguf, end);
    all_.push_back(std::move(t));
  }

  const EncoderConfig& c_;
  const EncoderFamily& family_;
  std::int64_t layer_ = -1;
  std::vector<EncoderTensor> all_;
};

}  // namespace

std::vector<EncoderTensor> expected_tensors(const EncoderConfig& config) {
  const auto family = find_encoder_family(config.family);
  LATHE_ASSERT(family.ok());
  return EncoderWalk(config, **family).all();
}

}  // namespace lathe::formats
