// SPDX-License-Identifier: Apache-2.0
//
// Property: whatever strings and numbers come in, what comes out is JSON in UTF-8.
#include "tools/mxa/json_writer.h"

#include <limits>

#include "gtest/gtest.h"

namespace mxa::tool {
namespace {

TEST(JsonWriterTest, NestsObjectsAndSetsCommas) {
  JsonWriter json;
  json.BeginObject();
  json.Field("a", uint64_t{1});
  json.BeginObject("b");
  json.EndObject();
  json.BeginObject("c");
  json.Field("d", true);
  json.Field("e", 0.5);
  json.EndObject();
  json.EndObject();
  EXPECT_EQ(json.Take(), "{\n  \"a\": 1,\n  \"b\": {},\n  \"c\": {\n    \"d\": true,\n    \"e\": 0.500\n  }\n}\n");
}

TEST(JsonWriterTest, WritesTheLargestNumber) {
  JsonWriter json;
  json.BeginObject();
  json.Field("n", ~uint64_t{0});
  json.EndObject();
  EXPECT_EQ(json.Take(), "{\n  \"n\": 18446744073709551615\n}\n");
}

TEST(JsonWriterTest, HasNoWordForInfinity) {
  JsonWriter json;
  json.BeginObject();
  json.Field("n", std::numeric_limits<double>::infinity());
  json.EndObject();
  EXPECT_EQ(json.Take(), "{\n  \"n\": null\n}\n");
}

TEST(JsonQuotedTest, EscapesWhatHasToBe) { EXPECT_EQ(JsonQuoted("a\"b\\c\n\x01"), "\"a\\\"b\\\\c\\u000a\\u0001\""); }

TEST(JsonQuotedTest, KeepsUtf8AndReplacesTheRest) {
  EXPECT_EQ(JsonQuoted("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"), "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"");
  EXPECT_EQ(JsonQuoted("\xff"), "\"\\ufffd\"");
  EXPECT_EQ(JsonQuoted("\xc3"), "\"\\ufffd\"");                        // cut short
  EXPECT_EQ(JsonQuoted("\xc0\x80"), "\"\\ufffd\\ufffd\"");             // longer than it need be
  EXPECT_EQ(JsonQuoted("\xed\xa0\x80"), "\"\\ufffd\\ufffd\\ufffd\"");  // half of a pair
}

TEST(JsonWriterDeathTest, RefusesAnOpenObject) {
  JsonWriter json;
  json.BeginObject();
  EXPECT_DEATH(json.Take(), "still open");
}

}  // namespace
}  // namespace mxa::tool
