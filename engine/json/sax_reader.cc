#include "engine/json/sax_reader.h"

#include <absl/strings/str_cat.h>

#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "engine/json/object_builder.h"

namespace dspex {

namespace {

absl::Status JsonError(std::size_t position, absl::string_view problem, absl::string_view advice) {
  return Error(absl::StatusCode::kInvalidArgument, reason::kInvalidJson,
               absl::StrCat("The JSON text cannot be read at byte ", position, ": ", problem, ". ", advice))
      .With("position", static_cast<long long>(position));
}

// An iterator over the text that leaves in `*read` how far the lexer has come: the SAX interface tells positions for
// syntax errors only.
class TrackedIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  TrackedIterator(const char* at, const char** read) : at_(at), read_(read) {}
  reference operator*() const { return *at_; }
  TrackedIterator& operator++() {
    *read_ = ++at_;
    return *this;
  }
  TrackedIterator operator++(int) {
    TrackedIterator before = *this;
    ++*this;
    return before;
  }
  bool operator==(const TrackedIterator& other) const { return at_ == other.at_; }
  bool operator!=(const TrackedIterator& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  const char** read_;
};

// Of the library's message only what it says about the grammar: the rest repeats the text, which may be private.
std::string Problem(const nlohmann::detail::exception& exception) {
  if (exception.id == 406) return "a number is too large";
  absl::string_view message = exception.what();
  const std::size_t begin = message.rfind(" - ");
  const std::size_t end = message.find("; last read");
  if (message.find("syntax error") == absl::string_view::npos || begin == absl::string_view::npos) {
    return "it is malformed";
  }
  if (end != absl::string_view::npos && end > begin) {
    message = message.substr(0, end);
  }
  return std::string(message.substr(message.find(" - ") + 3));
}

// Builds the value bottom up: finished values wait on one stack until their container ends, which then takes exactly
// the room it needs.
class ValueBuilder : public nlohmann::json_sax<Json> {
 public:
  ValueBuilder(const JsonLimits& limits, const char* begin, const char* const* read)
      : limits_(limits), begin_(begin), read_(read) {}

  bool null() override { return Add(nullptr); }
  bool boolean(bool value) override { return Add(value); }
  bool number_integer(Json::number_integer_t value) override { return Add(value); }
  bool number_unsigned(Json::number_unsigned_t value) override { return Add(value); }
  bool number_float(Json::number_float_t value, const std::string&) override { return Add(value); }
  bool string(std::string& value) override { return Add(std::move(value)); }
  bool binary(Json::binary_t&) override { return false; }

  bool start_object(std::size_t) override { return Open(); }
  bool key(std::string& name) override {
    keys_.push_back(std::move(name));
    return true;
  }
  bool end_object() override {
    const Container container = containers_.back();
    containers_.pop_back();
    const std::size_t size = keys_.size() - container.first_key;
    ObjectBuilder object(size);
    for (std::size_t i = 0; i < size; ++i) {
      object.Add(std::move(keys_[container.first_key + i]), std::move(values_[container.first_value + i]));
    }
    values_.resize(container.first_value);
    keys_.resize(container.first_key);
    values_.push_back(object.Take());
    return true;
  }

  bool start_array(std::size_t) override { return Open(); }
  bool end_array() override {
    const Container container = containers_.back();
    containers_.pop_back();
    const auto first = values_.begin() + static_cast<std::ptrdiff_t>(container.first_value);
    Json::array_t array(std::make_move_iterator(first), std::make_move_iterator(values_.end()));
    values_.resize(container.first_value);
    values_.emplace_back(std::move(array));
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception& exception) override {
    // The library counts what it has read, the end of the text included.
    return Fail(position - 1, Problem(exception), "Correct the text there.");
  }

  const absl::Status& status() const { return status_; }
  Json TakeRoot() { return std::move(values_.front()); }

 private:
  struct Container {
    std::size_t first_value;
    std::size_t first_key;
  };

  template <typename Value>
  bool Add(Value&& value) {
    if (!Count()) return false;
    values_.emplace_back(std::forward<Value>(value));
    return true;
  }

  bool Open() {
    if (!Count()) return false;
    if (static_cast<int>(containers_.size()) >= limits_.max_depth) {
      return Fail(ReadBytes(), absl::StrCat("it nests deeper than ", limits_.max_depth, " levels"), "Flatten it.");
    }
    containers_.push_back({values_.size(), keys_.size()});
    return true;
  }

  bool Count() {
    if (++count_ <= limits_.max_values) return true;
    return Fail(ReadBytes(), absl::StrCat("it has more than ", limits_.max_values, " values"), "Send less at once.");
  }

  // The offset of the byte read last.
  std::size_t ReadBytes() const { return static_cast<std::size_t>(*read_ - begin_) - 1; }

  bool Fail(std::size_t position, absl::string_view problem, absl::string_view advice) {
    status_ = JsonError(position, problem, advice);
    return false;
  }

  const JsonLimits& limits_;
  const char* begin_;
  const char* const* read_;
  std::size_t count_ = 0;
  std::vector<Json> values_;
  std::vector<std::string> keys_;
  std::vector<Container> containers_;
  absl::Status status_;
};

}  // namespace

absl::StatusOr<Json> ReadJsonBySax(absl::string_view text, const JsonLimits& limits) {
  if (text.size() > limits.max_bytes) {
    return JsonError(limits.max_bytes, absl::StrCat("it is longer than ", limits.max_bytes, " bytes"),
                     "Send less at once.");
  }
  // The library takes a NUL for the end of the text.
  const std::size_t nul = text.find('\0');
  if (nul != absl::string_view::npos) {
    return JsonError(nul, "a NUL byte is not allowed", "Remove it, or write it as \\u0000 within a string.");
  }
  const char* read = text.data();
  ValueBuilder builder(limits, text.data(), &read);
  const TrackedIterator begin(text.data(), &read);
  const TrackedIterator end(text.data() + text.size(), &read);
  if (!Json::sax_parse(begin, end, &builder)) return builder.status();
  return builder.TakeRoot();
}

}  // namespace dspex
