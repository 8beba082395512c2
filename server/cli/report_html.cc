#include "server/cli/report_html.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "dspex/v1/dataset_service.grpc.pb.h"
#include "dspex/v1/optimizer_service.grpc.pb.h"
#include "dspex/v1/prediction_service.grpc.pb.h"
#include "dspex/v1/program_service.grpc.pb.h"
#include "engine/json/json.h"
#include "server/cli/candidates.h"
#include "server/cli/job_watch.h"
#include "server/cli/line_diff.h"
#include "server/cli/markup.h"

namespace dspex::cli {

namespace {

constexpr const char* kStyle = R"css(
:root{--ink:#1b1f24;--soft:#5b6570;--line:#d9dee3;--good:#127a42;--bad:#b3261e;--mark:#2358c5;--back:#fff;--tint:#f5f7f9}
@media (prefers-color-scheme:dark){:root{--ink:#e6e9ec;--soft:#9aa4ae;--line:#363d45;--good:#5fce92;--bad:#ff8a80;--mark:#8ab0ff;--back:#15181c;--tint:#1e2328}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--back);max-width:68rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2.2rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:anywhere}
th{color:var(--soft);font-weight:600}td.n{text-align:right;font-variant-numeric:tabular-nums}
.good{color:var(--good)}.bad{color:var(--bad)}.soft{color:var(--soft)}
pre{background:var(--tint);padding:.8rem;overflow-x:auto;white-space:pre-wrap;overflow-wrap:anywhere}
pre .add{color:var(--good)}pre .del{color:var(--bad)}
svg text{fill:var(--soft);font-size:11px}svg .axis{stroke:var(--line)}svg .best{stroke:var(--mark);fill:none;stroke-width:2}svg circle{fill:var(--ink)}svg circle.chosen{fill:var(--mark)}
)css";

std::string Row(const std::vector<std::string>& cells, const char* tag = "td") {
  std::string row = "<tr>";
  for (const std::string& cell : cells) absl::StrAppend(&row, "<", tag, ">", cell, "</", tag, ">");
  return row + "</tr>\n";
}

std::string Summary(const v1::Job& job) {
  std::string rows;
  const auto add = [&rows](absl::string_view name, const std::string& value) {
    if (!value.empty())
      absl::StrAppend(&rows, Row({absl::StrCat("<span class=soft>", name, "</span>"), EscapeMarkup(value)}));
  };
  add("program", job.has_compile() ? job.compile().program() : job.evaluate().program());
  add("state", StateText(job));
  add("error", job.error().message());
  if (job.has_evaluate_result()) add("score", ScoreText(job.evaluate_result()));
  if (job.has_compile_result()) {
    const v1::CompileResult& result = job.compile_result();
    add("result", result.program().empty() ? "the program as it was" : result.program());
    if (result.has_before()) add("before", ScoreText(result.before()));
    if (result.has_after()) add("after", ScoreText(result.after()));
    if (result.has_gain()) {
      add("gain", absl::StrFormat("%+.2f to %+.2f, on the %s", result.gain().low(), result.gain().high(),
                                  result.reported_on()));
    }
    if (result.has_after() && result.reported_on() != "testset") {
      add("note", absl::StrCat("Measured on the ", result.reported_on(),
                               ", which the candidate was chosen by: what comes next will score less."));
    }
    add("label", result.promotion());
  }
  add("spent", SpendingText(job));
  return absl::StrCat("<table>", rows, "</table>");
}

/// Scores in the order in which candidates were made, and the best so far.
std::string Curve(const std::vector<v1::Candidate>& candidates) {
  std::vector<const v1::Candidate*> scored;
  for (const v1::Candidate& candidate : candidates) {
    if (candidate.has_score()) scored.push_back(&candidate);
  }
  if (scored.size() < 2) return "";
  constexpr double kWidth = 720;
  constexpr double kHeight = 220;
  constexpr double kLeft = 40;
  constexpr double kTop = 10;
  const auto x = [&](std::size_t i) {
    return kLeft + static_cast<double>(i) * (kWidth - kLeft - 10) / static_cast<double>(scored.size() - 1);
  };
  const auto y = [](double score) { return kTop + (100 - score) * (kHeight - kTop - 25) / 100; };
  std::string svg =
      absl::StrFormat("<h2>Scores</h2><svg viewBox=\"0 0 %g %g\" role=img aria-label=\"scores\">", kWidth, kHeight);
  for (int tick = 0; tick <= 100; tick += 25) {
    absl::StrAppendFormat(&svg, "<line class=axis x1=%g x2=%g y1=%g y2=%g /><text x=6 y=%g>%d</text>", kLeft, kWidth,
                          y(tick), y(tick), y(tick) + 4, tick);
  }
  std::string line;
  double best = scored[0]->score();
  for (std::size_t i = 0; i < scored.size(); ++i) {
    best = std::max(best, scored[i]->score());
    absl::StrAppendFormat(&line, "%s%g,%g", i == 0 ? "" : " ", x(i), y(best));
  }
  absl::StrAppend(&svg, "<polyline class=best points=\"", line, "\"/>");
  for (std::size_t i = 0; i < scored.size(); ++i) {
    absl::StrAppendFormat(
        &svg, "<circle%s cx=%g cy=%g r=4><title>%s</title></circle>", scored[i]->chosen() ? " class=chosen" : "", x(i),
        y(scored[i]->score()),
        EscapeMarkup(absl::StrFormat("%d %s: %.2f", scored[i]->number(), scored[i]->origin(), scored[i]->score())));
  }
  return svg + "</svg>\n";
}

std::string Candidates(const std::vector<v1::Candidate>& candidates) {
  if (candidates.empty()) return "";
  std::string rows = Row({"candidate", "origin", "score", "scored", "demos", ""}, "th");
  for (const v1::Candidate& candidate : candidates) {
    int demos = 0;
    for (const v1::ModuleParameters& module : candidate.parameters()) demos += module.demos_size();
    rows +=
        Row({absl::StrCat(candidate.number()), EscapeMarkup(candidate.origin()),
             candidate.has_score() ? absl::StrFormat("%.2f", candidate.score()) : "", absl::StrCat(candidate.scored()),
             absl::StrCat(demos), candidate.chosen() ? "<span class=good>chosen</span>" : ""});
  }
  return absl::StrCat("<h2>Candidates</h2><table>", rows, "</table>");
}

std::string Outcome(const v1::ExampleResult& result) {
  if (result.has_error()) return absl::StrCat("<span class=bad>", EscapeMarkup(result.error().message()), "</span>");
  return EscapeMarkup(result.outputs_json());
}

/// Example by example: what changed first.
std::string Changes(const std::vector<v1::ExampleResult>& before, const std::vector<v1::ExampleResult>& after) {
  std::string changed;
  std::string same;
  int better = 0;
  int worse = 0;
  for (std::size_t i = 0; i < std::min(before.size(), after.size()); ++i) {
    const double gain = after[i].score() - before[i].score();
    better += gain > 0 ? 1 : 0;
    worse += gain < 0 ? 1 : 0;
    const char* mark = gain > 0 ? "<span class=good>better</span>" : gain < 0 ? "<span class=bad>worse</span>" : "";
    const std::string row =
        Row({EscapeMarkup(after[i].example()), absl::StrFormat("%g &rarr; %g", before[i].score(), after[i].score()),
             mark, Outcome(before[i]), Outcome(after[i])});
    (gain == 0 ? same : changed) += row;
  }
  const std::string head = Row({"example", "score", "", "before", "after"}, "th");
  return absl::StrCat("<h2>Examples</h2><p>", better, " better, ", worse, " worse.</p><table>", head, changed,
                      "</table><details><summary>unchanged</summary><table>", head, same, "</table></details>");
}

std::string Results(const std::vector<v1::ExampleResult>& results) {
  std::string rows = Row({"example", "score", "outputs", "feedback"}, "th");
  for (const v1::ExampleResult& result : results) {
    rows += Row({EscapeMarkup(result.example()), absl::StrFormat("%g", result.score()), Outcome(result),
                 EscapeMarkup(result.feedback())});
  }
  return absl::StrCat("<h2>Examples</h2><table>", rows, "</table>");
}

/// The messages of a program's first requests, as text.
absl::StatusOr<std::string> Prompts(const Session& session, const v1::Program& program, const std::string& inputs) {
  v1::RenderRequest request;
  *request.mutable_inline_program() = program;
  request.set_inputs_json(inputs);
  v1::RenderResponse response;
  const auto stub = v1::PredictionService::NewStub(session.Connect());
  const grpc::Status status = stub->Render(session.NewContext().get(), request, &response);
  if (!status.ok()) return absl::UnavailableError(status.error_message());
  std::string text;
  for (const v1::RenderedRequest& rendered : response.requests()) {
    const absl::StatusOr<Json> body = ParseJson(rendered.body());
    if (!body.ok() || !body->contains("messages")) return rendered.body();
    for (const Json& message : body->at("messages")) {
      absl::StrAppend(&text, "[", rendered.module(), ": ", message.value("role", ""), "]\n");
      const Json& content = message.at("content");
      absl::StrAppend(&text, content.is_string() ? content.get<std::string>() : content.dump(1), "\n");
    }
  }
  return text;
}

absl::StatusOr<v1::Program> Program(const Session& session, const std::string& name) {
  v1::GetProgramRequest request;
  request.set_name(name);
  v1::GetProgramResponse response;
  const auto stub = v1::ProgramService::NewStub(session.Connect());
  const grpc::Status status = stub->GetProgram(session.NewContext().get(), request, &response);
  if (!status.ok()) return absl::UnavailableError(status.error_message());
  return std::move(*response.mutable_program());
}

/// The inputs of the first example that the job learned from, as JSON; empty if there is none any more.
std::string ExampleInputs(const Session& session, const v1::Job& job) {
  const auto stub = v1::DatasetService::NewStub(session.Connect());
  v1::GetDatasetRequest get;
  get.set_name(job.compile().trainset().dataset());
  v1::GetDatasetResponse dataset;
  if (!stub->GetDataset(session.NewContext().get(), get, &dataset).ok()) return "";
  v1::ListExamplesRequest list;
  list.set_name(get.name());
  list.set_split(job.compile().trainset().split());
  list.set_page_size(1);
  v1::ListExamplesResponse page;
  if (!stub->ListExamples(session.NewContext().get(), list, &page).ok() || page.examples().empty()) return "";
  const absl::StatusOr<Json> fields = ParseJson(page.examples(0).example().fields_json());
  if (!fields.ok()) return "";
  Json inputs = Json::object();
  for (const std::string& key : dataset.dataset().input_keys()) {
    if (fields->contains(key)) inputs[key] = fields->at(key);
  }
  return inputs.dump();
}

std::string PromptDifference(const Session& session, const v1::Job& job, const std::string& inputs) {
  const v1::CompileResult& result = job.compile_result();
  if (result.program().empty() || inputs.empty()) return "";
  const absl::StatusOr<v1::Program> before = Program(session, result.parent());
  const absl::StatusOr<v1::Program> after = Program(session, result.program());
  if (!before.ok() || !after.ok()) return "";
  const absl::StatusOr<std::string> old = Prompts(session, *before, inputs);
  const absl::StatusOr<std::string> now = Prompts(session, *after, inputs);
  if (!old.ok() || !now.ok()) return "";
  std::string lines;
  for (const DiffLine& line : DiffLines(*old, *now)) {
    switch (line.kind) {
      case DiffLine::Kind::kSame:
        absl::StrAppend(&lines, "  ", EscapeMarkup(line.text), "\n");
        break;
      case DiffLine::Kind::kAdded:
        absl::StrAppend(&lines, "<span class=add>+ ", EscapeMarkup(line.text), "</span>\n");
        break;
      case DiffLine::Kind::kRemoved:
        absl::StrAppend(&lines, "<span class=del>- ", EscapeMarkup(line.text), "</span>\n");
        break;
    }
  }
  return absl::StrCat("<h2>Prompt</h2><pre>", lines, "</pre>");
}

}  // namespace

absl::Status WriteHtmlReport(const Session& session, const v1::Job& job, const std::string& path) {
  const auto stub = v1::OptimizerService::NewStub(session.Connect());
  std::string body = Summary(job);
  grpc::Status status;
  if (job.has_evaluate()) {
    std::vector<v1::ExampleResult> results;
    status = ReadResults(session, *stub, job.name(), 0, results);
    body += Results(results);
  } else {
    std::vector<v1::Candidate> candidates;
    status = ReadCandidates(session, *stub, job.name(), candidates);
    body += Curve(candidates) + Candidates(candidates);
    std::vector<v1::ExampleResult> before;
    std::vector<v1::ExampleResult> after;
    if (status.ok()) status = ReadResults(session, *stub, job.name(), 0, before, v1::REPORTED_RUN_BEFORE);
    if (status.ok()) status = ReadResults(session, *stub, job.name(), 0, after, v1::REPORTED_RUN_AFTER);
    if (!after.empty()) body += Changes(before, after);
    body += PromptDifference(session, job, ExampleInputs(session, job));
  }
  if (!status.ok()) return absl::UnavailableError(status.error_message());
  std::ofstream file(path, std::ios::binary);
  file << "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\"><title>"
       << EscapeMarkup(job.name()) << "</title><style>" << kStyle << "</style><h1>" << EscapeMarkup(job.name())
       << "</h1>" << body << "</html>\n";
  file.close();
  return file ? absl::OkStatus() : absl::UnavailableError(absl::StrCat("cannot write ", path));
}

}  // namespace dspex::cli
