// Helpers of the tests in src/text.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>
#include <iterator>
#include <random>
#include <string>

#include "text/tokenizer.h"
#include "text/utf8.h"

namespace lathe::text {

inline std::string read_test_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

inline std::string golden_path(const std::string& name) {
  return std::string(LATHE_SOURCE_DIR) + "/testdata/goldens/tokenizers/" + name;
}

// Each file says all of its pipeline. The text of the lossless ones comes back whatever it is.
inline constexpr const char* kLosslessTokenizers[] = {"bpe-gpt2", "bpe-llama3",
                                                      "bpe-llama2-fallback"};
inline constexpr const char* kGoldenTokenizers[] = {"bpe-gpt2", "bpe-llama3", "bpe-llama2-fallback",
                                                    "unigram-t5", "wordpiece-uncased"};

inline Tokenizer golden_tokenizer(const std::string& name) {
  auto read = Tokenizer::from_tokenizer_json(read_test_file(golden_path(name) + "/tokenizer.json"));
  EXPECT_TRUE(read.ok()) << name;
  return std::move(read).value();
}

// Random texts: letters, digits, white space, signs, characters from every plane, control tokens.
class RandomText {
 public:
  explicit RandomText(std::uint64_t seed) : random_(seed) {}

  std::size_t below(std::size_t n) {
    return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_);
  }

  std::string valid(std::size_t characters) {
    std::string out;
    for (std::size_t i = 0; i < characters; ++i) append_character(out);
    return out;
  }

  std::string bytes(std::size_t count) {
    std::string out;
    for (std::size_t i = 0; i < count; ++i)
      out += static_cast<char>(static_cast<unsigned char>(below(256)));
    return out;
  }

  // Valid text with some bytes cut out or broken.
  std::string damaged(std::size_t characters) {
    std::string out = valid(characters);
    for (std::size_t i = below(5); i > 0 && !out.empty(); --i) {
      if (below(2) == 0)
        out.erase(below(out.size()), 1);
      else
        out[below(out.size())] = static_cast<char>(static_cast<unsigned char>(below(256)));
    }
    return out;
  }

 private:
  void append_character(std::string& out) {
    static const char* const kStretches[] = {"the",    " a",   "'s",           "  ",
                                             "\r\n",   "\n\n", "<|im_start|>", "</s>",
                                             "<0x41>", "123",  "\xE2\x96\x81", "e\xCC\x81"};
    switch (below(8)) {
      case 0:
        out += kStretches[below(std::size(kStretches))];
        break;
      case 1:
        out += " \t\n\r"[below(4)];
        break;
      case 2:
        out += static_cast<char>('0' + below(10));
        break;
      case 3:
        append_utf8(out, static_cast<char32_t>(0x80 + below(0xD780)));
        break;
      case 4:
        append_utf8(out, static_cast<char32_t>(0xE000 + below(0x102000)));
        break;
      case 5:
        out += static_cast<char>(below(128));
        break;
      default:
        out += static_cast<char>('a' + below(26));
        break;
    }
  }

  std::mt19937_64 random_;
};

}  // namespace lathe::text
