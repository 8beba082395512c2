#pragma once

#include "engine/base/time_source.h"
#include "engine/program/program.h"
#include "providers/price_table.h"
#include "server/dataset/split_orders.h"
#include "server/job/job_store.h"
#include "server/job/journal.h"
#include "server/log/logger.h"
#include "server/store/dataset_store.h"
#include "server/store/program_store.h"

namespace dspex {

/// What jobs need of the server. All of it outlives them.
struct JobEnvironment {
  JobStore* jobs = nullptr;
  Journal* journal = nullptr;
  ProgramStore* programs = nullptr;
  DatasetStore* datasets = nullptr;
  SplitOrders* orders = nullptr;
  /// What programs are built in.
  ProgramEnvironment programs_in;
  const PriceTable* prices = nullptr;
  Logger* logger = nullptr;
  TimeSource* time = nullptr;
};

}  // namespace dspex
