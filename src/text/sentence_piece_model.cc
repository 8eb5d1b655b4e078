// tokenizer.model: the protocol buffer that SentencePiece writes.
#include <fmt/format.h>

#include <bit>
#include <cmath>

#include "text/protobuf.h"
#include "text/sentence_piece.h"
#include "text/utf8.h"

namespace lathe::text {
namespace {

// Calls visit(field) for each field of a message, until one gives an error.
template <class Visit>
Status for_each_field(std::string_view message, Visit visit) {
  ProtoReader reader(message);
  while (true) {
    LATHE_TRY(const std::optional<ProtoField> field, reader.next());
    if (!field) return {};
    LATHE_CHECK(visit(*field));
  }
}

// ModelProto.SentencePiece.
Status read_piece(std::string_view message, SentencePieces& out) {
  std::string token;
  float score = 0;
  auto type = static_cast<std::uint64_t>(PieceType::normal);
  LATHE_CHECK(for_each_field(message, [&](const ProtoField& field) -> Status {
    if (field.number == 1) token = field.bytes;
    if (field.number == 2) score = std::bit_cast<float>(static_cast<std::uint32_t>(field.value));
    if (field.number == 3) type = field.value;
    return {};
  }));
  const std::string place = fmt::format("pieces[{}]", out.tokens.size());
  if (out.tokens.size() >= static_cast<std::size_t>(kMaxTokens))
    return Error::limit(fmt::format("more than {} pieces", kMaxTokens));
  if (token.empty() || !is_valid_utf8(token))
    return Error::bad_input("the piece is empty or not UTF-8").at(place);
  if (!std::isfinite(score)) return Error::bad_input("the score is no number").at(place);
  if (type < 1 || type > 6)
    return Error::bad_input(fmt::format("the type {} is none of a piece", type)).at(place);
  out.tokens.push_back(std::move(token));
  out.scores.push_back(score);
  out.types.push_back(static_cast<PieceType>(type));
  return {};
}

Status read_model_type(std::uint64_t type, SentencePieces& out) {
  if (type != 1 && type != 2)
    return Error::unsupported(
        fmt::format("a SentencePiece model of type {}; Unigram (1) and BPE (2) are read", type));
  out.unigram = type == 1;
  return {};
}

Status read_trainer_spec(std::string_view message, SentencePieces& out) {
  return for_each_field(message, [&](const ProtoField& field) -> Status {
    // int32: negative ones are written in ten bytes.
    const auto id = static_cast<std::int32_t>(field.value);
    switch (field.number) {
      case 3:
        return read_model_type(field.value, out);
      case 24:
        if (field.value != 0)
          return Error::unsupported("a SentencePiece model with white space as suffix");
        return {};
      case 35:
        out.byte_fallback = field.value != 0;
        return {};
      case 41:
        out.bos = id;
        return {};
      case 42:
        out.eos = id;
        return {};
      default:
        return {};
    }
  });
}

Status read_normalizer_spec(std::string_view message, SentencePieces& out) {
  return for_each_field(message, [&](const ProtoField& field) -> Status {
    if (field.number == 2) out.charsmap = field.bytes;
    if (field.number == 3) out.add_dummy_prefix = field.value != 0;
    if (field.number == 4) out.remove_extra_whitespaces = field.value != 0;
    if (field.number == 5) out.escape_whitespaces = field.value != 0;
    return {};
  });
}

// BOS and EOS count where the vocabulary has a control symbol at their id.
void drop_unless_control(std::optional<std::int32_t>& id, const SentencePieces& pieces) {
  const auto index = static_cast<std::size_t>(id.value_or(-1));
  if (!id || *id < 0 || index >= pieces.types.size() || pieces.types[index] != PieceType::control)
    id.reset();
}

}  // namespace

Result<SentencePieces> parse_sentence_piece_model(std::string_view bytes) {
  SentencePieces out;
  out.bos = 1;  // where the trainer's settings do not say otherwise
  out.eos = 2;
  LATHE_CHECK(for_each_field(bytes, [&](const ProtoField& field) -> Status {
    if (field.number == 1) return read_piece(field.bytes, out);
    if (field.number == 2) return read_trainer_spec(field.bytes, out).at("trainer_spec");
    if (field.number == 3) return read_normalizer_spec(field.bytes, out).at("normalizer_spec");
    return {};
  }));
  if (out.tokens.empty())
    return Error::bad_input("there are no pieces").fix_with("is this a SentencePiece model?");
  for (std::size_t id = 0; id < out.types.size(); ++id)
    if (out.types[id] == PieceType::unknown) out.unk = static_cast<std::int32_t>(id);
  drop_unless_control(out.bos, out);
  drop_unless_control(out.eos, out);
  return out;
}

}  // namespace lathe::text
