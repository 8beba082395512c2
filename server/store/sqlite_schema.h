#pragma once

#include <iterator>

namespace dspex {

/// "dspx": marks the file as ours.
inline constexpr int kApplicationId = 0x64737078;

/// The steps that lead from an empty database to the newest schema. Step i leads from version i (PRAGMA user_version)
/// to i + 1. A step that was released is never changed: what is wrong with it, a later one puts right.
inline constexpr const char* kMigrations[] = {
    // Times are nanoseconds since 1970. Definitions are v1::Program in protobuf's binary form, without the fields that
    // the server sets: unlike its JSON it keeps the fields that an older server does not know.
    R"sql(
CREATE TABLE programs (
  uid         INTEGER PRIMARY KEY,
  tenant      TEXT NOT NULL,
  id          TEXT NOT NULL,
  revision    INTEGER NOT NULL,  -- the newest
  etag        TEXT NOT NULL,     -- random, anew with each change of program or labels
  create_time INTEGER NOT NULL,
  UNIQUE (tenant, id)
) STRICT;

CREATE TABLE revisions (
  program     INTEGER NOT NULL REFERENCES programs (uid) ON DELETE CASCADE,
  revision    INTEGER NOT NULL,
  create_time INTEGER NOT NULL,
  definition  BLOB NOT NULL,
  PRIMARY KEY (program, revision)
) STRICT;

CREATE TABLE labels (
  program     INTEGER NOT NULL,
  label       TEXT NOT NULL,
  revision    INTEGER NOT NULL,
  PRIMARY KEY (program, label),
  FOREIGN KEY (program, revision) REFERENCES revisions (program, revision) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX labels_by_revision ON labels (program, revision);

-- Names of deleted programs: a new program of the name goes on counting, so "programs/qa@3" never means two things.
CREATE TABLE retired_names (
  tenant      TEXT NOT NULL,
  id          TEXT NOT NULL,
  revision    INTEGER NOT NULL,  -- the last one given
  PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;

-- Answers to requests that carried a request_id.
CREATE TABLE requests (
  tenant      TEXT NOT NULL,
  request_id  TEXT NOT NULL,
  method      TEXT NOT NULL,
  hash        BLOB NOT NULL,
  time        INTEGER NOT NULL,
  response    BLOB NOT NULL,
  PRIMARY KEY (tenant, request_id)
) STRICT;

CREATE INDEX requests_by_time ON requests (time);
)sql",
    // The wording of prompts, which programs name. Rows never change.
    R"sql(
CREATE TABLE phrasebooks (
  tenant      TEXT NOT NULL,
  id          TEXT NOT NULL,
  contents    TEXT NOT NULL,  -- JSON
  digest      TEXT NOT NULL,  -- SHA-256 of the contents, hexadecimal
  create_time INTEGER NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
)sql",
};

inline constexpr int kSchemaVersion = static_cast<int>(std::size(kMigrations));

}  // namespace dspex
