#include "text/byte_level.h"

#include <algorithm>
#include <cstdint>

#include "text/utf8.h"

namespace lathe::text {
namespace {

constexpr char32_t kAlphabetEnd = 0x144;  // one past the greatest code point of the alphabet

bool stands_for_itself(unsigned byte) {
  return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

struct Alphabet {
  std::array<char32_t, 256> code_points{};
  std::array<std::string, 256> characters;
  std::array<std::int16_t, kAlphabetEnd> bytes{};  // -1: not in the alphabet
  std::array<unsigned char, 256> ordered{};

  Alphabet() {
    bytes.fill(-1);
    char32_t next = 0x100;
    for (unsigned byte = 0; byte < 256; ++byte) {
      code_points[byte] = stands_for_itself(byte) ? byte : next++;
      append_utf8(characters[byte], code_points[byte]);
      bytes[code_points[byte]] = static_cast<std::int16_t>(byte);
      ordered[byte] = static_cast<unsigned char>(byte);
    }
    std::sort(ordered.begin(), ordered.end(),
              [this](unsigned char a, unsigned char b) { return code_points[a] < code_points[b]; });
  }
};

const Alphabet& alphabet() {
  static const Alphabet the;
  return the;
}

}  // namespace

const std::string& byte_to_alphabet(unsigned char byte) { return alphabet().characters[byte]; }

const std::array<unsigned char, 256>& bytes_in_alphabet_order() { return alphabet().ordered; }

std::string to_alphabet(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) out += byte_to_alphabet(static_cast<unsigned char>(c));
  return out;
}

std::optional<std::string> from_alphabet(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Utf8Step step = utf8_step(text);
    if (step.kind != Utf8Step::Kind::character || step.code_point >= kAlphabetEnd) return {};
    const std::int16_t byte = alphabet().bytes[step.code_point];
    if (byte < 0) return {};
    out += static_cast<char>(static_cast<unsigned char>(byte));
    text.remove_prefix(step.length);
  }
  return out;
}

}  // namespace lathe::text
