// Seconds that one thread takes to encode a text, line by line: tokenizer_bench FILE TEXT, where
// FILE is a tokenizer.json, a tokenizer.model or a .gguf. bench/tokenizers/compare runs it beside a
// peer.
#include <fmt/format.h>

#include <chrono>
#include <cstdio>

#include "os/file.h"
#include "text/model_text.h"

namespace {

constexpr std::uint64_t kMaxBytes = std::uint64_t{1} << 30;

// The text's lines, their ends included.
std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return lines;
}

lathe::Status run(const char* tokenizer_file, const char* text_file) {
  LATHE_TRY(const auto files, lathe::text::load_text_files(tokenizer_file));
  if (!files.tokenizer) return lathe::Error::bad_input("there is no tokenizer").at(tokenizer_file);
  LATHE_TRY(const std::string text, lathe::os::read_file(text_file, kMaxBytes));
  const auto lines = lines_of(text);
  const auto begin = std::chrono::steady_clock::now();
  std::size_t count = 0;
  for (const std::string_view line : lines) count += files.tokenizer->encode(line).value().size();
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  fmt::print("{:.6f}\n", seconds.count());
  fmt::print(stderr, "{} tokens\n", count);
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    fmt::print(stderr, "usage: tokenizer_bench FILE TEXT\n");
    return 2;
  }
  const lathe::Status done = run(argv[1], argv[2]);
  if (!done.ok()) fmt::print(stderr, "{}\n", done.error().message());
  return done.ok() ? 0 : 1;
}
