#include <memory>
#include <utility>

#include "engine/adapter/adapter.h"
#include "engine/adapter/adapter_base.h"

namespace dspex {

namespace {

std::unique_ptr<AdapterBase> Make(AdapterParts parts) {
  switch (parts.options.kind) {
    case AdapterKind::kChat:
      return MakeChatAdapter(std::move(parts));
    case AdapterKind::kJson:
      return MakeJsonAdapter(std::move(parts));
    case AdapterKind::kXml:
      return MakeXmlAdapter(std::move(parts));
    case AdapterKind::kBaml:
      return MakeBamlAdapter(std::move(parts));
    case AdapterKind::kTwoStep:
      return MakeTwoStepAdapter(std::move(parts));
  }
  return nullptr;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const BoundAdapter>> BindAdapter(const AdapterOptions& options,
                                                                std::shared_ptr<const Phrasebook> phrasebook,
                                                                Signature signature, const std::vector<Json>& demos) {
  std::unique_ptr<AdapterBase> adapter = Make({options, std::move(phrasebook), std::move(signature)});
  if (absl::Status status = adapter->RenderPrefix(demos); !status.ok()) return status;
  return std::shared_ptr<const BoundAdapter>(std::move(adapter));
}

}  // namespace dspex
