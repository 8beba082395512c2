#include "server/cli/junit.h"

#include <absl/strings/str_cat.h>
#include <absl/strings/str_format.h>
#include <grpcpp/client_context.h>

#include <algorithm>
#include <fstream>
#include <vector>

#include "server/cli/candidates.h"
#include "server/cli/markup.h"

namespace dspex::cli {

namespace {

std::string Case(const std::string& suite, const v1::ExampleResult& result) {
  const double seconds = static_cast<double>(result.duration().seconds()) + result.duration().nanos() / 1e9;
  std::string text =
      absl::StrFormat("  <testcase classname=\"%s\" name=\"%s\" time=\"%.3f\">", EscapeMarkup(suite),
                      EscapeMarkup(absl::StrCat("example ", result.example(),
                                                result.repeat() > 0 ? absl::StrCat(" #", result.repeat()) : "")),
                      seconds);
  if (result.has_error()) absl::StrAppend(&text, "<failure message=\"", EscapeMarkup(result.error().message()), "\"/>");
  absl::StrAppend(&text, "<system-out>", EscapeMarkup(absl::StrFormat("score %g", result.score())),
                  result.feedback().empty() ? "" : absl::StrCat("&#10;", EscapeMarkup(result.feedback())),
                  "</system-out>");
  return absl::StrCat(text, "</testcase>\n");
}

}  // namespace

absl::Status WriteJunit(const Session& session, v1::OptimizerService::Stub& stub, const v1::Job& job,
                        std::optional<double> fail_under, const std::string& path) {
  std::vector<v1::ExampleResult> results;
  const grpc::Status read = ReadResults(session, stub, job.name(), 0, results);
  if (!read.ok()) return absl::UnavailableError(read.error_message());
  const std::string& suite = job.evaluate().program();
  const double score = job.evaluate_result().score();
  const bool below = fail_under.has_value() && score < *fail_under;
  const auto failed = std::count_if(results.begin(), results.end(), [](const auto& r) { return r.has_error(); });
  std::ofstream file(path, std::ios::binary);
  file << "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"" << EscapeMarkup(suite) << "\" tests=\""
       << results.size() + 1 << "\" failures=\"" << failed + (below ? 1 : 0) << "\">\n";
  file << "  <testcase classname=\"" << EscapeMarkup(suite) << "\" name=\"score\">";
  if (below) file << absl::StrFormat("<failure message=\"the score, %.2f, is below %.2f\"/>", score, *fail_under);
  file << absl::StrFormat("<system-out>%.2f</system-out></testcase>\n", score);
  for (const v1::ExampleResult& result : results) file << Case(suite, result);
  file << "</testsuite>\n";
  file.close();
  return file ? absl::OkStatus() : absl::UnavailableError(absl::StrCat("cannot write ", path));
}

}  // namespace dspex::cli
