#include "engine/json/python_scanner.h"

#include <absl/strings/match.h>

namespace dspex {

namespace {

bool IsNewline(char c) { return c == '\n' || c == '\r'; }

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\f'; }

}  // namespace

bool PythonScanner::SkipToStart() {
  while (position_ < text_.size() && (text_[position_] == ' ' || text_[position_] == '\t')) ++position_;
  while (true) {
    std::size_t end = position_;
    while (end < text_.size() && IsBlank(text_[end])) ++end;
    if (end < text_.size() && text_[end] == '#') {
      while (end < text_.size() && !IsNewline(text_[end])) ++end;
    }
    if (end == text_.size() || !IsNewline(text_[end])) return end == position_;
    position_ = end + 1;
  }
}

bool PythonScanner::SkipToEnd() {
  while (position_ < text_.size()) {
    const char c = text_[position_];
    if (c == '#') {
      while (position_ < text_.size() && !IsNewline(text_[position_])) ++position_;
    } else if (IsBlank(c) || IsNewline(c)) {
      ++position_;
    } else {
      return false;
    }
  }
  return true;
}

// Within brackets lines may end anywhere.
void PythonScanner::SkipSpace(int depth) {
  while (position_ < text_.size()) {
    const char c = text_[position_];
    if (IsBlank(c) || (depth > 0 && IsNewline(c))) {
      ++position_;
    } else if (depth > 0 && c == '#') {
      while (position_ < text_.size() && !IsNewline(text_[position_])) ++position_;
    } else if (c == '\\' && position_ + 1 < text_.size() && IsNewline(text_[position_ + 1])) {
      position_ += absl::StartsWith(text_.substr(position_ + 1), "\r\n") ? 3 : 2;
    } else {
      return;
    }
  }
}

bool PythonScanner::Take(char c, int depth) {
  SkipSpace(depth);
  if (position_ == text_.size() || text_[position_] != c) return false;
  ++position_;
  return true;
}

bool PythonScanner::AtLineEnd() const {
  return position_ == text_.size() || IsNewline(text_[position_]) || text_[position_] == '#';
}

}  // namespace dspex
