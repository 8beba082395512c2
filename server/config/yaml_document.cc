#include "server/config/yaml_document.h"

#include <absl/container/flat_hash_map.h>
#include <absl/strings/str_cat.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <optional>
#include <sstream>
#include <tuple>
#include <utility>

namespace dspex {

namespace {

constexpr std::size_t kMaxBytes = std::size_t{1} << 20;
constexpr std::size_t kMaxDepth = 32;

/// Builds nodes out of the parser's events. The library's own tree is not used: it follows aliases (a few lines can
/// stand for billions of values) and forgets where keys stand. What is refused is thrown as the library's own
/// exception, which is how its parser is left early.
class Builder : public YAML::EventHandler {
 public:
  YamlNode TakeRoot() && { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ > 0) throw YAML::ParserException(mark, "only one document is allowed; remove the others");
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override { Add(Node(YamlNode::Kind::kNull, mark)); }

  void OnAnchor(const YAML::Mark& mark, const std::string& /*name*/) override {
    throw YAML::ParserException(mark, "anchors are not supported; write the value where it is used");
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t /*anchor*/) override {
    throw YAML::ParserException(mark, "aliases are not supported; write the value where it is used");
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t /*anchor*/,
                const std::string& value) override {
    RefuseTag(mark, tag);
    if (AwaitsKey()) return TakeKey(mark, value);
    YamlNode node = Node(YamlNode::Kind::kScalar, mark);
    node.text = value;
    node.quoted = tag == kQuotedTag;
    Add(std::move(node));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t /*anchor*/,
                       YAML::EmitterStyle::value /*style*/) override {
    Open(YamlNode::Kind::kSequence, mark, tag);
  }
  void OnSequenceEnd() override { Close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t /*anchor*/,
                  YAML::EmitterStyle::value /*style*/) override {
    Open(YamlNode::Kind::kMap, mark, tag);
  }
  void OnMapEnd() override { Close(); }

 private:
  // What the library gives as the tag of scalars without one.
  static constexpr char kPlainTag[] = "?";
  static constexpr char kQuotedTag[] = "!";

  /// A map or sequence that has not ended, and the key whose value comes next.
  struct Frame {
    YamlNode node;
    std::optional<YamlEntry> pending;
    /// The line of each key.
    absl::flat_hash_map<std::string, int> keys;
  };

  static YamlNode Node(YamlNode::Kind kind, const YAML::Mark& mark) {
    YamlNode node;
    node.kind = kind;
    node.line = mark.line + 1;
    node.column = mark.column + 1;
    return node;
  }

  static void RefuseTag(const YAML::Mark& mark, const std::string& tag) {
    if (tag.empty() || tag == kPlainTag || tag == kQuotedTag) return;
    throw YAML::ParserException(mark, "tags are not supported; remove it");
  }

  bool AwaitsKey() const {
    return !open_.empty() && open_.back().node.kind == YamlNode::Kind::kMap && !open_.back().pending.has_value();
  }

  void TakeKey(const YAML::Mark& mark, const std::string& key) {
    Frame& frame = open_.back();
    if (const auto [seen, is_new] = frame.keys.emplace(key, mark.line + 1); !is_new) {
      throw YAML::ParserException(
          mark, absl::StrCat("key '", key, "' was already given on line ", seen->second, "; remove one of them"));
    }
    frame.pending = YamlEntry{key, mark.line + 1, mark.column + 1, YamlNode()};
  }

  void Open(YamlNode::Kind kind, const YAML::Mark& mark, const std::string& tag) {
    RefuseTag(mark, tag);
    if (AwaitsKey()) throw YAML::ParserException(mark, "a key must be a single word");
    if (open_.size() >= kMaxDepth) throw YAML::ParserException(mark, "nested too deeply");
    open_.push_back(Frame{Node(kind, mark), std::nullopt, {}});
  }

  void Close() {
    YamlNode node = std::move(open_.back().node);
    open_.pop_back();
    Add(std::move(node));
  }

  void Add(YamlNode node) {
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& frame = open_.back();
    if (frame.node.kind == YamlNode::Kind::kSequence) {
      frame.node.items.push_back(std::move(node));
      return;
    }
    if (!frame.pending.has_value()) {
      YAML::Mark mark;
      mark.line = node.line - 1;
      mark.column = node.column - 1;
      throw YAML::ParserException(mark, "a key must be a single word");
    }
    // The parser notices that a value is missing somewhere behind the key.
    if (node.kind == YamlNode::Kind::kNull)
      std::tie(node.line, node.column) = std::tie(frame.pending->line, frame.pending->column);
    frame.pending->value = std::move(node);
    frame.node.entries.push_back(*std::move(frame.pending));
    frame.pending.reset();
  }

  int documents_ = 0;
  YamlNode root_;
  std::vector<Frame> open_;
};

}  // namespace

absl::Status YamlError(absl::string_view file, int line, int column, absl::string_view message) {
  return absl::InvalidArgumentError(absl::StrCat(file, ":", line, ":", column, ": ", message));
}

absl::StatusOr<YamlNode> ParseYaml(absl::string_view text, absl::string_view file) {
  if (text.size() > kMaxBytes) return absl::InvalidArgumentError(absl::StrCat(file, ": larger than 1 MiB"));
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    Builder builder;
    while (parser.HandleNextDocument(builder)) {
    }
    return std::move(builder).TakeRoot();
  } catch (const YAML::Exception& error) {
    return YamlError(file, error.mark.line + 1, error.mark.column + 1, error.msg);
  }
}

}  // namespace dspex
