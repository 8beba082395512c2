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
    // Jobs. States and budget lines are the numbers of the API's enums; money is in picodollars.
    R"sql(
CREATE TABLE jobs (
  uid              INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant           TEXT NOT NULL,
  id               TEXT NOT NULL,
  state            INTEGER NOT NULL,
  spec             BLOB NOT NULL,     -- v1::Job with its spec only
  facts            BLOB NOT NULL,     -- v1::Job with progress, spending, error, result and stop_reason
  create_time      INTEGER NOT NULL,
  start_time       INTEGER,
  end_time         INTEGER,
  epoch            INTEGER NOT NULL,  -- the right to write: greater each time it changes hands
  owner            TEXT NOT NULL,     -- who has it, for people; empty: nobody
  lease_end        INTEGER NOT NULL,
  cancel_requested INTEGER NOT NULL,
  resumes          INTEGER NOT NULL,
  last_event       INTEGER NOT NULL,
  last_ordinal     INTEGER NOT NULL,  -- of events that the job makes again when it is run again
  progress_mark    INTEGER NOT NULL,  -- journal entries and ordinals at the last start; -1: none to compare with
  barren_resumes   INTEGER NOT NULL,  -- that found no more than the start before
  UNIQUE (tenant, id)
) STRICT;

CREATE INDEX jobs_by_tenant ON jobs (tenant, uid);
CREATE INDEX jobs_to_run ON jobs (uid) WHERE state IN (1, 2, 3);

CREATE TABLE job_events (
  job              INTEGER NOT NULL REFERENCES jobs (uid) ON DELETE CASCADE,
  number           INTEGER NOT NULL,
  event            BLOB NOT NULL,     -- v1::JobEvent
  PRIMARY KEY (job, number)
) STRICT;

CREATE TABLE job_candidates (
  job              INTEGER NOT NULL REFERENCES jobs (uid) ON DELETE CASCADE,
  number           INTEGER NOT NULL,
  candidate        BLOB NOT NULL,     -- v1::Candidate
  PRIMARY KEY (job, number)
) STRICT;

CREATE TABLE job_budgets (
  job              INTEGER NOT NULL REFERENCES jobs (uid) ON DELETE CASCADE,
  line             INTEGER NOT NULL,
  drawn_cost       INTEGER NOT NULL,
  drawn_tokens     INTEGER NOT NULL,
  drawn_calls      INTEGER NOT NULL,
  settled_cost     INTEGER NOT NULL,
  settled_tokens   INTEGER NOT NULL,
  settled_calls    INTEGER NOT NULL,
  PRIMARY KEY (job, line)
) STRICT, WITHOUT ROWID;
)sql",
    // Datasets. A version is the first examples of a generation, a list that only grows: versions made by appending
    // share it, a version that replaces all begins another.
    R"sql(
CREATE TABLE datasets (
  uid         INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant      TEXT NOT NULL,
  id          TEXT NOT NULL,
  numbered    INTEGER NOT NULL,  -- the number of the version made last, also under a dataset of the name before
  definition  BLOB NOT NULL,     -- v1::Dataset without what the server sets
  create_time INTEGER NOT NULL,
  UNIQUE (tenant, id)
) STRICT;

CREATE TABLE dataset_versions (
  dataset     INTEGER NOT NULL REFERENCES datasets (uid) ON DELETE CASCADE,
  version     INTEGER NOT NULL,
  generation  INTEGER NOT NULL,
  examples    INTEGER NOT NULL,
  digest      TEXT NOT NULL,     -- hexadecimal
  input_keys  TEXT NOT NULL,     -- a JSON list
  create_time INTEGER NOT NULL,
  PRIMARY KEY (dataset, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE dataset_generations (
  uid         INTEGER PRIMARY KEY AUTOINCREMENT,
  examples    INTEGER NOT NULL,  -- those of its largest version; 0 if it has none
  loose       INTEGER NOT NULL   -- 1: it may have more, which belong to no version
) STRICT;

CREATE INDEX loose_dataset_generations ON dataset_generations (uid) WHERE loose = 1;

CREATE TABLE dataset_examples (
  place       INTEGER PRIMARY KEY,  -- generation << 32 | index, so that examples lie in their order
  id          TEXT,                 -- NULL: index + 1
  fields      TEXT NOT NULL         -- JSON
) STRICT;

-- Within a generation; few examples are of one generation and have one id.
CREATE UNIQUE INDEX dataset_examples_by_id ON dataset_examples (id, place >> 32) WHERE id IS NOT NULL;

-- Names of deleted datasets, so that "datasets/qa@3" never means two things.
CREATE TABLE retired_datasets (
  tenant      TEXT NOT NULL,
  id          TEXT NOT NULL,
  numbered    INTEGER NOT NULL,
  PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;
)sql",
};

inline constexpr int kSchemaVersion = static_cast<int>(std::size(kMigrations));

}  // namespace dspex
