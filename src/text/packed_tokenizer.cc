#include "text/packed_tokenizer.h"

#include <algorithm>
#include <bit>

#include "text/tokenizer_outline.h"
#include "text/tokenizer_parts.h"

namespace lathe::text {
namespace {

using formats::PackedFile;
using formats::PackedMatrix;

constexpr const char* kFileName = "tokenizer.packed";
constexpr const char* kOutline = "outline";

// Whatever may have a part in a tokenizer.
bool may_hold_tokenizer(const os::Path& file) {
  const os::Path type = file.extension();
  return type == ".gguf" || type == ".json" || type == ".model" || type == ".txt";
}

// The elements lie in the file as they lie in memory.
static_assert(sizeof(SpellingIndex::Place) == 8 && sizeof(BpeMerge) == 12 && sizeof(BpePair) == 16);
static_assert(std::endian::native == std::endian::little);

// Writes arrays as sections: so many rows as there are elements, of the element's bytes.
class SectionWriter {
 public:
  template <class T>
  void add(const char* name, std::span<const T> values) {
    add(name, std::as_bytes(values), sizeof(T));
  }
  void add(const char* name, std::string_view text) {
    add(name, std::as_bytes(std::span(text.data(), text.size())), 1);
  }
  void add(const std::string& name, StringTable table) {
    add((name + ".ends").c_str(), table.ends());
    add((name + ".bytes").c_str(), table.bytes());
  }
  std::vector<PackedMatrix> take() { return std::move(sections_); }

 private:
  void add(const char* name, std::span<const std::byte> bytes, std::size_t size) {
    PackedMatrix section;
    section.name = name;
    section.rows = bytes.size() / size;
    section.columns = size;
    section.bytes = bytes;
    sections_.push_back(std::move(section));
  }
  std::vector<PackedMatrix> sections_;
};

class SectionReader {
 public:
  explicit SectionReader(std::span<const PackedMatrix> sections) : sections_(sections) {}

  template <class T>
  Status read(const std::string& name, std::span<const T>& out) const {
    const auto section = std::ranges::find(sections_, name, &PackedMatrix::name);
    if (section == sections_.end())
      return Error::bad_input("the packed tokenizer lacks it").at(name);
    const std::size_t count = section->bytes.size() / sizeof(T);
    const bool fits = section->columns == sizeof(T) && section->rows == count &&
                      section->bytes.size() % sizeof(T) == 0 &&
                      reinterpret_cast<std::uintptr_t>(section->bytes.data()) % alignof(T) == 0;
    if (!fits) return Error::bad_input("its bytes are not those of its elements").at(name);
    out = {reinterpret_cast<const T*>(section->bytes.data()), count};
    return {};
  }
  Status read(const std::string& name, std::string_view& out) const {
    std::span<const char> bytes;
    LATHE_CHECK(read(name, bytes));
    out = {bytes.data(), bytes.size()};
    return {};
  }
  Status read(const std::string& name, StringTable& out) const {
    std::span<const std::uint32_t> ends;
    std::string_view bytes;
    LATHE_CHECK(read(name + ".ends", ends));
    LATHE_CHECK(read(name + ".bytes", bytes));
    out = StringTable(ends, bytes);
    return {};
  }
  Status read(const std::string& name, StringTable spellings, SpellingIndex& out) const {
    std::span<const SpellingIndex::Place> places;
    LATHE_CHECK(read(name, places));
    out = SpellingIndex(spellings, places);
    return {};
  }

 private:
  std::span<const PackedMatrix> sections_;
};

Status read_bpe(const SectionReader& in, StringTable surfaces, BpeTables& out) {
  LATHE_CHECK(in.read("merges", out.merges));
  LATHE_CHECK(in.read("words", surfaces, out.words));
  LATHE_CHECK(in.read("pairs", out.pairs));
  LATHE_CHECK(in.read("byte_tokens", out.byte_tokens));
  return in.read("byte_symbols", out.byte_symbols);
}

Result<TokenizerTables> read_tables(const SectionReader& in) {
  TokenizerTables tables;
  LATHE_CHECK(in.read("spellings", tables.spellings));
  LATHE_CHECK(in.read("marks", tables.marks));
  LATHE_CHECK(in.read("ids", tables.spellings, tables.ids));
  LATHE_CHECK(in.read("texts", tables.texts));
  LATHE_CHECK(in.read("surfaces", tables.surfaces));
  LATHE_CHECK(in.read("scores", tables.scores));
  LATHE_CHECK(read_bpe(in, tables.surfaces, tables.bpe));
  return tables;
}

Result<TokenizerOutline> read_outline(const SectionReader& in) {
  std::string_view text;
  LATHE_CHECK(in.read(kOutline, text));
  return outline_from_json(text).at(kOutline);
}

Result<PackedFile> open_file(const os::Path& model) {
  const os::Path path = packed_tokenizer_path(model);
  if (!os::exists(path)) return Error::not_found("there is no packed tokenizer").at(path.string());
  LATHE_TRY(const formats::DerivedFile file, packed_tokenizer_of(model));
  return formats::open_sealed(file);
}

}  // namespace

os::Path packed_tokenizer_path(const os::Path& model) {
  return formats::folder_of(model) / kFileName;
}

Result<formats::DerivedFile> packed_tokenizer_of(const os::Path& model) {
  LATHE_TRY(const std::uint64_t source, formats::stamp_of(model, may_hold_tokenizer));
  return formats::DerivedFile{packed_tokenizer_path(model), source};
}

Status check_packed_tokenizer(const os::Path& model) {
  LATHE_TRY(const PackedFile file, open_file(model));
  LATHE_CHECK(
      read_outline(SectionReader(file.matrices())).at(packed_tokenizer_path(model).string()));
  return {};
}

Result<Tokenizer> open_packed_tokenizer(const os::Path& model) {
  LATHE_TRY(PackedFile opened, open_file(model));
  const auto file = std::make_shared<const PackedFile>(std::move(opened));
  return unpack_tokenizer(file->matrices(), file).at(packed_tokenizer_path(model).string());
}

Status write_packed_tokenizer(const os::Path& model, const Tokenizer& tokenizer) {
  LATHE_TRY(const formats::DerivedFile place, packed_tokenizer_of(model));
  std::string outline;
  const std::vector<PackedMatrix> sections = pack_tokenizer(tokenizer, outline);
  const auto section = [&](std::size_t i) -> Result<PackedMatrix> { return sections[i]; };
  // Looked up here and there.
  constexpr std::size_t kPieceBytes = std::size_t{16} << 10;
  return formats::write_packed_file(place.path,
                                    {place.source, sections.size(), section, kPieceBytes});
}

Result<Tokenizer> unpack_tokenizer(std::span<const PackedMatrix> sections,
                                   std::shared_ptr<const void> memory) {
  const SectionReader in(sections);
  LATHE_TRY(TokenizerOutline outline, read_outline(in));
  LATHE_TRY(const TokenizerTables tables, read_tables(in));
  return TokenizerBuilder::assemble(std::move(outline), tables, std::move(memory));
}

std::vector<PackedMatrix> pack_tokenizer(const Tokenizer& tokenizer, std::string& outline) {
  const Tokenizer::Parts& parts = tokenizer.parts();
  const TokenizerTables& tables = parts.tables;
  outline = outline_json(parts.outline, {tokenizer.bos_id(), tokenizer.eos_id()});
  SectionWriter out;
  out.add(kOutline, std::string_view(outline));
  out.add("spellings", tables.spellings);
  out.add("marks", tables.marks);
  out.add("ids", tables.ids.places());
  out.add("texts", tables.texts);
  out.add("surfaces", tables.surfaces);
  out.add("scores", tables.scores);
  out.add("merges", tables.bpe.merges);
  out.add("words", tables.bpe.words.places());
  out.add("pairs", tables.bpe.pairs);
  out.add("byte_tokens", tables.bpe.byte_tokens);
  out.add("byte_symbols", tables.bpe.byte_symbols);
  return out.take();
}

}  // namespace lathe::text
