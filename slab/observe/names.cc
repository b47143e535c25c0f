// SPDX-License-Identifier: Apache-2.0
#include "slab/observe/names.h"

#include <algorithm>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"

namespace mxa::slab::observe {

std::string Utf8Name(absl::string_view name) {
  using nlohmann::json;
  // Through the library's writer, which repairs, and its reader.
  const std::string text = json(std::string(name)).dump(-1, ' ', false, json::error_handler_t::replace);
  return json::parse(text).get<std::string>();
}

std::string ColumnName(absl::string_view name) {
  if (name.empty()) return "_";
  std::string column(name);
  std::replace_if(
      column.begin(), column.end(),
      [](char c) { return absl::ascii_iscntrl(static_cast<unsigned char>(c)) || c == ' '; }, '_');
  return column;
}

std::vector<std::string> UniqueNames(const Snapshot& snapshot) {
  // What is called so by its maker keeps its name, wherever it stands.
  std::set<std::string> taken;
  for (const CacheSnapshot& cache : snapshot.caches) taken.insert(cache.name);
  std::set<std::string> used;
  std::vector<std::string> names;
  for (const CacheSnapshot& cache : snapshot.caches) {
    std::string name = cache.name;
    for (int number = 2; (name != cache.name && taken.count(name) != 0) || !used.insert(name).second; ++number) {
      name = absl::StrCat(cache.name, "#", number);
    }
    names.push_back(name);
  }
  return names;
}

}  // namespace mxa::slab::observe
