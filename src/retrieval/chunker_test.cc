#include "retrieval/chunker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "retrieval/blocks.h"
#include "text/utf8.h"

namespace lathe::retrieval {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

ChunkOptions options(std::size_t words, std::size_t overlap = 0) {
  ChunkOptions chosen;
  chosen.words = words;
  chosen.overlap_words = overlap;
  return chosen;
}

std::vector<Chunk> chunk(std::string_view text, std::size_t words = 120, std::size_t overlap = 0,
                         std::string_view title = "") {
  return chunk_text(text, title, options(words, overlap)).value();
}

std::vector<std::string> texts(const std::vector<Chunk>& chunks) {
  std::vector<std::string> found;
  for (const Chunk& piece : chunks) found.push_back(piece.text);
  return found;
}

std::vector<std::string> titles(const std::vector<Chunk>& chunks) {
  std::vector<std::string> found;
  for (const Chunk& piece : chunks) found.push_back(piece.title);
  return found;
}

bool is_space(char c) { return std::string_view(" \t\r\n\v\f").find(c) != std::string_view::npos; }

// Every byte that is not white space lies in a chunk or in a heading line; chunks are what they say
// they are, in order, whole characters, and not longer than allowed.
void check_chunks(const std::string& text, const ChunkOptions& chosen) {
  const std::vector<Chunk> chunks = chunk_text(text, "doc", chosen).value();
  const std::vector<Block> blocks = split_blocks(text);
  std::vector<int> covered(text.size(), 0);
  std::size_t previous = 0;
  for (const Chunk& piece : chunks) {
    ASSERT_LT(piece.begin, piece.end);
    ASSERT_EQ(piece.text, text.substr(piece.begin, piece.end - piece.begin));
    ASSERT_TRUE(text::is_valid_utf8(piece.text));
    ASSERT_FALSE(is_space(piece.text.front()) || is_space(piece.text.back()));
    const bool is_heading = std::any_of(blocks.begin(), blocks.end(), [&](const Block& block) {
      return block.kind == Block::Kind::heading && block.text == piece.text;
    });
    ASSERT_TRUE(is_heading || count_words(piece.text) <= chosen.words);
    ASSERT_LE(previous, piece.begin);
    previous = piece.begin;
    for (std::size_t i = piece.begin; i < piece.end; ++i) ++covered[i];
  }
  for (const Block& block : blocks) {
    if (block.kind != Block::Kind::heading) continue;
    const bool in_titles = std::any_of(chunks.begin(), chunks.end(), [&](const Chunk& piece) {
      return piece.title.find(block.text) != std::string::npos || piece.text == block.text;
    });
    ASSERT_TRUE(in_titles) << block.text;
    for (std::size_t i = block.begin; i < block.end; ++i) covered[i] += covered[i] == 0 ? 1 : 0;
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_space(text[i])) continue;
    ASSERT_GE(covered[i], 1) << "byte " << i << " is lost";
    ASSERT_TRUE(covered[i] == 1 || chosen.overlap_words > 0) << "byte " << i << " comes twice";
  }
}

TEST(Chunker, ShortTextIsOneChunk) {
  const auto chunks = chunk("One short paragraph.\n\nAnother one.\n");
  ASSERT_THAT(chunks, SizeIs(1));
  EXPECT_EQ(chunks[0].text, "One short paragraph.\n\nAnother one.");
  EXPECT_EQ(chunks[0].title, "");
}

TEST(Chunker, NothingGivesNothing) {
  EXPECT_THAT(chunk(""), IsEmpty());
  EXPECT_THAT(chunk(" \n\t\n\r\n"), IsEmpty());
}

TEST(Chunker, HeadingsBecomeTitlesWithWhatIsAboveThem) {
  const auto chunks = chunk(
      "# Handbook\nIntro.\n## Battery ##\nIt lasts 9 hours.\n### Charging\nUse the dock.\n"
      "## Screen\nIt is bright.\n",
      120, 0, "Handbook");
  EXPECT_THAT(texts(chunks),
              ElementsAre("Intro.", "It lasts 9 hours.", "Use the dock.", "It is bright."));
  EXPECT_THAT(titles(chunks), ElementsAre("Handbook", "Handbook - Battery",
                                          "Handbook - Battery - Charging", "Handbook - Screen"));
}

TEST(Chunker, UnderlinedHeadingsCountToo) {
  const auto chunks = chunk("Handbook\n========\n\nBattery\n-------\nNine hours.\n");
  EXPECT_THAT(titles(chunks), ElementsAre("Handbook - Battery"));
  EXPECT_THAT(texts(chunks), ElementsAre("Nine hours."));
}

TEST(Chunker, HeadingWithNothingUnderItIsAChunk) {
  const auto chunks = chunk("# A\n## B\n## C\ntext\n# D");
  EXPECT_THAT(texts(chunks), ElementsAre("B", "text", "D"));
  EXPECT_THAT(titles(chunks), ElementsAre("A", "A - C", ""));
}

TEST(Chunker, WhatOnlyLooksLikeAHeadingIsText) {
  const std::string long_line = "# " + std::string(300, 'x');
  for (const std::string& text :
       {std::string("#1 is best"), std::string("####### seven"), std::string("#"),
        std::string("# ##"), std::string("```\n# comment\n```"), std::string("~~~\n# open"),
        std::string("    # code"), std::string("---\ntitle: x\n---"), long_line}) {
    const auto chunks = chunk(text, 100);
    ASSERT_THAT(chunks, SizeIs(1)) << text;
    EXPECT_EQ(chunks[0].title, "") << text;
  }
  EXPECT_EQ(first_heading("---\ntitle: x\n---\n# Real\n"), "Real");
  EXPECT_EQ(first_heading("no heading\n\nhere"), "");
}

TEST(Chunker, CodeOnOneLineOpensNoFence) {
  EXPECT_THAT(titles(chunk("```x``` is code\n\n# Head\ntext")), ElementsAre("", "Head"));
}

TEST(Chunker, ParagraphsStayWhole) {
  const std::string five = "one two three four five.";
  const auto chunks = chunk(five + "\n\n" + five + "\n\n" + five, 10);
  EXPECT_THAT(texts(chunks), ElementsAre(five + "\n\n" + five, five));
  const std::string six = "one two three four five six.";
  EXPECT_THAT(chunk(six + "\n\n" + six, 10), SizeIs(2));
}

TEST(Chunker, LongParagraphsAreCutAtSentences) {
  const auto chunks = chunk(
      "The first one has six words. It is, e.g. here, not cut! \"Why?\" asked the third one. "
      "Version 2.5 is whole.",
      8);
  EXPECT_THAT(texts(chunks),
              ElementsAre("The first one has six words.", "It is, e.g. here, not cut!",
                          "\"Why?\" asked the third one.", "Version 2.5 is whole."));
}

TEST(Chunker, ListsTablesAndCodeAreCutAtLines) {
  EXPECT_THAT(texts(chunk("Things:\n- one two three four five\n- six seven eight nine ten", 8)),
              ElementsAre("Things:\n- one two three four five", "- six seven eight nine ten"));
  EXPECT_THAT(texts(chunk("| a b c d |\n| e f g h |", 8)),
              ElementsAre("| a b c d |", "| e f g h |"));
  EXPECT_THAT(texts(chunk("```\na b c d e\nf g h i j\n```", 8)),
              ElementsAre("```\na b c d e", "f g h i j\n```"));
}

TEST(Chunker, LongSentenceIsCutBetweenWords) {
  EXPECT_THAT(texts(chunk("a b c d e f g h i j k", 8)), ElementsAre("a b c d e f g h", "i j k"));
}

TEST(Chunker, RunsWithoutSpacesAreCutBetweenCharacters) {
  std::string run;
  for (int i = 0; i < 1000; ++i) run += "\xe5\x8c\x97";  // 3 bytes each
  const auto chunks = chunk(run, 8);
  ASSERT_THAT(chunks, SizeIs(8));  // 8 * 16 characters each
  EXPECT_EQ(chunks[0].text.size(), 8u * 16 * 3);
  check_chunks(run, options(8));
  EXPECT_THAT(texts(chunk("\xe6\x98\xaf\xe3\x80\x82\xe5\x90\xa6\xe3\x80\x82", 8)), SizeIs(1));
}

TEST(Chunker, OverlapRepeatsWholeSentences) {
  const auto chunks = chunk("A one two. B one two. C one two. D one two.", 8, 3);
  EXPECT_THAT(texts(chunks), ElementsAre("A one two. B one two.", "B one two. C one two.",
                                         "C one two. D one two."));
}

TEST(Chunker, OptionsOutOfRangeAreRefused) {
  for (const ChunkOptions& bad : {options(0), options(7), options(10'001), options(20, 11)}) {
    const auto refused = chunk_text("text", "", bad);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().kind, ErrorKind::bad_input);
  }
}

// Random texts of everything that the chunker looks at.
TEST(Chunker, NothingIsLostWhateverTheText) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const std::vector<std::string> pieces = {"word",
                                           " ",
                                           " ",
                                           " ",
                                           "\n",
                                           "\n\n",
                                           "# Head\n",
                                           "\n## Sub\n",
                                           ". ",
                                           "! ",
                                           "- it ",
                                           "```",
                                           "\n```\n",
                                           "~~~",
                                           "===",
                                           "\n---\n",
                                           "\t",
                                           "\xc3\xa9",
                                           "|",
                                           "1. ",
                                           "\xe5\x8c\x97\xe3\x80\x82",
                                           "\xf0\x9f\x98\x80",
                                           "\r\n",
                                           "#",
                                           "a-very-long-run-without-spaces",
                                           "(x)",
                                           "\"",
                                           "Then it goes on. "};
  for (int round = 0; round < 400; ++round) {
    std::string text;
    const std::size_t count = random() % 120;
    for (std::size_t i = 0; i < count; ++i) text += pieces[random() % pieces.size()];
    const std::size_t words = 8 + random() % 30;
    SCOPED_TRACE(text);
    ASSERT_NO_FATAL_FAILURE(check_chunks(text, options(words)));
    ASSERT_NO_FATAL_FAILURE(check_chunks(text, options(words, random() % (words / 2 + 1))));
    EXPECT_EQ(texts(chunk(text, words)), texts(chunk(text, words)));
  }
}

TEST(Chunker, HugeTextsTakeLinearTime) {
  std::string sentences;
  for (int i = 0; i < 200'000; ++i) sentences += "This sentence is like the others. ";
  EXPECT_THAT(chunk(sentences, 120), SizeIs(testing::Gt(9'000u)));
  EXPECT_THAT(chunk(std::string(5'000'000, 'x'), 120), SizeIs(testing::Gt(2'000u)));
  EXPECT_THAT(chunk(std::string(5'000'000, '\n'), 120), IsEmpty());
}

TEST(Chunker, WordsAreCountedByRunsAndLength) {
  EXPECT_EQ(count_words(""), 0u);
  EXPECT_EQ(count_words("  two words\n"), 2u);
  EXPECT_EQ(count_words(std::string(16, 'x')), 1u);
  EXPECT_EQ(count_words(std::string(17, 'x')), 2u);
}

}  // namespace
}  // namespace lathe::retrieval
