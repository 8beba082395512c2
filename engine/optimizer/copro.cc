#include "engine/optimizer/copro.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "engine/adapter/field_wording.h"
#include "engine/json/utf8.h"
#include "engine/optimizer/instruction_proposals.h"
#include "engine/signature/docstring.h"
#include "engine/state/program_predictors.h"

namespace dspex {

namespace {

// A signature takes no longer prefix.
constexpr std::size_t kMaxPrefixBytes = 1024;
// What Shorten puts behind what it cut.
constexpr std::size_t kEllipsisBytes = 3;

struct Attempt {
  ScoredProposal scored;
  int candidate = 0;
};

// The search for one module's instructions.
struct ModuleSearch {
  std::size_t module = 0;
  Signature signature;
  // All proposals, and those of the last round.
  std::vector<Proposal> all = {};
  std::vector<Proposal> latest = {};
  // One for each different proposal, in the order in which they came first, with the best score it ever had.
  std::vector<Attempt> attempts = {};

  const Attempt& Best() const {
    return *std::max_element(attempts.begin(), attempts.end(),
                             [](const Attempt& a, const Attempt& b) { return a.scored.score < b.scored.score; });
  }
};

class CoproRun {
 public:
  CoproRun(const CoproSettings& settings, Optimization& run) : settings_(settings), run_(run), now_(run.student()) {}

  absl::Status Prepare() {
    absl::StatusOr<std::vector<ProgramPredictor>> predictors = PredictorsOf(*run_.ports().student);
    if (!predictors.ok()) return predictors.status();
    for (const std::size_t module : run_.learnable()) {
      searches_.push_back({.module = module, .signature = std::move((*predictors)[module].signature)});
    }
    return absl::OkStatus();
  }

  StatusTask Search(RequestContext context) {
    absl::Status status = co_await ProposeFirst(context);
    for (int depth = 0; status.ok() && depth < settings_.depth; ++depth) {
      if (depth > 0) status = co_await ProposeNext(context, depth);
      for (std::size_t i = 0; status.ok() && i < searches_.size(); ++i) {
        status = co_await TryAll(context, searches_[i], depth);
      }
    }
    co_return status;
  }

  // The first with the highest score, module by module.
  std::size_t Best() const {
    const Attempt* best = nullptr;
    for (const ModuleSearch& search : searches_) {
      if (search.attempts.empty()) continue;
      const Attempt& its = search.Best();
      if (best == nullptr || its.scored.score > best->scored.score) best = &its;
    }
    return best == nullptr ? 0 : static_cast<std::size_t>(best->candidate);
  }

 private:
  const Phrasebook& book() const { return *run_.ports().phrasebook; }

  StatusTask ProposeFirst(RequestContext context) {
    run_.Phase("propose");
    const v1::Predictor proposer = FirstProposer(book(), settings_.breadth - 1, settings_.init_temperature);
    for (ModuleSearch& search : searches_) {
      const std::string instructions = InstructionsOf(book(), search.signature);
      absl::Status status = co_await Propose(context, search, 0, proposer, FirstProposerInputs(instructions));
      if (!status.ok()) co_return status;
      search.all.push_back({TrimProposal(instructions), TrimProposal(now_[search.module].prefix)});
      search.latest = search.all;
    }
    co_return absl::OkStatus();
  }

  StatusTask ProposeNext(RequestContext context, int depth) {
    run_.Phase(absl::StrCat("depth ", depth + 1, " of ", settings_.depth, ": propose"));
    const v1::Predictor proposer = NextProposer(book(), settings_.breadth, settings_.init_temperature);
    for (ModuleSearch& search : searches_) {
      absl::Status status =
          co_await Propose(context, search, depth, proposer, NextProposerInputs(book(), BestAttempts(search)));
      if (!status.ok()) co_return status;
    }
    co_return absl::OkStatus();
  }

  StatusTask Propose(RequestContext context, ModuleSearch& search, int depth, const v1::Predictor& proposer,
                     Json inputs) {
    const std::string lane = absl::StrCat("propose ", depth, " ", now_[search.module].module);
    const absl::StatusOr<std::vector<Json>> completions =
        co_await run_.ports().proposer->Propose(context, lane, proposer, std::move(inputs));
    if (!completions.ok()) co_return completions.status();
    search.latest.clear();
    for (const Json& outputs : *completions) search.latest.push_back(ReadProposal(outputs));
    search.all.insert(search.all.end(), search.latest.begin(), search.latest.end());
    co_return absl::OkStatus();
  }

  // The best ones, as many as are proposed at a time, worst first.
  std::vector<ScoredProposal> BestAttempts(const ModuleSearch& search) const {
    std::vector<const Attempt*> best;
    for (const Attempt& attempt : search.attempts) best.push_back(&attempt);
    // Of equal scores the earlier counts as the better.
    std::sort(best.begin(), best.end(), [](const Attempt* a, const Attempt* b) {
      return a->scored.score != b->scored.score ? a->scored.score > b->scored.score : a < b;
    });
    best.resize(std::min(best.size(), static_cast<std::size_t>(settings_.breadth)));
    std::vector<ScoredProposal> worst_first;
    for (auto attempt = best.rbegin(); attempt != best.rend(); ++attempt) worst_first.push_back((*attempt)->scored);
    return worst_first;
  }

  // Scores a module's proposals and leaves it with the best one so far. Beside other modules, which have changed since,
  // the old proposals are scored again.
  StatusTask TryAll(RequestContext context, ModuleSearch& search, int depth) {
    const std::vector<Proposal>& proposals = searches_.size() > 1 ? search.all : search.latest;
    for (std::size_t i = 0; i < proposals.size(); ++i) {
      const std::string which = absl::StrCat("depth ", depth + 1, " of ", settings_.depth, ": instructions ", i + 1,
                                             " of ", proposals.size(), " for ", now_[search.module].module);
      run_.Phase(which);
      Set(search, proposals[i]);
      const int candidate = run_.Add(which, now_);
      const absl::StatusOr<double> score = co_await run_.Score(context, candidate);
      if (!score.ok()) co_return score.status();
      Note(search, {{proposals[i], *score}, candidate});
    }
    if (!search.attempts.empty()) Set(search, search.Best().scored.proposal);
    co_return absl::OkStatus();
  }

  void Set(const ModuleSearch& search, const Proposal& proposal) {
    PredictorParameters& parameters = now_[search.module];
    parameters.instructions = CleanDocstring(proposal.instructions);
    // Without any, the sentence that names all fields there are, as in DSPy.
    if (parameters.instructions.empty()) {
      parameters.instructions = InstructionsOf(book(), search.signature.WithInstructions(""));
    }
    parameters.prefix = Shorten(proposal.prefix, kMaxPrefixBytes - kEllipsisBytes);
  }

  static void Note(ModuleSearch& search, Attempt attempt) {
    for (Attempt& known : search.attempts) {
      if (known.scored.proposal != attempt.scored.proposal) continue;
      if (attempt.scored.score > known.scored.score) known = std::move(attempt);
      return;
    }
    search.attempts.push_back(std::move(attempt));
  }

  const CoproSettings& settings_;
  Optimization& run_;
  // The program as the search has it now.
  ProgramParameters now_;
  std::vector<ModuleSearch> searches_;
};

class Copro final : public Optimizer {
 public:
  explicit Copro(CoproSettings settings) : settings_(std::move(settings)) {}

  Task<OptimizerResult> Run(RequestContext context, const OptimizerPorts& ports) const override {
    absl::StatusOr<Optimization> run = Optimization::Start(ports, settings_.common);
    if (!run.ok()) co_return run.status();
    CoproRun search(settings_, *run);
    absl::Status status = search.Prepare();
    if (status.ok()) status = co_await search.Search(context);
    const bool stopped_by_budget = !status.ok() && run->EndsWith(status);
    if (!status.ok() && !stopped_by_budget) co_return status;
    OptimizerResult result = run->Finish(search.Best());
    result.stopped_by_budget = stopped_by_budget;
    co_return result;
  }

 private:
  const CoproSettings settings_;
};

}  // namespace

std::unique_ptr<Optimizer> MakeCopro(CoproSettings settings) { return std::make_unique<Copro>(std::move(settings)); }

}  // namespace dspex
