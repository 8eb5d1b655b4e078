#include "text/tokenizer_files.h"

#include <fmt/format.h>

#include <algorithm>

#include "formats/config_bounds.h"
#include "text/around_template.h"
#include "text/json_fields.h"
#include "text/older_tokens.h"
#include "text/sentence_piece.h"
#include "text/tokenizer_parts.h"
#include "text/utf8.h"

namespace lathe::text {
namespace {

constexpr std::uint64_t kMaxVocabBytes = std::uint64_t{256} << 20;

Result<std::optional<std::string>> read_optional(const os::Path& path, std::uint64_t max_bytes) {
  auto text = os::read_file(path, max_bytes);
  if (text.ok()) return std::optional(std::move(text).value());
  if (text.error().kind == ErrorKind::not_found) return std::optional<std::string>();
  return std::move(text).error();
}

// "LlamaTokenizer" of "LlamaTokenizerFast".
Result<std::string> tokenizer_class(const Json& config) {
  LATHE_TRY(std::string name, string_field(config, "tokenizer_class", std::string()));
  if (name.ends_with("Fast")) name.resize(name.size() - 4);
  return name;
}

Error unknown_class(const std::string& name, const char* files) {
  return Error::unsupported(name.empty()
                                ? fmt::format("{} without a `tokenizer_class`", files)
                                : fmt::format("{} of the tokenizer class `{}`", files, name))
      .at("tokenizer_config.json")
      .fix_with("add the tokenizer.json that transformers writes with save_pretrained()");
}

struct Around {
  bool bos = false, eos = false;
};

// What a SentencePiece tokenizer's class adds where the configuration does not say.
Result<Around> default_around(const std::string& name) {
  for (const char* known : {"LlamaTokenizer", "CodeLlamaTokenizer", "GemmaTokenizer"})
    if (name == known) return Around{.bos = true};
  if (name == "T5Tokenizer") return Around{.eos = true};
  if (name.empty() || name == "PreTrainedTokenizer") return Around{};
  return unknown_class(name, "a tokenizer.model");
}

Status put_around(const Json& config, Around otherwise, TokenizerSpec& spec) {
  Around around;
  LATHE_TRY(around.bos, bool_field(config, "add_bos_token", otherwise.bos));
  LATHE_TRY(around.eos, bool_field(config, "add_eos_token", otherwise.eos));
  spec.post_processor = around_template(spec, around.bos ? spec.control.bos : std::nullopt,
                                        around.eos ? spec.control.eos : std::nullopt);
  return {};
}

// merges.txt: two tokens a line, after a line with a version.
Json merges_of(std::string_view text) {
  Json merges = Json::array();
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || line.starts_with("#version")) continue;
    merges.push_back(std::string(line));
  }
  return merges;
}

constexpr UsualToken kGpt2Tokens[] = {
    {"bos_token", "<|endoftext|>"}, {"eos_token", "<|endoftext|>"}, {"unk_token", "<|endoftext|>"}};
constexpr UsualToken kRobertaTokens[] = {{"bos_token", "<s>"},          {"eos_token", "</s>"},
                                         {"unk_token", "<unk>"},        {"sep_token", "</s>"},
                                         {"pad_token", "<pad>"},        {"cls_token", "<s>"},
                                         {"mask_token", "<mask>", true}};
constexpr UsualToken kBertTokens[] = {{"unk_token", "[UNK]"},
                                      {"sep_token", "[SEP]"},
                                      {"pad_token", "[PAD]"},
                                      {"cls_token", "[CLS]"},
                                      {"mask_token", "[MASK]"}};

// GPT-2's and RoBERTa's byte-level BPE.
Status read_byte_level(const Json& config, const std::string& name, TokenizerSpec& spec) {
  LATHE_TRY(const bool prefix, bool_field(config, "add_prefix_space", false));
  spec.pre_tokenizer = Json{
      {"type", "ByteLevel"},
      {"add_prefix_space", prefix},
      {"trim_offsets", true},
      {"use_regex", true}}.dump();
  spec.decoder = R"({"type":"ByteLevel"})";
  const bool roberta = name == "RobertaTokenizer";
  const std::span<const UsualToken> usual =
      roberta ? std::span<const UsualToken>(kRobertaTokens) : kGpt2Tokens;
  LATHE_CHECK(add_older_tokens(config, usual, spec));
  LATHE_TRY(const std::string bos, token_name(config, roberta ? "cls_token" : "bos_token", usual));
  LATHE_TRY(const std::string eos, token_name(config, roberta ? "sep_token" : "eos_token", usual));
  spec.control = {find_token(spec, bos), find_token(spec, eos)};
  return put_around(config, {.bos = roberta, .eos = roberta}, spec);
}

Result<Tokenizer> tokenizer_from_merges(const std::string& vocab, const std::string& merges,
                                        const Json& config, const std::string& name) {
  if (name != "GPT2Tokenizer" && name != "RobertaTokenizer")
    return unknown_class(name, "vocab.json and merges.txt");
  LATHE_TRY(const Json tokens, parse_json(vocab));
  TokenizerSpec spec;
  LATHE_CHECK(
      read_model_json({{"type", "BPE"}, {"vocab", tokens}, {"merges", merges_of(merges)}}, spec)
          .at("vocab.json and merges.txt"));
  LATHE_CHECK(read_byte_level(config, name, spec));
  return TokenizerBuilder::build(std::move(spec));
}

// vocab.txt: a token a line; the line's number is its id.
Result<TokenizerSpec> read_word_list(std::string_view text) {
  TokenizerSpec spec;
  spec.model = ModelKind::word_piece;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (spec.tokens.size() >= static_cast<std::size_t>(kMaxTokens))
      return Error::limit(fmt::format("more than {} lines", kMaxTokens));
    if (!is_valid_utf8(line))
      return Error::bad_input(fmt::format("line {} is not UTF-8", spec.tokens.size() + 1));
    spec.tokens.emplace_back(line);
  }
  return spec;
}

Result<Tokenizer> tokenizer_from_words(const std::string& vocab, const Json& config,
                                       const std::string& name) {
  if (!name.empty() && name != "BertTokenizer" && name != "DistilBertTokenizer")
    return unknown_class(name, "vocab.txt");
  LATHE_TRY(TokenizerSpec spec, read_word_list(vocab).at("vocab.txt"));
  LATHE_TRY(const bool lower, bool_field(config, "do_lower_case", true));
  LATHE_TRY(const bool chinese, bool_field(config, "tokenize_chinese_chars", true));
  LATHE_TRY(const bool accents, bool_field(config, "strip_accents", lower));
  spec.normalizer = Json{
      {"type", "BertNormalizer"},
      {"clean_text", true},
      {"handle_chinese_chars", chinese},
      {"strip_accents", accents},
      {"lowercase",
       lower}}.dump();
  spec.pre_tokenizer = R"({"type":"BertPreTokenizer"})";
  spec.decoder = R"({"cleanup":true,"prefix":"##","type":"WordPiece"})";
  LATHE_CHECK(add_older_tokens(config, kBertTokens, spec).at("tokenizer_config.json"));
  LATHE_TRY(const std::string unk, token_name(config, "unk_token", kBertTokens));
  LATHE_TRY(const std::string cls, token_name(config, "cls_token", kBertTokens));
  LATHE_TRY(const std::string sep, token_name(config, "sep_token", kBertTokens));
  spec.settings.unk = find_token(spec, unk);
  spec.control = {find_token(spec, cls), find_token(spec, sep)};
  spec.post_processor = around_template(spec, spec.control.bos, spec.control.eos);
  return TokenizerBuilder::build(std::move(spec));
}

// The class that old folders leave to the model's config.json.
Result<std::string> class_of_folder(const Json& config, const os::Path& folder) {
  LATHE_TRY(std::string name, tokenizer_class(config));
  if (!name.empty()) return name;
  LATHE_TRY(const auto text, read_optional(folder / "config.json", formats::kMaxConfigBytes));
  if (!text) return name;
  LATHE_TRY(const Json model, parse_json(*text).at("config.json"));
  LATHE_TRY(const std::string type, string_field(model, "model_type", std::string()));
  if (type == "gpt2") return std::string("GPT2Tokenizer");
  if (type == "roberta") return std::string("RobertaTokenizer");
  if (type == "llama") return std::string("LlamaTokenizer");
  if (type == "t5") return std::string("T5Tokenizer");
  return name;
}

Result<Tokenizer> from_pieces(std::string_view bytes, const Json& config, const std::string& name) {
  LATHE_TRY(SentencePieces pieces, parse_sentence_piece_model(bytes));
  LATHE_TRY(TokenizerSpec spec, spec_from_pieces(std::move(pieces)));
  LATHE_CHECK(add_older_tokens(config, {}, spec));
  LATHE_TRY(const Around around, default_around(name));
  LATHE_CHECK(put_around(config, around, spec));
  return TokenizerBuilder::build(std::move(spec));
}

// From the files of before tokenizer.json; nothing when there are none.
Result<std::optional<Tokenizer>> find_older(const os::Path& folder, const Json& config) {
  LATHE_TRY(const std::string name, class_of_folder(config, folder));
  LATHE_TRY(const auto pieces, read_optional(folder / "tokenizer.model", kMaxVocabBytes));
  if (pieces) {
    LATHE_TRY(Tokenizer tokenizer, from_pieces(*pieces, config, name).at("tokenizer.model"));
    return std::optional(std::move(tokenizer));
  }
  LATHE_TRY(const auto vocab, read_optional(folder / "vocab.json", kMaxVocabBytes));
  LATHE_TRY(const auto merges, read_optional(folder / "merges.txt", kMaxVocabBytes));
  if (vocab && merges) {
    LATHE_TRY(Tokenizer tokenizer, tokenizer_from_merges(*vocab, *merges, config, name));
    return std::optional(std::move(tokenizer));
  }
  LATHE_TRY(const auto words, read_optional(folder / "vocab.txt", kMaxVocabBytes));
  if (!words) return std::optional<Tokenizer>();
  LATHE_TRY(Tokenizer tokenizer, tokenizer_from_words(*words, config, name));
  return std::optional(std::move(tokenizer));
}

}  // namespace

Result<Tokenizer> tokenizer_from_sentence_piece(std::string_view bytes,
                                                std::string_view config_json) {
  if (config_json.empty()) return from_pieces(bytes, Json::object(), "");
  LATHE_TRY(const Json config, parse_json(config_json).at("tokenizer_config.json"));
  LATHE_TRY(const std::string name, tokenizer_class(config));
  LATHE_TRY(const Tokenizer tokenizer, from_pieces(bytes, config, name));
  return tokenizer.apply_tokenizer_config(config_json);
}

Result<std::optional<Tokenizer>> find_tokenizer(const os::Path& folder) {
  LATHE_TRY(const auto json, formats::find_tokenizer_json(folder));
  LATHE_TRY(const auto config_text, formats::find_tokenizer_config_json(folder));
  std::optional<Tokenizer> found;
  if (json) {
    LATHE_TRY(found, Tokenizer::from_tokenizer_json(*json));
  } else {
    Json config = Json::object();
    if (config_text) {
      LATHE_TRY(config, parse_json(*config_text).at("tokenizer_config.json"));
    }
    LATHE_TRY(config, with_older_files(folder, std::move(config)));
    LATHE_TRY(found, find_older(folder, config));
  }
  if (!found || !config_text) return found;
  LATHE_TRY(Tokenizer named, found->apply_tokenizer_config(*config_text));
  return std::optional(std::move(named));
}

}  // namespace lathe::text
