#include "providers/http/client.h"
#include "engine/base/mutex.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "engine/base/error.h"
#include "engine/base/reasons.h"
#include "providers/http/test_peer.h"

namespace dspex::http {
namespace {

// One client, two I/O threads.
class ClientTest : public ::testing::Test {
 protected:
  void Connect(const std::string& url) {
    options_.base_url = url;
    absl::StatusOr<std::unique_ptr<Client>> client = Client::Create(options_);
    ASSERT_TRUE(client.ok()) << client.status();
    client_ = *std::move(client);
    head_ = client_->PostHead("/chat", {{"Authorization", "Bearer key"}}).value();
  }
  Running<Response> Post(std::vector<absl::string_view> body = {"{}"}, TimePoint deadline = kNoDeadline,
                         int thread = 0) {
    return Running<Response>(threads_.executor(thread), deadline,
                             [this, body](RequestContext context) -> Task<Response> {
                               return PostNow(client_.get(), head_, context, body);
                             });
  }
  static Task<Response> PostNow(Client* client, std::string head, RequestContext context,
                                std::vector<absl::string_view> body) {
    co_return co_await client->Post(context, head, body);
  }
  static std::string Body(Running<Response> running) {
    absl::StatusOr<Response> response = running.Get();
    return response.ok() ? response->body : std::string(response.status().ToString());
  }
  void ExpectError(Running<Response> running, absl::StatusCode code, absl::string_view error_reason,
                   absl::string_view key = "", absl::string_view value = "") {
    const absl::Status status = running.Get().status();
    EXPECT_EQ(status.code(), code) << status;
    EXPECT_EQ(ErrorReason(status), error_reason) << status;
    if (!key.empty()) EXPECT_EQ(ErrorMetadata(status, key), value) << status;
    EXPECT_TRUE(Eventually([this] { return client_->stats().in_use == 0 && client_->stats().waiting == 0; }));
  }
  // What a client makes of an answer.
  absl::StatusOr<Response> AnswerTo(const std::string& bytes) {
    Peer peer([&](PeerConnection& connection, int) {
      connection.ReadRequest();
      connection.Write(bytes);
    });
    Connect(peer.url());
    return Post().Get();
  }

  IoThreads threads_{2};
  ClientOptions options_;
  std::unique_ptr<Client> client_;
  std::string head_;
};

// Answers every request of every connection with the same body.
void Echo(PeerConnection& connection, int) {
  for (std::string request; !(request = connection.ReadRequest()).empty();) {
    connection.Answer(request.substr(request.find("\r\n\r\n") + 4));
  }
}

TEST_F(ClientTest, SendsTheRequestAsWritten) {
  std::string received;
  Peer peer([&](PeerConnection& connection, int) {
    received = connection.ReadRequest();
    connection.Answer("yes", "X-Request-Id: abc\r\n");
  });
  options_.user_agent = "dspex/1";
  Connect(peer.url());
  absl::StatusOr<Response> response = Post({"{\"a\":", "", "1}"}).Get();
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->body, "yes");
  EXPECT_EQ(response->headers.Get("x-request-id"), "abc");
  EXPECT_EQ(response->headers.Get("x-request"), "");
  EXPECT_EQ(received, "POST /v1/chat HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(peer.port()) +
                          "\r\nUser-Agent: dspex/1\r\nAccept: application/json\r\nContent-Type: application/json\r\n"
                          "Authorization: Bearer key\r\nContent-Length: 7\r\n\r\n{\"a\":1}");
}

TEST_F(ClientTest, KeepsConnectionsAlive) {
  Peer peer(Echo);
  Connect(peer.url());
  for (int i = 0; i < 50; ++i) EXPECT_EQ(Body(Post({"same"})), "same");
  EXPECT_EQ(peer.accepted(), 1);
  EXPECT_EQ(client_->stats().idle, 1);
  EXPECT_EQ(client_->stats().in_use, 0);
  EXPECT_EQ(client_->stats().opened, 1);
}

TEST_F(ClientTest, BodiesLargerThanTheSocketsBuffers) {
  Peer peer(Echo);
  Connect(peer.url());
  const std::string large(20'000'000, 'x');
  EXPECT_TRUE(Body(Post({"<", large, ">"})) == "<" + large + ">");
  EXPECT_EQ(Body(Post({"small"})), "small");
  EXPECT_EQ(peer.accepted(), 1);
}

TEST_F(ClientTest, ReadsAllFormsOfBodies) {
  EXPECT_EQ(
      AnswerTo("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=1\r\nabc\r\n2\r\nde\r\n0\r\nT: 1\r\n\r\n")
          ->body,
      "abcde");
  EXPECT_EQ(AnswerTo("HTTP/1.1 200 OK\r\n\r\nto the end")->body, "to the end");
  EXPECT_EQ(AnswerTo("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nab")->body, "ab");
  EXPECT_EQ(AnswerTo("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n"
                     "Content-Length: 1\r\n\r\nz")
                ->body,
            "z");
  EXPECT_EQ(AnswerTo("HTTP/1.1 204 No Content\r\n\r\n")->status, 204);
  EXPECT_EQ(AnswerTo("HTTP/1.1 307 Moved\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n")->status, 307);
}

TEST_F(ClientTest, RefusesWhatIsNotHttp) {
  options_.max_response_bytes = 10;
  const std::string many_hints = [] {
    std::string text;
    for (int i = 0; i < 100; ++i) text += "HTTP/1.1 103 Hints\r\n\r\n";
    return text;
  }();
  for (const std::string& answer : {
           std::string("SSH-2.0-OpenSSH_9.2\r\n"),
           std::string("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"),
           std::string("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n12345678901"),
           std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n12345678901\r\n0\r\n\r\n"),
           std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
           std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;") + std::string(200'000, 'e'),
           std::string("HTTP/1.1 200 OK\r\n\r\n12345678901"),
           std::string("HTTP/1.1 200 OK\r\nX: ") + std::string(70'000, 'h') + "\r\n\r\n",
           std::string("HTTP/1.1 101 Switching\r\n\r\n"),
           many_hints,
       }) {
    const absl::Status status = AnswerTo(answer).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInternal) << status << answer.substr(0, 60);
    EXPECT_EQ(ErrorReason(status), reason::kProviderMalformed) << status;
    EXPECT_EQ(client_->stats().idle + client_->stats().in_use, 0);
  }
}

TEST_F(ClientTest, SaysThatTheBodyIsTooLarge) {
  options_.max_response_bytes = 10;
  const absl::Status status = AnswerTo("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n12345678901").status();
  EXPECT_NE(status.message().find("max_response_bytes (10)"), absl::string_view::npos) << status;
}

TEST_F(ClientTest, BrokenConnections) {
  for (const char* answer : {"", "HTTP/1.1 2", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
                             "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc"}) {
    for (const bool reset : {false, true}) {
      Peer peer([&](PeerConnection& connection, int) {
        connection.ReadRequest();
        connection.Write(answer);
        if (reset) connection.Reset();
      });
      Connect(peer.url());
      ExpectError(Post(), absl::StatusCode::kUnavailable, reason::kProviderUnreachable);
      // Not sent twice: the connection was new.
      EXPECT_EQ(peer.accepted(), 1);
    }
  }
}

TEST_F(ClientTest, NobodyListens) {
  int port = 0;
  {
    port = Peer(Echo).port();
  }
  Connect("http://127.0.0.1:" + std::to_string(port));
  ExpectError(Post(), absl::StatusCode::kUnavailable, reason::kProviderUnreachable);
  Connect("http://name.invalid");
  ExpectError(Post(), absl::StatusCode::kUnavailable, reason::kProviderUnreachable);
}

TEST_F(ClientTest, AnswersThatEndTheConnection) {
  Peer peer([&](PeerConnection& connection, int index) {
    connection.ReadRequest();
    connection.Answer(std::to_string(index), "Connection: close\r\n");
  });
  Connect(peer.url());
  EXPECT_EQ(Body(Post()), "0");
  EXPECT_EQ(Body(Post()), "1");
  EXPECT_EQ(client_->stats().idle, 0);
}

TEST_F(ClientTest, BytesBehindAnAnswerAreNotTheNextAnswer) {
  Peer peer([&](PeerConnection& connection, int index) {
    connection.ReadRequest();
    connection.Write("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n" + std::to_string(index) +
                     "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
    connection.AwaitEnd();
  });
  Connect(peer.url());
  EXPECT_EQ(Body(Post()), "0");
  EXPECT_EQ(Body(Post()), "1");
}

TEST_F(ClientTest, AStaleConnectionIsTriedOnceMore) {
  for (const bool reset : {false, true}) {
    std::atomic<int> closed{0};
    Peer peer([&](PeerConnection& connection, int index) {
      connection.ReadRequest();
      connection.Answer(std::to_string(index));
      if (index > 0) connection.AwaitEnd();
      if (reset) connection.Reset();
      ++closed;
    });
    Connect(peer.url());
    EXPECT_EQ(Body(Post()), "0");
    ASSERT_TRUE(Eventually([&] { return closed == 1; }));
    EXPECT_EQ(Body(Post()), "1");
    EXPECT_EQ(client_->stats().opened, 2);
    client_->Close();
  }
}

TEST_F(ClientTest, AConnectionThatDiesOnTheSecondTryIsAnError) {
  Peer peer([&](PeerConnection& connection, int index) {
    connection.ReadRequest();
    if (index == 0) connection.Answer("first");
    if (index == 0) connection.ReadRequest();
  });
  Connect(peer.url());
  EXPECT_EQ(Body(Post()), "first");
  ExpectError(Post(), absl::StatusCode::kUnavailable, reason::kProviderUnreachable);
  EXPECT_EQ(peer.accepted(), 2);
}

TEST_F(ClientTest, NoSecondTryAfterAByteOfTheAnswer) {
  Peer peer([&](PeerConnection& connection, int) {
    connection.ReadRequest();
    connection.Answer("first");
    connection.ReadRequest();
    connection.Write("H");
  });
  Connect(peer.url());
  EXPECT_EQ(Body(Post()), "first");
  ExpectError(Post(), absl::StatusCode::kUnavailable, reason::kProviderUnreachable);
  EXPECT_EQ(peer.accepted(), 1);
}

TEST_F(ClientTest, TimeOuts) {
  Peer silent([](PeerConnection& connection, int) { connection.AwaitEnd(); });
  options_.timeouts.first_byte = milliseconds(60);
  Connect(silent.url());
  const TimePoint begin = Clock::now();
  ExpectError(Post(), absl::StatusCode::kDeadlineExceeded, reason::kProviderTimeout, "phase", "first_byte");
  EXPECT_GE(Clock::now() - begin, milliseconds(60));
  EXPECT_LT(Clock::now() - begin, milliseconds(1000));

  options_.timeouts = Timeouts();
  options_.timeouts.total = milliseconds(60);
  Connect(silent.url());
  ExpectError(Post(), absl::StatusCode::kDeadlineExceeded, reason::kProviderTimeout, "phase", "total");
  options_.timeouts = Timeouts();

  Peer stuck([](PeerConnection& connection, int) {
    connection.ReadRequest();
    connection.Write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc");
    connection.AwaitEnd();
  });
  options_.timeouts.idle = milliseconds(60);
  Connect(stuck.url());
  ExpectError(Post(), absl::StatusCode::kDeadlineExceeded, reason::kProviderTimeout, "phase", "idle");

  // A request that the peer does not take.
  Peer full([](PeerConnection&, int) { std::this_thread::sleep_for(milliseconds(500)); });
  Connect(full.url());
  const std::string large(30'000'000, 'x');
  ExpectError(Post({large}), absl::StatusCode::kDeadlineExceeded, reason::kProviderTimeout, "phase", "idle");
}

TEST_F(ClientTest, TimeOutOfTheTlsHandshake) {
  Peer silent([](PeerConnection& connection, int) { connection.AwaitEnd(); });
  options_.timeouts.connect = milliseconds(60);
  Connect("https://127.0.0.1:" + std::to_string(silent.port()));
  ExpectError(Post(), absl::StatusCode::kDeadlineExceeded, reason::kProviderTimeout, "phase", "connect");
}

TEST_F(ClientTest, TheCallersDeadline) {
  Peer silent([](PeerConnection& connection, int) { connection.AwaitEnd(); });
  Connect(silent.url());
  ExpectError(Post({"{}"}, Clock::now() + milliseconds(60)), absl::StatusCode::kDeadlineExceeded,
              reason::kDeadlineExceeded, "where", "first_byte");
  ExpectError(Post({"{}"}, Clock::now() - milliseconds(1)), absl::StatusCode::kDeadlineExceeded,
              reason::kDeadlineExceeded, "where", "connect");
}

// The bound of a later exchange may come before the expiry that the watchdog was set to by an earlier one.
TEST_F(ClientTest, ABoundThatComesEarlierThanTheLast) {
  Peer peer([](PeerConnection& connection, int) {
    connection.ReadRequest();
    connection.Answer("1");
    connection.AwaitEnd();
  });
  Connect(peer.url());
  EXPECT_EQ(Body(Post({"{}"}, Clock::now() + std::chrono::seconds(100))), "1");
  ExpectError(Post({"{}"}, Clock::now() + milliseconds(60)), absl::StatusCode::kDeadlineExceeded,
              reason::kDeadlineExceeded, "where", "first_byte");
}

TEST_F(ClientTest, CancellationClosesTheSocketAtOnce) {
  std::promise<void> received;
  std::promise<TimePoint> closed;
  Peer peer([&](PeerConnection& connection, int) {
    connection.ReadRequest();
    received.set_value();
    connection.AwaitEnd();
    closed.set_value(Clock::now());
  });
  Connect(peer.url());
  Running<Response> running = Post();
  received.get_future().wait();
  const TimePoint begin = Clock::now();
  running.Cancel();
  EXPECT_LT(closed.get_future().get() - begin, milliseconds(100));
  ExpectError(std::move(running), absl::StatusCode::kCancelled, reason::kCancelled);
  EXPECT_EQ(client_->stats().idle, 0);
}

TEST_F(ClientTest, TheQueueIsFair) {
  Mutex mutex;
  std::vector<std::string> order;
  std::promise<void> go;
  const std::shared_future<void> may_answer = go.get_future().share();
  Peer peer([&](PeerConnection& connection, int) {
    for (std::string request; !(request = connection.ReadRequest()).empty();) {
      may_answer.wait();
      {
        MutexLock lock(&mutex);
        order.push_back(request.substr(request.find("\r\n\r\n") + 4));
      }
      connection.Answer("ok");
    }
  });
  options_.max_connections = 1;
  Connect(peer.url());
  std::vector<std::string> bodies;
  for (int i = 0; i < 40; ++i) bodies.push_back(std::to_string(i));
  std::vector<Running<Response>> running;
  for (int i = 0; i < 40; ++i) {
    running.push_back(Post({bodies[static_cast<std::size_t>(i)]}, kNoDeadline, i % 2));
    ASSERT_TRUE(Eventually([&] { return client_->stats().waiting == i && client_->stats().in_use == 1; }));
  }
  go.set_value();
  for (auto& one : running) EXPECT_EQ(Body(one), "ok");
  EXPECT_EQ(order, bodies);
  EXPECT_EQ(peer.accepted(), 1);
  EXPECT_GT(running.back().record().queued, Clock::duration::zero());
}

TEST_F(ClientTest, DeadlineAndCancellationInTheQueue) {
  std::promise<void> go;
  const std::shared_future<void> may_answer = go.get_future().share();
  Peer peer([&](PeerConnection& connection, int) {
    while (!connection.ReadRequest().empty()) {
      may_answer.wait();
      connection.Answer("ok");
    }
  });
  options_.max_connections = 1;
  Connect(peer.url());
  Running<Response> first = Post();
  ASSERT_TRUE(Eventually([&] { return client_->stats().in_use == 1; }));
  Running<Response> late = Post({"{}"}, Clock::now() + milliseconds(50), 1);
  Running<Response> cancelled = Post({"{}"}, kNoDeadline, 1);
  ASSERT_TRUE(Eventually([&] { return client_->stats().waiting == 2; }));
  Running<Response> last = Post();
  cancelled.Cancel();
  const absl::Status late_status = late.Get().status();
  EXPECT_EQ(late_status.code(), absl::StatusCode::kDeadlineExceeded) << late_status;
  EXPECT_EQ(ErrorReason(late_status), reason::kDeadlineExceeded);
  EXPECT_EQ(ErrorMetadata(late_status, "where"), "queue");
  EXPECT_GE(late.record().queued, milliseconds(40));
  EXPECT_EQ(ErrorReason(cancelled.Get().status()), reason::kCancelled);
  go.set_value();
  EXPECT_EQ(Body(first), "ok");
  EXPECT_EQ(Body(last), "ok");
  EXPECT_EQ(client_->stats().waiting, 0);
}

// The connection belongs to the other thread: the exchange runs there, and the cancellation reaches it.
TEST_F(ClientTest, ExchangesOnAnotherThreadsConnection) {
  std::promise<void> received;
  std::promise<TimePoint> closed;
  Peer peer([&](PeerConnection& connection, int index) {
    if (index == 0) {
      for (int i = 0; i < 10; ++i) connection.Answer(connection.ReadRequest().substr(0, 4));
      connection.ReadRequest();
      received.set_value();
      connection.AwaitEnd();
      closed.set_value(Clock::now());
    }
  });
  options_.max_connections = 1;
  Connect(peer.url());
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Body(Post({"{}"}, kNoDeadline, i % 2)), "POST");
  Running<Response> running = Post({"{}"}, kNoDeadline, 1);
  received.get_future().wait();
  const TimePoint begin = Clock::now();
  running.Cancel();
  EXPECT_LT(closed.get_future().get() - begin, milliseconds(100));
  ExpectError(std::move(running), absl::StatusCode::kCancelled, reason::kCancelled);
  EXPECT_EQ(peer.accepted(), 1);
}

TEST_F(ClientTest, AFailedConnectLetsTheNextOneTry) {
  int port = 0;
  {
    port = Peer(Echo).port();
  }
  options_.max_connections = 1;
  Connect("http://127.0.0.1:" + std::to_string(port));
  std::vector<Running<Response>> running;
  for (int i = 0; i < 100; ++i) running.push_back(Post({"{}"}, kNoDeadline, i % 2));
  for (auto& one : running) {
    ExpectError(one, absl::StatusCode::kUnavailable, reason::kProviderUnreachable);
  }
}

TEST_F(ClientTest, ManyAtATimeWithinTheBound) {
  Peer peer([](PeerConnection& connection, int) { Echo(connection, 0); });
  options_.max_connections = 16;
  Connect(peer.url());
  std::vector<std::string> bodies;
  for (int i = 0; i < 1000; ++i) bodies.push_back("{\"n\":" + std::to_string(i) + "}");
  std::vector<Running<Response>> running;
  for (int i = 0; i < 1000; ++i) running.push_back(Post({bodies[static_cast<std::size_t>(i)]}, kNoDeadline, i % 2));
  // Some give up: what they hold or are given goes on to others.
  for (std::size_t i = 0; i < 1000; i += 7) running[i].Cancel();
  int answered = 0;
  for (std::size_t i = 0; i < 1000; ++i) {
    const absl::StatusOr<Response> response = running[i].Get();
    // Not counted at the peer, which learns of a cancelled connection's end after the next one has begun.
    const PoolStats stats = client_->stats();
    EXPECT_LE(stats.in_use + stats.idle, 16);
    if (response.ok()) {
      EXPECT_EQ(response->body, bodies[i]);
      ++answered;
    } else {
      EXPECT_EQ(ErrorReason(response.status()), reason::kCancelled) << response.status();
      EXPECT_EQ(i % 7, 0u);
    }
  }
  EXPECT_GE(answered, 857);
  EXPECT_TRUE(Eventually([&] { return client_->stats().in_use == 0; }));
  EXPECT_EQ(client_->stats().waiting, 0);
  EXPECT_LE(client_->stats().idle, 16);
}

TEST_F(ClientTest, CloseEndsIdleConnections) {
  std::promise<void> closed;
  Peer peer([&](PeerConnection& connection, int) {
    connection.ReadRequest();
    connection.Answer("ok");
    connection.AwaitEnd();
    closed.set_value();
  });
  Connect(peer.url());
  EXPECT_EQ(Body(Post()), "ok");
  client_->Close();
  closed.get_future().wait();
  EXPECT_EQ(client_->stats().idle, 0);
}

TEST_F(ClientTest, DestroyedAfterTheThreadsWithRequestsInFlight) {
  Peer silent([](PeerConnection& connection, int) { connection.AwaitEnd(); });
  options_.max_connections = 2;
  Connect(silent.url());
  std::vector<Running<Response>> running;
  for (int i = 0; i < 6; ++i) running.push_back(Post({"{}"}, kNoDeadline, i % 2));
  ASSERT_TRUE(Eventually([&] { return client_->stats().waiting == 4; }));
  threads_.Stop();
  client_.reset();
}

TEST_F(ClientTest, HeadersHoldNoLineBreaks) {
  Connect("http://127.0.0.1:1");
  const absl::Status status = client_->PostHead("/chat", {{"Authorization", "Bearer a\r\nX: y"}}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message().find("Bearer"), absl::string_view::npos) << status;
}

}  // namespace
}  // namespace dspex::http
