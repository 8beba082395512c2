#include "tests/mock_llm/dialect.h"

#include "tests/mock_llm/chat.h"

namespace dspex::mock_llm {

const Dialect& DialectOf(Face /*face*/) {
  static const ChatDialect chat;
  return chat;
}

}  // namespace dspex::mock_llm
