#include "engine/adapter/python_time.h"

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>
#include <absl/strings/str_join.h>

#include <cstdlib>
#include <vector>

namespace dspex {

namespace {

using Kind = Type::Kind;

// Reads the fixed forms that pydantic writes.
class FieldReader {
 public:
  explicit FieldReader(absl::string_view text) : text_(text) {}

  bool Take(char c) {
    if (text_.empty() || text_.front() != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  bool Number(int& number) {
    std::size_t digits = 0;
    number = 0;
    while (digits < text_.size() && digits < 9 && absl::ascii_isdigit(static_cast<unsigned char>(text_[digits]))) {
      number = number * 10 + (text_[digits++] - '0');
    }
    text_.remove_prefix(digits);
    return digits > 0;
  }
  // The digits behind a point, as microseconds; 0 without a point.
  bool Fraction(int& microseconds) {
    microseconds = 0;
    if (!Take('.')) return true;
    int digits = 0;
    for (; !text_.empty() && absl::ascii_isdigit(static_cast<unsigned char>(text_.front())); ++digits) {
      if (digits < 6) microseconds = microseconds * 10 + (text_.front() - '0');
      text_.remove_prefix(1);
    }
    for (int i = digits; i < 6; ++i) microseconds *= 10;
    return digits > 0;
  }
  bool AtEnd() const { return text_.empty(); }

 private:
  absl::string_view text_;
};

struct Moment {
  std::vector<int> date;
  std::vector<int> time;
  std::optional<int> zone_seconds;
};

bool ReadDate(FieldReader& reader, Moment& moment) {
  moment.date.resize(3);
  return reader.Number(moment.date[0]) && reader.Take('-') && reader.Number(moment.date[1]) && reader.Take('-') &&
         reader.Number(moment.date[2]);
}

bool ReadTime(FieldReader& reader, Moment& moment) {
  moment.time.resize(4);
  return reader.Number(moment.time[0]) && reader.Take(':') && reader.Number(moment.time[1]) && reader.Take(':') &&
         reader.Number(moment.time[2]) && reader.Fraction(moment.time[3]);
}

bool ReadZone(FieldReader& reader, Moment& moment) {
  if (reader.AtEnd()) return true;
  if (reader.Take('Z')) {
    moment.zone_seconds = 0;
    return reader.AtEnd();
  }
  const bool east = reader.Take('+');
  if (!east && !reader.Take('-')) return false;
  int hours = 0;
  int minutes = 0;
  if (!reader.Number(hours) || !reader.Take(':') || !reader.Number(minutes)) return false;
  moment.zone_seconds = (east ? 1 : -1) * (hours * 3600 + minutes * 60);
  return reader.AtEnd();
}

std::optional<Moment> ReadMoment(Kind kind, absl::string_view text) {
  FieldReader reader(text);
  Moment moment;
  if (kind != Kind::kTime && !ReadDate(reader, moment)) return std::nullopt;
  if (kind == Kind::kDate) return reader.AtEnd() ? std::optional(moment) : std::nullopt;
  if (kind == Kind::kDatetime && !reader.Take('T')) return std::nullopt;
  if (!ReadTime(reader, moment) || !ReadZone(reader, moment)) return std::nullopt;
  return moment;
}

// A timedelta as Python keeps it: days of any sign, the rest not negative.
struct Delta {
  long long days = 0;
  long long seconds = 0;
  int microseconds = 0;
};

std::optional<Delta> ReadDelta(absl::string_view text) {
  FieldReader reader(text);
  const bool negative = reader.Take('-');
  if (!reader.Take('P')) return std::nullopt;
  long long seconds = 0;
  int microseconds = 0;
  bool time = false;
  while (!reader.AtEnd()) {
    if (reader.Take('T')) {
      time = true;
      continue;
    }
    int number = 0;
    if (!reader.Number(number) || !reader.Fraction(microseconds)) return std::nullopt;
    if (!time && reader.Take('Y')) {
      seconds += number * 365LL * 86400;
    } else if (!time && reader.Take('D')) {
      seconds += number * 86400LL;
    } else if (time && reader.Take('H')) {
      seconds += number * 3600LL;
    } else if (time && reader.Take('M')) {
      seconds += number * 60LL;
    } else if (time && reader.Take('S')) {
      seconds += number;
    } else {
      return std::nullopt;
    }
  }
  if (negative) {
    seconds = -seconds;
    if (microseconds > 0) {
      microseconds = 1'000'000 - microseconds;
      --seconds;
    }
  }
  Delta delta{seconds / 86400, seconds % 86400, microseconds};
  if (delta.seconds < 0) {
    delta.seconds += 86400;
    --delta.days;
  }
  return delta;
}

std::string DeltaStr(const Delta& delta) {
  std::string out;
  if (delta.days != 0) absl::StrAppend(&out, delta.days, std::llabs(delta.days) == 1 ? " day, " : " days, ");
  absl::StrAppend(&out, delta.seconds / 3600, ":", absl::Dec(delta.seconds / 60 % 60, absl::kZeroPad2), ":",
                  absl::Dec(delta.seconds % 60, absl::kZeroPad2));
  if (delta.microseconds != 0) absl::StrAppend(&out, ".", absl::Dec(delta.microseconds, absl::kZeroPad6));
  return out;
}

std::string DeltaRepr(const Delta& delta) {
  std::vector<std::string> parts;
  if (delta.days != 0) parts.push_back(absl::StrCat("days=", delta.days));
  if (delta.seconds != 0) parts.push_back(absl::StrCat("seconds=", delta.seconds));
  if (delta.microseconds != 0) parts.push_back(absl::StrCat("microseconds=", delta.microseconds));
  return absl::StrCat("datetime.timedelta(", parts.empty() ? "0" : absl::StrJoin(parts, ", "), ")");
}

}  // namespace

std::optional<std::string> PythonTimeStr(Kind kind, absl::string_view text) {
  switch (kind) {
    case Kind::kDate:
    case Kind::kTime:
    case Kind::kDatetime: {
      if (!ReadMoment(kind, text).has_value()) return std::nullopt;
      std::string out(text);
      if (kind == Kind::kDatetime) out[out.find('T')] = ' ';
      if (out.back() == 'Z') out.replace(out.size() - 1, 1, "+00:00");
      return out;
    }
    case Kind::kTimedelta: {
      const std::optional<Delta> delta = ReadDelta(text);
      return delta.has_value() ? std::optional(DeltaStr(*delta)) : std::nullopt;
    }
    default:
      return std::nullopt;
  }
}

std::optional<std::string> PythonTimeRepr(Kind kind, absl::string_view text) {
  if (kind == Kind::kTimedelta) {
    const std::optional<Delta> delta = ReadDelta(text);
    return delta.has_value() ? std::optional(DeltaRepr(*delta)) : std::nullopt;
  }
  if (kind != Kind::kDate && kind != Kind::kTime && kind != Kind::kDatetime) return std::nullopt;
  std::optional<Moment> moment = ReadMoment(kind, text);
  if (!moment.has_value()) return std::nullopt;
  std::vector<int>& parts = moment->date;
  const std::size_t fixed = parts.size() + 2;
  parts.insert(parts.end(), moment->time.begin(), moment->time.end());
  // Seconds and microseconds are left out at the end if they are 0.
  while (parts.size() > fixed && parts.back() == 0) parts.pop_back();
  const char* name = kind == Kind::kDate ? "date" : kind == Kind::kTime ? "time" : "datetime";
  return absl::StrCat(
      "datetime.", name, "(", absl::StrJoin(parts, ", "),
      moment->zone_seconds.has_value() ? absl::StrCat(", tzinfo=TzInfo(", *moment->zone_seconds, ")") : "", ")");
}

}  // namespace dspex
