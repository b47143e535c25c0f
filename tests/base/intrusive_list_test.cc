// SPDX-License-Identifier: Apache-2.0
//
// A list keeps its elements in order and knows them for its own.
#include "base/intrusive_list.h"

#include <array>
#include <deque>
#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace mxa {
namespace {

struct Element : ListLink {
  int value = 0;
};

using List = IntrusiveList<Element>;

std::vector<int> Values(List& list) {
  std::vector<int> values;
  for (Element* element = list.front(); element != nullptr; element = list.next(*element))
    values.push_back(element->value);
  return values;
}

void Clear(List& list) {
  while (Element* element = list.front()) list.Remove(*element);
}

TEST(IntrusiveListTest, IsEmptyAtFirst) {
  List list;
  EXPECT_TRUE(list.empty());
  EXPECT_EQ(list.front(), nullptr);
  EXPECT_EQ(list.back(), nullptr);
}

TEST(IntrusiveListTest, PushesAtBothEnds) {
  std::array<Element, 3> elements;
  for (int i = 0; i < 3; ++i) elements[static_cast<size_t>(i)].value = i;
  List list;
  list.PushBack(elements[1]);
  list.PushBack(elements[2]);
  list.PushFront(elements[0]);
  EXPECT_EQ(Values(list), (std::vector<int>{0, 1, 2}));
  EXPECT_EQ(list.front(), &elements[0]);
  EXPECT_EQ(list.back(), &elements[2]);
  EXPECT_EQ(list.size(), 3u);
  Clear(list);
}

TEST(IntrusiveListTest, ARemovedElementIsOnNoList) {
  Element element;
  List list;
  List other;
  list.PushBack(element);
  EXPECT_TRUE(list.contains(element));
  EXPECT_FALSE(other.contains(element));
  list.Remove(element);
  EXPECT_FALSE(list.contains(element));
  EXPECT_TRUE(list.empty());
  other.PushBack(element);
  EXPECT_TRUE(other.contains(element));
  Clear(other);
}

TEST(IntrusiveListTest, AgreesWithADeque) {
  std::mt19937 random(1);
  std::array<Element, 20> elements;
  for (size_t i = 0; i < elements.size(); ++i) elements[i].value = static_cast<int>(i);
  List list;
  std::deque<int> expected;
  for (int i = 0; i < 20'000; ++i) {
    Element& element = elements[random() % elements.size()];
    if (list.contains(element)) {
      list.Remove(element);
      std::erase(expected, element.value);
    } else if (random() % 2 == 0) {
      list.PushFront(element);
      expected.push_front(element.value);
    } else {
      list.PushBack(element);
      expected.push_back(element.value);
    }
    ASSERT_EQ(Values(list), std::vector<int>(expected.begin(), expected.end()));
    ASSERT_EQ(list.size(), expected.size());
  }
  Clear(list);
}

TEST(IntrusiveListDeathTest, AnElementIsOnOneListAtATime) {
  Element element;
  List list;
  List other;
  list.PushBack(element);
  EXPECT_DEATH(list.PushFront(element), "already on a list");
  EXPECT_DEATH(other.PushBack(element), "already on a list");
  Clear(list);
}

TEST(IntrusiveListDeathTest, RemovesOnlyItsOwn) {
  Element element;
  List list;
  List other;
  EXPECT_DEATH(list.Remove(element), "not on this list");
  other.PushBack(element);
  EXPECT_DEATH(list.Remove(element), "not on this list");
  Clear(other);
}

TEST(IntrusiveListDeathTest, IsNotDestroyedWithElements) {
  EXPECT_DEATH(
      {
        Element element;
        List list;
        list.PushBack(element);
      },
      "destroyed with elements");
}

}  // namespace
}  // namespace mxa
