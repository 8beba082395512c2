#include "server/cli/compare_requests.h"

#include <absl/strings/str_cat.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "dspex/v1/prediction_service.pb.h"
#include "engine/json/utf8.h"

namespace dspex::cli {

namespace {

constexpr JsonLimits kRequestLimits = {.max_bytes = std::size_t{256} << 20, .max_values = 20'000'000};
constexpr std::size_t kContext = 40;
constexpr std::size_t kMaxShown = 200;

std::string Shown(const Json& value) {
  return Shorten(value.dump(-1, ' ', false, Json::error_handler_t::replace), kMaxShown);
}

std::string Parted(absl::string_view path, absl::string_view dspy, absl::string_view dspex) {
  return absl::StrCat(path, "\n  DSPy:  ", dspy, "\n  dspex: ", dspex);
}

// The text around `place`, whole characters.
std::string Around(const std::string& text, std::size_t place) {
  std::size_t begin = place > kContext ? place - kContext : 0;
  while (begin > 0 && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80) --begin;
  std::size_t end = std::min(text.size(), place + kContext);
  while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) ++end;
  return absl::StrCat(begin > 0 ? "..." : "", Shown(Json(text.substr(begin, end - begin))),
                      end < text.size() ? "..." : "");
}

std::optional<std::string> TextDifference(const std::string& path, const std::string& dspy, const std::string& dspex) {
  if (dspy == dspex) return std::nullopt;
  const auto place = std::mismatch(dspy.begin(), dspy.end(), dspex.begin(), dspex.end());
  const auto at = static_cast<std::size_t>(place.first - dspy.begin());
  return Parted(absl::StrCat(path, ", byte ", at, ":"), Around(dspy, at), Around(dspex, at));
}

std::optional<std::string> Difference(const std::string& path, const Json& dspy, const Json& dspex);

std::optional<std::string> ObjectDifference(const std::string& path, const Json& dspy, const Json& dspex) {
  auto mine = dspy.begin();
  auto yours = dspex.begin();
  for (; mine != dspy.end() && yours != dspex.end(); ++mine, ++yours) {
    if (mine.key() != yours.key()) {
      return Parted(absl::StrCat(path, ":"), absl::StrCat("the key ", mine.key()),
                    absl::StrCat("the key ", yours.key()));
    }
    if (auto found = Difference(absl::StrCat(path, ".", mine.key()), mine.value(), yours.value())) return found;
  }
  if (mine != dspy.end()) return Parted(absl::StrCat(path, ":"), absl::StrCat("the key ", mine.key()), "no more keys");
  if (yours != dspex.end())
    return Parted(absl::StrCat(path, ":"), "no more keys", absl::StrCat("the key ", yours.key()));
  return std::nullopt;
}

std::optional<std::string> ListDifference(const std::string& path, const Json& dspy, const Json& dspex) {
  for (std::size_t i = 0; i < std::min(dspy.size(), dspex.size()); ++i) {
    if (auto found = Difference(absl::StrCat(path, "[", i, "]"), dspy[i], dspex[i])) return found;
  }
  if (dspy.size() == dspex.size()) return std::nullopt;
  return Parted(absl::StrCat(path, ":"), absl::StrCat(dspy.size(), " items"), absl::StrCat(dspex.size(), " items"));
}

// The depth of the recursion is that of JSON that ParseJson let in.
std::optional<std::string> Difference(const std::string& path, const Json& dspy, const Json& dspex) {
  if (dspy.is_object() && dspex.is_object()) return ObjectDifference(path, dspy, dspex);
  if (dspy.is_array() && dspex.is_array()) return ListDifference(path, dspy, dspex);
  if (dspy.is_string() && dspex.is_string()) {
    return TextDifference(path, dspy.get_ref<const std::string&>(), dspex.get_ref<const std::string&>());
  }
  // 1 and 1.0 are one number to a provider.
  if (dspy == dspex && dspy.is_number() == dspex.is_number()) return std::nullopt;
  return Parted(absl::StrCat(path, ":"), Shown(dspy), Shown(dspex));
}

// What is compared of a request's arguments, sorted by name.
Json Arguments(const Json& request) {
  std::map<std::string, Json> kept;
  for (const auto& [name, value] : request.items()) {
    if (name == "model" || name == "messages" || name == "n" || name == "rollout_id") continue;
    kept.emplace(name == "max_completion_tokens" ? "max_tokens" : name, value);
  }
  Json arguments = Json::object();
  for (auto& [name, value] : kept) arguments[name] = std::move(value);
  return arguments;
}

}  // namespace

std::optional<std::string> FirstDifference(const Json& dspy, const Json& body) {
  if (!dspy.contains("messages") || !body.contains("messages")) return "one of the two has no messages";
  if (auto found = Difference("messages", dspy["messages"], body["messages"])) return found;
  const Json none = Json::object();
  return Difference("arguments", Arguments(dspy.contains("arguments") ? dspy["arguments"] : none), Arguments(body));
}

absl::StatusOr<std::optional<std::string>> FirstDifference(const Json& dspy, const v1::RenderResponse& rendered) {
  const Json none = Json::array();
  const Json& expected = dspy.contains("requests") ? dspy["requests"] : none;
  if (expected.size() != static_cast<std::size_t>(rendered.requests_size())) {
    return Parted("requests:", absl::StrCat(expected.size()), absl::StrCat(rendered.requests_size()));
  }
  for (const v1::RenderedRequest& request : rendered.requests()) {
    const auto same = std::find_if(expected.begin(), expected.end(),
                                   [&request](const Json& one) { return one.value("step", "") == request.step(); });
    if (same == expected.end()) return Parted("requests:", "none", absl::StrCat("one of the step ", request.step()));
    const absl::StatusOr<Json> body = ParseJson(request.body(), kRequestLimits);
    if (!body.ok()) return body.status();
    std::optional<std::string> difference = FirstDifference(*same, *body);
    if (difference.has_value() && !request.step().empty()) difference->insert(0, absl::StrCat(request.step(), ": "));
    if (difference.has_value()) return difference;
  }
  return std::optional<std::string>();
}

void AddCompletions(const Json& dspy, v1::RenderRequest& request) {
  const auto completions = dspy.find("completions");
  if (completions == dspy.end()) return;
  for (const auto& [step, text] : completions->items()) {
    (*request.mutable_completions())[step] = text.get<std::string>();
  }
}

}  // namespace dspex::cli
