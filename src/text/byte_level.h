// The byte-level alphabet of GPT-2: each of the 256 bytes has a printable character, so that every
// text is a string of visible symbols. Bytes that are printable in Latin-1 stand for themselves,
// the others for U+0100, U+0101, … in order (space becomes "Ġ"). Pure functions.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace lathe::text {

// The character of a byte, as UTF-8.
const std::string& byte_to_alphabet(unsigned char byte);

// Bytes, in the order of their characters' code points: the order of byte tokens in a vocabulary.
const std::array<unsigned char, 256>& bytes_in_alphabet_order();

std::string to_alphabet(std::string_view bytes);

// The bytes that the characters stand for; nothing when one of them is not in the alphabet.
// REQUIRES: text is valid UTF-8.
std::optional<std::string> from_alphabet(std::string_view text);

}  // namespace lathe::text
