#pragma once

#include <absl/strings/string_view.h>

/// The reasons of dspex's errors (ErrorInfo.reason): part of the API, documented in docs/errors.md. A test holds the
/// two together.
namespace dspex::reason {

// INVALID_ARGUMENT: what the caller sent.
inline constexpr absl::string_view kInvalidRequest =
    "INVALID_REQUEST";                                             ///< A field of the request is missing or malformed.
inline constexpr absl::string_view kInvalidJson = "INVALID_JSON";  ///< A JSON text does not parse or passes a limit.
inline constexpr absl::string_view kInvalidSignature =
    "INVALID_SIGNATURE";  ///< A signature does not parse; metadata: position, token.
inline constexpr absl::string_view kInvalidProgram = "INVALID_PROGRAM";  ///< A program is not well formed.
inline constexpr absl::string_view kMissingInput = "MISSING_INPUT";  ///< An input field was not given; metadata: field.
inline constexpr absl::string_view kUnknownField =
    "UNKNOWN_FIELD";  ///< A field that the signature does not have; metadata: field.
inline constexpr absl::string_view kInvalidValue =
    "INVALID_VALUE";  ///< A value that its field's type refuses; metadata: field, type.
inline constexpr absl::string_view kInvalidState =
    "INVALID_STATE";  ///< A saved state is not well formed, or would have Python import code; metadata: path.
inline constexpr absl::string_view kStateMismatch =
    "STATE_MISMATCH";  ///< A saved state belongs to another program; metadata: path, field, expected, actual.
inline constexpr absl::string_view kMetricFailed =
    "METRIC_FAILED";  ///< A metric has no score for a prediction; metadata: metric, and what applies: field, line.
inline constexpr absl::string_view kDuplicateId = "DUPLICATE_ID";  ///< Two examples of a dataset have it; metadata: id.
inline constexpr absl::string_view kExampleTooLarge =
    "EXAMPLE_TOO_LARGE";  ///< An example is longer than a dataset takes; metadata: limit.
inline constexpr absl::string_view kImportIncomplete =
    "IMPORT_INCOMPLETE";  ///< The stream of an import ended before its last part.
// UNIMPLEMENTED.
inline constexpr absl::string_view kUnsupported =
    "UNSUPPORTED";  ///< The API has it, this server does not; metadata: feature.
// NOT_FOUND, ALREADY_EXISTS, ABORTED.
inline constexpr absl::string_view kProgramNotFound = "PROGRAM_NOT_FOUND";
inline constexpr absl::string_view kRevisionNotFound = "REVISION_NOT_FOUND";
inline constexpr absl::string_view kPhrasebookNotFound = "PHRASEBOOK_NOT_FOUND";
inline constexpr absl::string_view kPhrasebookExists =
    "PHRASEBOOK_EXISTS";  ///< Another phrasebook has the name; metadata: digest.
inline constexpr absl::string_view kTooManyPhrasebooks = "TOO_MANY_PHRASEBOOKS";  ///< FAILED_PRECONDITION.
inline constexpr absl::string_view kDatasetNotFound = "DATASET_NOT_FOUND";
inline constexpr absl::string_view kDatasetVersionNotFound = "DATASET_VERSION_NOT_FOUND";
inline constexpr absl::string_view kSplitNotFound = "SPLIT_NOT_FOUND";
inline constexpr absl::string_view kDatasetExists = "DATASET_EXISTS";
inline constexpr absl::string_view kDatasetInUse = "DATASET_IN_USE";        ///< FAILED_PRECONDITION.
inline constexpr absl::string_view kDatasetEmpty = "DATASET_EMPTY";         ///< FAILED_PRECONDITION.
inline constexpr absl::string_view kTooManyExamples = "TOO_MANY_EXAMPLES";  ///< FAILED_PRECONDITION.
inline constexpr absl::string_view kImportUnderWay = "IMPORT_UNDER_WAY";    ///< ABORTED: a dataset has one at a time.
inline constexpr absl::string_view kProgramExists = "PROGRAM_EXISTS";
inline constexpr absl::string_view kEtagMismatch = "ETAG_MISMATCH";
inline constexpr absl::string_view kRequestIdReused =
    "REQUEST_ID_REUSED";  ///< The same request_id came with another request.
inline constexpr absl::string_view kJobNotFound = "JOB_NOT_FOUND";
inline constexpr absl::string_view kJobLost =
    "JOB_LOST";  ///< ABORTED: somebody else has claimed the job since, or it was ended.
// FAILED_PRECONDITION.
inline constexpr absl::string_view kJobState =
    "JOB_STATE";  ///< The job cannot go from its state to the wanted one; metadata: state, wanted.
inline constexpr absl::string_view kJobStuck =
    "JOB_STUCK";  ///< The job was taken up several times without getting on; metadata: resumes.
inline constexpr absl::string_view kUnknownProvider =
    "UNKNOWN_PROVIDER";  ///< No provider of that name is configured; metadata: provider.
inline constexpr absl::string_view kNoLanguageModel =
    "NO_LANGUAGE_MODEL";  ///< Neither module, program nor server names a model.
inline constexpr absl::string_view kProviderAuth = "PROVIDER_AUTH";  ///< The provider refused the server's key (401).
inline constexpr absl::string_view kProviderPermission = "PROVIDER_PERMISSION";  ///< The key may not do this (403).
inline constexpr absl::string_view kProviderBilling =
    "PROVIDER_BILLING";  ///< The account has no credit left (402, or 429 that says so).
// The language model and the way to it. Metadata: provider, model, http_status where there was one,
// provider_request_id.
inline constexpr absl::string_view kProviderUnreachable =
    "PROVIDER_UNREACHABLE";  ///< UNAVAILABLE: no connection, or it broke.
inline constexpr absl::string_view kProviderOverloaded = "PROVIDER_OVERLOADED";  ///< UNAVAILABLE: 5xx.
inline constexpr absl::string_view kProviderCircuitOpen =
    "PROVIDER_CIRCUIT_OPEN";  ///< UNAVAILABLE: it failed too often of late and is not asked for a while; RetryInfo.
inline constexpr absl::string_view kProviderRateLimited = "PROVIDER_RATE_LIMITED";  ///< RESOURCE_EXHAUSTED: 429.
inline constexpr absl::string_view kProviderLimitReached =
    "PROVIDER_LIMIT_REACHED";  ///< RESOURCE_EXHAUSTED: the server's own limit; nothing was sent; RetryInfo.
inline constexpr absl::string_view kProviderTimeout = "PROVIDER_TIMEOUT";  ///< DEADLINE_EXCEEDED; metadata: phase.
inline constexpr absl::string_view kProviderInvalidRequest =
    "PROVIDER_INVALID_REQUEST";  ///< INVALID_ARGUMENT: other 4xx.
inline constexpr absl::string_view kContextWindow =
    "CONTEXT_WINDOW_EXCEEDED";  ///< INVALID_ARGUMENT: the prompt is longer than the model takes.
inline constexpr absl::string_view kContentFiltered =
    "CONTENT_FILTERED";  ///< INVALID_ARGUMENT: the provider's filter refused the prompt or ended the completion.
inline constexpr absl::string_view kProviderMalformed =
    "PROVIDER_MALFORMED_RESPONSE";  ///< INTERNAL: not what its dialect says.
inline constexpr absl::string_view kCompletionUnparsable =
    "COMPLETION_UNPARSABLE";  ///< DATA_LOSS: the completion lacks a field or breaks a type.
inline constexpr absl::string_view kCompletionTruncated =
    "COMPLETION_TRUNCATED";  ///< DATA_LOSS: the model reached its limit of tokens before its answer was whole.
inline constexpr absl::string_view kModelRefused =
    "MODEL_REFUSED";  ///< INVALID_ARGUMENT: the model refuses to answer these inputs.
// Jobs.
inline constexpr absl::string_view kBudgetSpent =
    "BUDGET_SPENT";  ///< RESOURCE_EXHAUSTED: what a job may spend does not reach for its next call; metadata: line.
inline constexpr absl::string_view kTooManyFailures =
    "TOO_MANY_FAILURES";  ///< FAILED_PRECONDITION: max_errors predictions or metrics failed; metadata: failures.
inline constexpr absl::string_view kReplayDiverged =
    "REPLAY_DIVERGED";  ///< INTERNAL: a job that was taken up again asks for something else than before; metadata:
                        ///< lane.
inline constexpr absl::string_view kNoPrice =
    "NO_PRICE";  ///< FAILED_PRECONDITION: a budget of money for a model without a price; metadata: model.
// The server.
inline constexpr absl::string_view kDeadlineExceeded =
    "DEADLINE_EXCEEDED";  ///< The server's own limit on a Forward passed; metadata: where.
inline constexpr absl::string_view kCancelled = "CANCELLED";           ///< The caller went away.
inline constexpr absl::string_view kOverloaded = "SERVER_OVERLOADED";  ///< RESOURCE_EXHAUSTED: admission; RetryInfo.
inline constexpr absl::string_view kDraining = "SERVER_DRAINING";      ///< UNAVAILABLE: the server is going away.
inline constexpr absl::string_view kClientTooSlow =
    "CLIENT_TOO_SLOW";  ///< UNAVAILABLE: the client of a stream does not read, or send.
inline constexpr absl::string_view kStorage = "STORAGE_FAILED";  ///< INTERNAL: the database failed.
inline constexpr absl::string_view kDiskFull =
    "DISK_FULL";  ///< RESOURCE_EXHAUSTED: there is no room for what was to be written; nothing was.
inline constexpr absl::string_view kInternal = "INTERNAL";  ///< INTERNAL: a defect.

}  // namespace dspex::reason
