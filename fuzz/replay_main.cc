// Runs a fuzz target without a fuzzer: each file of the folders that are named, once. A target that
// finds something wrong aborts; the name printed before it says with which input.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

std::vector<std::uint8_t> read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

int replay(const std::filesystem::path& folder) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    std::printf("%s\n", entry.path().c_str());
    std::fflush(stdout);
    const std::vector<std::uint8_t> input = read(entry.path());
    LLVMFuzzerTestOneInput(input.data(), input.size());
    ++count;
  }
  return count;
}

}  // namespace

int main(int count, char** folders) {
  int inputs = 0;
  for (int i = 1; i < count; ++i) inputs += replay(folders[i]);
  std::printf("%d inputs\n", inputs);
  return inputs > 0 ? 0 : 1;  // a folder that has gone is no success
}
