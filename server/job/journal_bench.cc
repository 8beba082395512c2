// What it takes to journal a job, and to take it up again: appends with so many under way, then what a runner reads
// of a job that was killed. A lane has two answers of 400 bytes; a run has 256 lanes.
//
//     bazel run -c opt //server/job:journal_bench [answers [under way]]
#include <SQLiteCpp/SQLiteCpp.h>
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>

#include "server/job/journal.h"
#include "server/store/store_testing.h"

namespace dspex {
namespace {

constexpr int kAnswersOfALane = 2;
constexpr int kLanesOfARun = 256;

// 32 bytes without order, as a digest's are.
std::string Digest(std::size_t answer) {
  std::string digest;
  for (std::size_t i = 0; i < 4; ++i) {
    const std::size_t part = std::hash<std::string>()(absl::StrCat(answer, ".", i));
    digest.append(reinterpret_cast<const char*>(&part), sizeof part);
  }
  return digest;
}

std::string RunName(int lane) { return absl::StrCat("candidate ", lane / kLanesOfARun); }
std::string LaneName(int lane) { return absl::StrCat(RunName(lane), "/", lane % kLanesOfARun); }

asio::awaitable<int> AppendLanes(Journal& journal, int first, int lanes, int step) {
  lm::Response response;
  response.completions.push_back({.text = std::string(400, 'x')});
  response.model = "model-2026";
  for (int lane = first; lane < lanes; lane += step) {
    for (int i = 0; i < kAnswersOfALane; ++i) {
      const auto answer = static_cast<std::size_t>(lane * kAnswersOfALane + i);
      const absl::Status appended = co_await journal.AppendAnswer("j1", LaneName(lane), Digest(answer), 0, response);
      if (!appended.ok()) co_return 1;
    }
    v1::ExampleResult result;
    result.set_score(0.5);
    result.set_outputs_json(std::string(100, 'y'));
    const absl::Status scored = co_await journal.AppendResult("j1", RunName(lane), lane % kLanesOfARun, result);
    if (!scored.ok()) co_return 1;
  }
  co_return 0;
}

asio::awaitable<int> ReadRuns(Journal& journal, int lanes) {
  int found = 0;
  for (int lane = 0; lane < lanes; lane += kLanesOfARun) {
    const auto scores = co_await journal.ReadScores("j1", RunName(lane));
    if (scores.ok()) found += static_cast<int>(scores->size());
  }
  co_return found;
}

asio::awaitable<int> ReadLanes(Journal& journal, int first, int lanes, int step) {
  int found = 0;
  for (int lane = first; lane < lanes; lane += step) {
    const auto answers = co_await journal.ReadLane("j1", LaneName(lane));
    if (answers.ok()) found += static_cast<int>(answers->size());
  }
  co_return found;
}

asio::awaitable<int> CountAll(Journal& journal) {
  const auto count = co_await journal.Count("j1");
  co_return count.ok() ? static_cast<int>(*count) : -1;
}

asio::awaitable<int> DeleteAll(Journal& journal) {
  const absl::Status deleted = co_await journal.DeleteAnswers("j1");
  co_return deleted.ok() ? 0 : 1;
}

void Report(const char* what, int count, const std::function<int()>& work) {
  const auto start = std::chrono::steady_clock::now();
  const int result = work();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  std::printf("%-42s %8.3f s %12.0f /s   (%d)\n", what, took.count(), count / took.count(), result);
}

void Run(int answers, int under_way) {
  const TemporaryFolder folder;
  const int lanes = answers / kAnswersOfALane;
  TestPool io(1);
  BlockingPool pool({});
  const auto in_parallel = [&](const std::function<asio::awaitable<int>(int)>& work) {
    std::vector<std::future<int>> futures;
    for (int i = 0; i < under_way; ++i) futures.push_back(io.Start(work(i)));
    int sum = 0;
    for (auto& future : futures) sum += future.get();
    return sum;
  };
  auto journal = Journal::Open(folder.path(), pool).value();
  Report("append answers (and half as many results)", answers,
         [&] { return in_parallel([&](int i) { return AppendLanes(*journal, i, lanes, under_way); }); });
  journal.reset();
  std::printf("%-42s %8.1f MB\n", "file",
              static_cast<double>(std::filesystem::file_size(folder.path() + "/journal.db")) / 1e6);
  Report("open", 1, [&] {
    journal = Journal::Open(folder.path(), pool).value();
    return 0;
  });
  Report("count", answers, [&] { return io.Await(CountAll(*journal)); });
  Report("resume by scores: every run", answers, [&] { return io.Await(ReadRuns(*journal, lanes)); });
  Report("resume by answers: every lane", answers,
         [&] { return in_parallel([&](int i) { return ReadLanes(*journal, i, lanes, under_way); }); });
  Report("delete answers", answers, [&] { return io.Await(DeleteAll(*journal)); });
}

}  // namespace
}  // namespace dspex

int main(int argc, char** argv) {
  const int answers = argc > 1 ? std::atoi(argv[1]) : 1'000'000;
  const int under_way = argc > 2 ? std::atoi(argv[2]) : 16;
  dspex::Run(answers, std::max(1, under_way));
  return 0;
}
