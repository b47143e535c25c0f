// SPDX-License-Identifier: Apache-2.0
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "reclaim/rcu.h"
#include "tools/mxa/json_writer.h"
#include "tools/torture/perturbation.h"
#include "tools/torture/report_text.h"

namespace mxa::torture {
namespace {

void Write(tool::JsonWriter& json, const char* key, const PipeCounts::Buckets& buckets) {
  json.BeginObject(key);
  for (size_t i = 0; i < buckets.size(); ++i) json.Field(absl::StrCat(i), buckets[i]);
  json.EndObject();
}

void WriteOptions(tool::JsonWriter& json, const Options& options) {
  json.BeginObject("options");
  json.Field("seed", options.seed);
  json.Field("scenario", absl::StrJoin(options.scenarios, ","));
  json.Field("shape", options.shape);
  json.Field("readers", options.readers);
  json.Field("writers", options.writers);
  json.Field("duration", options.seconds);
  json.Field("stutter", options.stutter_seconds);
  json.Field("single_threaded", options.single_threaded);
  json.Field("delays", options.perturb && Perturbation::IsPossible());
  json.Field("rcu", reclaim::FlavorName());
  json.EndObject();
}

}  // namespace

std::string JsonOf(const Report& report) {
  tool::JsonWriter json;
  json.BeginObject();
  WriteOptions(json, report.options);
  json.Field("parameters", ParametersOf(report.options));
  json.Field("seconds", report.seconds);
  json.BeginObject("figures");
  for (size_t i = 0; i < kFigures; ++i) json.Field(FigureName(static_cast<Figure>(i)), report.figures[i]);
  json.EndObject();
  json.BeginObject("errors");
  for (size_t i = 0; i < kErrors; ++i) json.Field(ErrorName(static_cast<Error>(i)), report.errors[i]);
  json.EndObject();
  json.Field("first_error", report.first_error);
  json.Field("first_operations", report.first_operations);
  json.Field("too_little", absl::StrJoin(report.shortfalls, "; "));
  json.Field("process_grace_periods", report.grace_periods);
  json.Field("longest_grace_period_ms", report.longest_latency * 1e3);
  json.Field("backlog", report.backlog);
  Write(json, "reader_pipe", report.reader_pipe);
  Write(json, "reader_batch", report.reader_batch);
  Write(json, "circulation", report.circulation);
  json.Field("planted_bug_runs", report.planted_runs);
  json.Field("digest", report.digest);
  json.Field("verdict", VerdictName(report.verdict()));
  json.Field("exit_status", ExitStatus(report.verdict()));
  json.EndObject();
  return json.Take();
}

}  // namespace mxa::torture
