#pragma once

#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>

#include "server/cli/session.h"

namespace dspex::cli {

/// How many of a list are asked for at a time: as many as the server gives.
inline constexpr int kPageSize = 1000;

/// Reads a list to its end: `call` is a stub's method as call(context, request, &page), `take` gets each page, to be
/// emptied.
template <typename Response, typename Request, typename Call, typename Take>
grpc::Status ReadPages(const Session& session, Request request, Call call, Take take) {
  request.set_page_size(kPageSize);
  do {
    Response page;
    const grpc::Status status = call(session.NewContext().get(), request, &page);
    if (!status.ok()) return status;
    request.set_page_token(page.next_page_token());
    take(page);
  } while (!request.page_token().empty());
  return grpc::Status::OK;
}

}  // namespace dspex::cli
