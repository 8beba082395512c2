#include "engine/signature/date_time.h"

#include <absl/strings/str_format.h>

#include <chrono>
#include <cstdlib>
#include <string>

#include "engine/signature/timestamp.h"

namespace dspex {

namespace {

constexpr std::int64_t kDaySeconds = 86'400;
constexpr std::int64_t kMicros = 1'000'000;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Reads characters one after the other; false where something else stands.
class Reader {
 public:
  explicit Reader(absl::string_view text) : text_(text) {}

  bool Number(int digits, int& number) {
    number = 0;
    for (int i = 0; i < digits; ++i) {
      if (position_ == text_.size() || !IsDigit(text_[position_])) return false;
      number = number * 10 + (text_[position_++] - '0');
    }
    return true;
  }

  bool Take(absl::string_view what) {
    if (text_.substr(position_, what.size()) != what) return false;
    position_ += what.size();
    return true;
  }

  // At least one digit; those beyond the sixth are dropped.
  bool Fraction(int& microsecond) {
    int digits = 0;
    for (; position_ < text_.size() && IsDigit(text_[position_]); ++position_) {
      if (digits < 6) {
        microsecond = microsecond * 10 + (text_[position_] - '0');
        ++digits;
      }
    }
    if (digits == 0) return false;
    for (; digits < 6; ++digits) microsecond *= 10;
    return true;
  }

  bool AtEnd() const { return position_ == text_.size(); }

 private:
  absl::string_view text_;
  std::size_t position_ = 0;
};

bool TakeDate(Reader& reader, CivilDate& date) {
  int month = 0;
  int day = 0;
  if (!reader.Number(4, date.year) || !reader.Take("-") || !reader.Number(2, month) || !reader.Take("-") ||
      !reader.Number(2, day)) {
    return false;
  }
  date.month = static_cast<unsigned>(month);
  date.day = static_cast<unsigned>(day);
  return std::chrono::year_month_day(std::chrono::year(date.year), std::chrono::month(date.month),
                                     std::chrono::day(date.day))
      .ok();
}

bool TakeClock(Reader& reader, ClockTime& time) {
  if (!reader.Number(2, time.hour) || !reader.Take(":") || !reader.Number(2, time.minute)) return false;
  if (time.hour > 23 || time.minute > 59) return false;
  if (!reader.Take(":")) return true;
  if (!reader.Number(2, time.second) || time.second > 59) return false;
  return (!reader.Take(".") && !reader.Take(",")) || reader.Fraction(time.microsecond);
}

bool TakeOffset(Reader& reader, std::optional<int>& offset) {
  if (reader.AtEnd()) return true;
  if (reader.Take("Z") || reader.Take("z")) {
    offset = 0;
    return true;
  }
  const bool negative = reader.Take("-") || reader.Take("\u2212");
  int hours = 0;
  int minutes = 0;
  if ((!negative && !reader.Take("+")) || !reader.Number(2, hours)) return false;
  reader.Take(":");
  if (!reader.Number(2, minutes) || hours > 23 || minutes > 59) return false;
  const int seconds = hours * 3600 + minutes * 60;
  offset = negative ? -seconds : seconds;
  return true;
}

bool TakeTime(Reader& reader, ClockTime& time) {
  return TakeClock(reader, time) && TakeOffset(reader, time.offset) && reader.AtEnd();
}

std::int64_t DaysSinceEpoch(const CivilDate& date) {
  return std::chrono::sys_days(std::chrono::year(date.year) / static_cast<int>(date.month) / static_cast<int>(date.day))
      .time_since_epoch()
      .count();
}

std::optional<CivilTime> PythonRange(CivilTime time) {
  if (time.date.year == 0) return std::nullopt;
  return time;
}

std::int64_t MicrosOfDay(const ClockTime& time) {
  return (time.hour * 3600 + time.minute * 60 + time.second - time.offset.value_or(0)) * kMicros + time.microsecond;
}

}  // namespace

std::optional<CivilDate> ReadDate(absl::string_view text) {
  CivilDate date;
  Reader reader(text);
  if (TakeDate(reader, date) && reader.AtEnd()) {
    if (date.year == 0) return std::nullopt;
    return date;
  }
  return AtMidnight(ReadDatetime(text));
}

std::optional<ClockTime> ReadTime(absl::string_view text) {
  ClockTime time;
  Reader reader(text);
  if (!TakeTime(reader, time)) return std::nullopt;
  return time;
}

std::optional<ClockTime> ReadClock(absl::string_view text) {
  ClockTime time;
  Reader reader(text);
  if (!TakeClock(reader, time) || !reader.AtEnd()) return std::nullopt;
  return time;
}

std::optional<CivilTime> ReadDatetime(absl::string_view text) {
  CivilTime time;
  Reader reader(text);
  if (TakeDate(reader, time.date)) {
    // A date alone is its midnight, of no time zone.
    if (reader.AtEnd()) return PythonRange(time);
    const bool separated = reader.Take("T") || reader.Take("t") || reader.Take(" ") || reader.Take("_");
    if (separated && TakeTime(reader, time.time)) return PythonRange(time);
  }
  return ReadTimestamp(text);
}

std::string DateText(const CivilDate& date) {
  return absl::StrFormat("%04d-%02d-%02d", date.year, date.month, date.day);
}

std::string TimeText(const ClockTime& time) {
  std::string text = absl::StrFormat("%02d:%02d:%02d", time.hour, time.minute, time.second);
  if (time.microsecond != 0) absl::StrAppendFormat(&text, ".%06d", time.microsecond);
  if (time.offset == 0) {
    text.push_back('Z');
  } else if (time.offset.has_value()) {
    const int minutes = std::abs(*time.offset) / 60;
    absl::StrAppendFormat(&text, "%c%02d:%02d", *time.offset < 0 ? '-' : '+', minutes / 60, minutes % 60);
  }
  return text;
}

std::string DatetimeText(const CivilTime& time) {
  return absl::StrFormat("%sT%s", DateText(time.date), TimeText(time.time));
}

std::string TimeEqualityKey(absl::string_view text) {
  const std::optional<ClockTime> time = ReadTime(text);
  if (!time.has_value()) return std::string(text);
  return absl::StrFormat("%d%s", MicrosOfDay(*time), time->offset.has_value() ? "Z" : "");
}

std::string DatetimeEqualityKey(absl::string_view text) {
  const std::optional<CivilTime> time = ReadDatetime(text);
  if (!time.has_value()) return std::string(text);
  const std::int64_t micros = DaysSinceEpoch(time->date) * kDaySeconds * kMicros + MicrosOfDay(time->time);
  return absl::StrFormat("%d%s", micros, time->time.offset.has_value() ? "Z" : "");
}

}  // namespace dspex
