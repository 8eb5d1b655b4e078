// Any bytes in the tables of a packed tokenizer: refused, or a tokenizer that gives ids of its
// vocabulary and decodes and writes what stands in it. The first byte chooses a tokenizer; each
// four that follow change a byte of one of its sections, or cut the section there.
#include <array>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "text/packed_tokenizer.h"
#include "text/text_stream.h"

using namespace lathe::text;
using lathe::formats::PackedMatrix;

namespace {

constexpr std::array<const char*, 4> kTokenizers = {
    R"({"added_tokens":[{"id":5,"content":"<s>","special":true}],
        "pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false,"use_regex":true},
        "decoder":{"type":"ByteLevel"},
        "model":{"type":"BPE","vocab":{"a":0,"b":1,"\u0120":2,"ab":3,"\u0120a":4},
                 "merges":["a b","\u0120 a"]}})",
    R"({"normalizer":{"type":"Replace","pattern":{"String":" "},"content":"\u2581"},
        "decoder":{"type":"Sequence","decoders":[{"type":"ByteFallback"},{"type":"Fuse"}]},
        "model":{"type":"BPE","unk_token":"<unk>","byte_fallback":true,
                 "vocab":{"<unk>":0,"a":1,"b":2,"\u2581":3,"ab":4,"<0xC3>":5,"<0xA9>":6},
                 "merges":["a b"]}})",
    R"({"decoder":{"type":"Metaspace","replacement":"\u2581","prepend_scheme":"always"},
        "model":{"type":"Unigram","unk_id":0,
                 "vocab":[["<unk>",0],["\u2581",-2],["a",-3],["ab",-4]]}})",
    R"({"decoder":{"type":"WordPiece","prefix":"##","cleanup":true},
        "model":{"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##",
                 "max_input_chars_per_word":100,"vocab":{"[UNK]":0,"a":1,"##b":2}}})"};
constexpr std::string_view kTexts[] = {"ab abc caf\u00e9 <s>", "", "b\x01 \u2581a"};

// The sections of a tokenizer, with bytes of their own.
struct Sections {
  explicit Sections(const char* json) : tokenizer(Tokenizer::from_tokenizer_json(json).value()) {
    sections = pack_tokenizer(tokenizer, outline);
    for (const PackedMatrix& one : sections) bytes.emplace_back(one.bytes.begin(), one.bytes.end());
  }
  void change(const std::uint8_t* patch) {
    const std::size_t which = patch[0] % sections.size();
    const std::size_t at = patch[1] + 256u * (patch[2] & 0x7Fu);
    std::vector<std::byte>& section = bytes[which];
    if (section.empty()) return;
    if (patch[2] < 0x80) {
      section[at % section.size()] = static_cast<std::byte>(patch[3]);
      return;
    }
    section.resize(at % section.size());
    sections[which].rows = section.size() / sections[which].columns;
  }
  lathe::Result<Tokenizer> unpack() {
    for (std::size_t i = 0; i < sections.size(); ++i) sections[i].bytes = bytes[i];
    return unpack_tokenizer(sections, nullptr);
  }

  Tokenizer tokenizer;
  std::string outline;
  std::vector<PackedMatrix> sections;
  std::vector<std::vector<std::byte>> bytes;
};

void use(const Tokenizer& tokenizer) {
  for (const std::string_view text : kTexts) {
    const auto ids = tokenizer.encode(text, {.add_special_tokens = true, .parse_special = true});
    if (!ids.ok()) continue;
    TextStream stream(tokenizer);
    for (const std::int32_t id : *ids) {
      if (id < 0 || id >= tokenizer.vocab_size()) std::abort();
      (void)stream.push(id);
    }
    (void)stream.flush();
    (void)tokenizer.decode(*ids);
  }
  for (std::int32_t id = 0; id < tokenizer.vocab_size(); ++id)
    (void)tokenizer.token_to_id(tokenizer.id_to_token(id));
  (void)tokenizer.to_tokenizer_json();
  (void)tokenizer.hash();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  Sections sections(kTokenizers[data[0] % kTokenizers.size()]);
  for (std::size_t i = 1; i + 4 <= size; i += 4) sections.change(data + i);
  const auto tokenizer = sections.unpack();
  if (tokenizer.ok()) {
    use(*tokenizer);
  } else if (tokenizer.error().message().empty()) {
    std::abort();
  }
  return 0;
}
