#include "text/tokenizer_tables.h"

namespace lathe::text {

TokenizerTables TokenizerMemory::tables() const {
  TokenizerTables out;
  out.spellings = spellings.table();
  out.marks = marks;
  out.ids = ids.index();
  out.texts = texts.table();
  out.surfaces = surfaces.table();
  out.scores = scores;
  out.bpe = bpe.tables();
  return out;
}

}  // namespace lathe::text
