#include "tests/mock_llm/dialect.h"

#include "tests/mock_llm/chat.h"
#include "tests/mock_llm/messages.h"
#include "tests/mock_llm/responses.h"

namespace dspex::mock_llm {

const Dialect& DialectOf(Face face) {
  static const ChatDialect chat;
  static const MessagesDialect messages;
  static const ResponsesDialect responses;
  switch (face) {
    case Face::kChat:
      return chat;
    case Face::kMessages:
      return messages;
    case Face::kResponses:
      return responses;
  }
  return chat;
}

}  // namespace dspex::mock_llm
