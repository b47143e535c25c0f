// SPDX-License-Identifier: Apache-2.0
//
// A sheaf is a stack of as many objects as it was made for.
#include "slab/sheaf.h"

#include <array>

#include "gtest/gtest.h"

namespace mxa::slab {
namespace {

TEST(SheafTest, IsAStack) {
  std::array<int, 3> objects{};
  Sheaf* sheaf = Sheaf::New(nullptr, 3);
  EXPECT_TRUE(sheaf->empty());
  for (int& object : objects) {
    EXPECT_FALSE(sheaf->full());
    sheaf->Push(&object);
  }
  EXPECT_TRUE(sheaf->full());
  EXPECT_EQ(sheaf->span().size(), 3u);
  for (size_t i = 3; i-- > 0;) EXPECT_EQ(sheaf->TryPop(), &objects[i]);
  EXPECT_TRUE(sheaf->empty());
  Sheaf::Delete(sheaf);
}

TEST(SheafTest, KnowsItsCacheAndCapacity) {
  int cache = 0;
  auto* core = reinterpret_cast<CacheCore*>(&cache);
  for (const size_t capacity : {1u, 2u, 1024u}) {
    Sheaf* sheaf = Sheaf::New(core, capacity);
    EXPECT_EQ(sheaf->cache, core);
    EXPECT_EQ(sheaf->capacity, capacity);
    sheaf->set_size(capacity);
    EXPECT_TRUE(sheaf->full());
    Sheaf::Delete(sheaf);
  }
}

}  // namespace
}  // namespace mxa::slab
