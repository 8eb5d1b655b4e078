#include "text/spelling_index.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace lathe::text {
namespace {

TEST(SpellingIndex, FindsTheFirstOfEqualSpellingsAndNoEmptyOne) {
  const std::vector<std::string> spellings = {"a", "", "b", "a", "longer than eight bytes"};
  const OwnedSpellingIndex owned(spellings);
  const SpellingIndex index = owned.index();
  EXPECT_EQ(index.find("a"), 0);
  EXPECT_EQ(index.find("b"), 2);
  EXPECT_EQ(index.find("longer than eight bytes"), 4);
  EXPECT_EQ(index.find("longer than eight byte"), -1);
  EXPECT_EQ(index.find(""), -1);
  EXPECT_EQ(SpellingIndex().find("a"), -1);
  const std::string_view one = "a";
  std::int32_t id = 0;
  SpellingIndex().find_all({&one, 1}, {&id, 1});
  EXPECT_EQ(id, -1);
}

TEST(SpellingIndex, AddKeepsWhatIsThereAndSetReplacesIt) {
  const std::vector<std::string> spellings = {"a", "a", "b"};
  const StringTableBuilder table(spellings);
  SpellingIndexBuilder builder(table.table());
  EXPECT_EQ(builder.index().find("a"), -1);
  EXPECT_EQ(builder.add(0), 0);
  EXPECT_EQ(builder.add(1), 0);
  builder.set(1);
  EXPECT_EQ(builder.index().find("a"), 1);
  builder.set(2);
  EXPECT_EQ(builder.index().find("b"), 2);
}

TEST(SpellingIndex, IsWhatAMapIs) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const auto draw = [&] {
    std::string text(random() % 12, '\0');
    for (char& c : text) c = static_cast<char>('a' + random() % 3);
    return text;
  };
  std::vector<std::string> spellings;
  for (int i = 0; i < 3000; ++i) spellings.push_back(draw());
  const OwnedSpellingIndex owned(spellings);
  const SpellingIndex index = owned.index();
  std::map<std::string, std::int32_t> map;
  for (std::size_t id = 0; id < spellings.size(); ++id)
    if (!spellings[id].empty()) map.emplace(spellings[id], static_cast<std::int32_t>(id));
  std::vector<std::string> asked;
  for (int i = 0; i < 3000; ++i) asked.push_back(draw());
  const std::vector<std::string_view> views(asked.begin(), asked.end());
  std::vector<std::int32_t> ids(asked.size());
  index.find_all(views, ids);
  for (std::size_t i = 0; i < asked.size(); ++i) {
    const auto found = map.find(asked[i]);
    EXPECT_EQ(index.find(asked[i]), found == map.end() ? -1 : found->second) << asked[i];
    EXPECT_EQ(ids[i], index.find(asked[i])) << asked[i];
  }
}

// Places as a file may have them that somebody else wrote.
TEST(SpellingIndex, ForeignPlacesEndASearchAndGiveNoForeignId) {
  const std::vector<std::string> spellings = {"a", "b"};
  const StringTableBuilder table(spellings);
  SpellingIndexBuilder builder(table.table());
  builder.add(0);
  const auto filled = builder.index().places();
  std::vector<SpellingIndex::Place> places(filled.begin(), filled.end());
  for (SpellingIndex::Place& place : places) {
    if (place.id < 0) place.id = 2;  // no place is free, and there is no such spelling
  }
  const SpellingIndex full(table.table(), places);
  EXPECT_EQ(full.find("a"), 0);
  EXPECT_EQ(full.find("b"), -1);
  for (const SpellingIndex::Place& place : full.places()) {
    std::vector<SpellingIndex::Place> same(places.size(), {place.tag, 7});
    EXPECT_EQ(SpellingIndex(table.table(), same).find("a"), -1);
    EXPECT_EQ(SpellingIndex(table.table(), same).find(""), -1);
  }
}

}  // namespace
}  // namespace lathe::text
