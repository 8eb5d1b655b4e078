#include "text/model_text.h"

namespace lathe::text {

Result<Tokenizer> load_tokenizer(const formats::ModelSource& source) {
  if (auto json = source.tokenizer_json(); json.ok()) {
    LATHE_TRY(Tokenizer tokenizer, Tokenizer::from_tokenizer_json(*json).at(source.path().string() +
                                                                            ": tokenizer.json"));
    LATHE_TRY(const auto config, source.tokenizer_config_json());
    if (!config) return tokenizer;
    return tokenizer.apply_tokenizer_config(*config).at(source.path().string() +
                                                        ": tokenizer_config.json");
  } else if (source.gguf() == nullptr || json.error().kind != ErrorKind::not_found) {
    return std::move(json).error();
  }
  return Tokenizer::from_gguf(source.gguf()->metadata()).at(source.path().string());
}

Result<ChatEncoder> load_chat_encoder(const formats::ModelSource& source) {
  LATHE_TRY(Tokenizer tokenizer, load_tokenizer(source));
  LATHE_TRY(const auto chat_template, source.chat_template());
  if (!chat_template) {
    return Error::not_found("the model has no chat template")
        .at(source.path().string())
        .fix_with("use a chat model, or completions with a prompt of your own");
  }
  SpecialTokenText special;
  if (const auto bos = tokenizer.bos_id()) special.bos = std::string(tokenizer.id_to_token(*bos));
  if (const auto eos = tokenizer.eos_id()) special.eos = std::string(tokenizer.id_to_token(*eos));
  LATHE_TRY(ChatTemplate parsed,
            ChatTemplate::parse(*chat_template, std::move(special)).at(source.path().string()));
  return ChatEncoder(std::move(tokenizer), std::move(parsed));
}

}  // namespace lathe::text
