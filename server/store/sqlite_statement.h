#pragma once

#include <SQLiteCpp/SQLiteCpp.h>

#include <cstdint>
#include <string>

namespace dspex {

/// Bytes as a BLOB parameter. Refers to them until the statement is done.
struct Blob {
  const std::string& bytes;
};

inline void BindOne(SQLite::Statement& statement, int index, std::int64_t value) { statement.bind(index, value); }
inline void BindOne(SQLite::Statement& statement, int index, const std::string& value) { statement.bind(index, value); }
inline void BindOne(SQLite::Statement& statement, int index, Blob value) {
  statement.bindNoCopy(index, value.bytes.data(), static_cast<int>(value.bytes.size()));
}

/// A statement with its parameters, to be stepped through. Throws SQLite::Exception.
template <typename... Args>
SQLite::Statement Query(SQLite::Database& db, const char* sql, const Args&... args) {
  SQLite::Statement statement(db, sql);
  int index = 0;
  (BindOne(statement, ++index, args), ...);
  return statement;
}

/// Runs a statement that yields no rows; returns how many it changed. Throws SQLite::Exception.
template <typename... Args>
int Execute(SQLite::Database& db, const char* sql, const Args&... args) {
  return Query(db, sql, args...).exec();
}

}  // namespace dspex
