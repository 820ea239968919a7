// permessage-deflate (RFC 7692): its examples, and Autobahn's cases 12.* and 13.* against a client
// that uses zlib by itself.
#include <gtest/gtest.h>
#include <zlib.h>

#include <random>

#include "http/engine/inflater.hpp"
#include "http/prepared_message.hpp"
#include "websocket_peer.hpp"

namespace baton::http::test {
namespace {

using engine::inflater;
using std::string;

const string tail{"\x00\x00\xff\xff", 4};
constexpr std::uint8_t rsv1 = 4;

/// A client's compressor and decompressor, with exactly the windows that were agreed on.
class deflating_client {
 public:
  explicit deflating_client(const engine::deflate_parameters& agreed) : agreed_{agreed} {
    // zlib takes 8 for 9 when it compresses, and so would send too much.
    ::deflateInit2(&out_, 6, Z_DEFLATED, -agreed.client.window_bits, 8, Z_DEFAULT_STRATEGY);
    ::inflateInit2(&in_, -agreed.server.window_bits);
  }
  deflating_client(const deflating_client&) = delete;
  deflating_client& operator=(const deflating_client&) = delete;
  ~deflating_client() {
    ::deflateEnd(&out_);
    ::inflateEnd(&in_);
  }

  string compress(const string& message) {
    if (!agreed_.client.context_takeover) ::deflateReset(&out_);
    const auto all = run(out_, ::deflate, message);
    return all.substr(0, all.size() - tail.size());
  }
  string decompress(const frame& got) {
    if (got.rsv == 0) return got.payload;
    if (!agreed_.server.context_takeover) ::inflateReset(&in_);
    return run(in_, ::inflate, got.payload + tail);
  }

 private:
  static string run(z_stream& stream, int (*step)(z_streamp, int), const string& input) {
    string all;
    string room(1 << 16U, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
    stream.avail_in = static_cast<uInt>(input.size());
    do {
      stream.next_out = reinterpret_cast<Bytef*>(room.data());
      stream.avail_out = static_cast<uInt>(room.size());
      const int status = step(&stream, Z_SYNC_FLUSH);
      if (status != Z_OK && status != Z_BUF_ERROR) return "broken: " + std::to_string(status);
      all.append(room, 0, room.size() - stream.avail_out);
    } while (stream.avail_out == 0);
    return all;
  }

  engine::deflate_parameters agreed_;
  z_stream out_{};
  z_stream in_{};
};

/// Words in a random order: text that compresses, and differs from message to message.
string words(std::size_t size, unsigned seed) {
  constexpr std::string_view all[] = {"baton ",   "listener ", "drain ", "{\"id\": ", "handoff ",
                                      "backlog ", "\xc3\xa4",  "0123 ",  "runner ",   "stands "};
  std::minstd_rand random{seed};
  string out;
  while (out.size() < size) out += all[random() % std::size(all)];
  while (out.size() > size) out.pop_back();
  if (!out.empty() && (out.back() & 0x80) != 0) out.back() = '.';
  return out;
}

string noise(std::size_t size, unsigned seed) {
  std::minstd_rand random{seed};
  string out(size, '\0');
  for (auto& byte : out) byte = static_cast<char>(random() >> 8U);
  return out;
}

const websocket_options both_takeovers{.compression = {.enabled = true,
                                                       .server_context_takeover = true,
                                                       .client_context_takeover = true,
                                                       .threshold = 1}};
const websocket_options no_takeover{.compression = {.enabled = true, .threshold = 1}};

class WebsocketDeflate : public testing::Test {
 protected:
  tested_socket& open(const websocket_options& options, const string& offer = "permessage-deflate",
                      websocket_behaviour does = echoing()) {
    routes_.push_back(std::make_unique<websocket_route>("/", options, std::move(does)));
    sockets_.push_back(std::make_unique<tested_socket>(
        world_, *routes_.back(), workshop_, "Sec-WebSocket-Extensions: " + offer + "\r\n"));
    return *sockets_.back();
  }

  world world_;
  engine::websocket_workshop workshop_;
  std::vector<std::unique_ptr<websocket_route>> routes_;
  std::vector<std::unique_ptr<tested_socket>> sockets_;
};

TEST_F(WebsocketDeflate, ReadsTheExamplesOfTheRfc) {  // RFC 7692 section 7.2.3
  auto& socket = open(both_takeovers);
  const string hello{"\xf2\x48\xcd\xc9\xc9\x07\x00", 7};
  const string stored{"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00", 11};
  const string final_block{"\xf3\x48\xcd\xc9\xc9\x07\x00\x00", 8};
  const string two_blocks{"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", 13};
  const string shared_window{"\xf2\x00\x11\x00\x00", 5};  // "Hello" again, from the window
  std::string seen;
  auto& plain = open(both_takeovers, "permessage-deflate",
                     {.message = [&](websocket&, std::string_view payload, message_kind) {
                       seen.append(payload).append("\n");
                     }});
  plain.receive({{text, hello, true, rsv1}, {text, shared_window, true, rsv1}});
  plain.receive({{text, stored, true, rsv1}, {text, final_block, true, rsv1}});
  plain.receive({{text, shared_window, true, rsv1}, {text, two_blocks, true, rsv1}});
  plain.receive({{text, hello.substr(0, 3), false, rsv1}, {ping}, {continuation, hello.substr(3)}});
  plain.receive({{text, string(1, '\0'), true, rsv1}, {text, "", true, rsv1}, {text, "Hello"}});
  EXPECT_EQ(seen, "Hello\nHello\nHello\nHello\nHello\nHello\nHello\n\n\nHello\n");
  EXPECT_EQ(plain.heard(), "pong\n");

  // Ours refer to earlier ones too.
  socket.receive({{text, "Hello, Hello, Hello"}, {text, "Hello, Hello, Hello"}});
  const auto frames = decode(socket.transport.take());
  ASSERT_EQ(frames.size(), 2);
  EXPECT_EQ(frames[1].rsv, rsv1);
  EXPECT_LT(frames[1].payload.size(), frames[0].payload.size());
}

TEST_F(WebsocketDeflate, RefusesWhatIsNoCompressedMessage) {
  const string bad = "close 1007\nfinished\n";
  const auto answer = [&](const std::vector<frame>& frames) {
    auto& socket = open(no_takeover);
    socket.receive(frames);
    return socket.heard();
  };
  EXPECT_EQ(answer({{text, "\xff\xff\xff", true, rsv1}}), bad) << "no block type 3";
  EXPECT_EQ(answer({{text, "\xf2\x48\xcd", true, rsv1}}), bad) << "the end is missing";
  EXPECT_EQ(answer({{text, string{"\xf2\x00\x11\x00\x00", 5}, true, rsv1}}), bad)
      << "refers to a message before it";
  deflating_client client{{}};
  EXPECT_EQ(answer({{text, client.compress("\xc3("), true, rsv1}}), bad) << "not UTF-8 inside";
  string finals;
  for (int i = 0; i < 100; ++i) finals += string{"\x03\x00", 2};
  EXPECT_EQ(answer({{text, finals + '\0', true, rsv1}}), bad) << "a hundred last blocks";
}

TEST_F(WebsocketDeflate, AllowsTheBitOnFirstFramesOnly) {
  const string bad = "close 1002\nfinished\n";
  const auto answer = [&](const std::vector<frame>& frames, const string& offer) {
    auto& socket = open(no_takeover, offer);
    socket.receive(frames);
    return socket.heard();
  };
  EXPECT_EQ(
      answer({{text, "a", false, rsv1}, {continuation, "", true, rsv1}}, "permessage-deflate"),
      bad);
  EXPECT_EQ(answer({{text, "a", false}, {continuation, "", true, rsv1}}, "permessage-deflate"),
            bad);
  EXPECT_EQ(answer({{ping, "a", true, rsv1}}, "permessage-deflate"), bad);
  EXPECT_EQ(answer({{text, "a", true, 2}}, "permessage-deflate"), bad);
  EXPECT_EQ(answer({{text, "a", true, rsv1}}, "unknown"), bad);
}

TEST_F(WebsocketDeflate, DoesNotUnpackMoreThanAMessageMayHave) {
  auto options = no_takeover;
  options.max_message = 1 << 20U;
  deflating_client client{{{false, 15}, {false, 15}}};
  const auto most = client.compress(string(options.max_message, 'a'));
  auto& good = open(options);
  good.receive({{binary, most, true, rsv1}});
  EXPECT_EQ(good.heard().substr(0, 4), "rsv4");

  // 64 MiB in 64 KiB: what is unpacked stays within the limit, and so does the memory.
  const auto bomb = client.compress(string(64 << 20U, 'a'));
  auto& bad = open(options);
  bad.receive({{binary, bomb, true, rsv1}});
  EXPECT_EQ(bad.heard(), "close 1009\nfinished\n");
  engine::scratch out;
  inflater tool{15};
  EXPECT_EQ(tool.message(bomb, out, options.max_message), inflater::verdict::too_big);
  EXPECT_EQ(out.size(), options.max_message + 1);
  EXPECT_LE(out.capacity(), options.max_message + 1);

  // Compressed bytes that never become anything count as well.
  string empty_blocks;
  while (empty_blocks.size() < (2 << 20U)) empty_blocks += string{"\x00\x00\x00\xff\xff", 5};
  auto& idle = open(options);
  idle.receive({{binary, empty_blocks, true, rsv1}});
  EXPECT_EQ(idle.heard(), "close 1009\nfinished\n");
}

TEST_F(WebsocketDeflate, SendsSmallOrIncompressibleMessagesAsTheyAre) {
  for (const auto& options : {both_takeovers, no_takeover}) {
    auto some = options;
    some.compression.threshold = 100;
    auto& socket = open(some);
    deflating_client client{*socket.agreed.compression};
    // Behind one that was tried and sent as it is, later ones must not refer to it.
    for (const auto& message : {words(99, 1), words(300, 2), noise(300, 3), words(300, 2),
                                noise(300, 3) + words(300, 2), string{}}) {
      socket.receive({{binary, client.compress(message), true, rsv1}});
      const auto got = decode(socket.transport.take());
      ASSERT_EQ(got.size(), 1);
      EXPECT_EQ(client.decompress(got[0]), message);
      EXPECT_EQ(got[0].rsv == 0, message.size() < 100 || message == noise(300, 3));
    }
  }
}

struct negotiated_case {
  string name;
  string offer;
  permessage_deflate wanted;
};

std::vector<negotiated_case> negotiated_cases() {
  const permessage_deflate takeover = both_takeovers.compression;
  auto small = takeover;
  small.server_max_window_bits = small.client_max_window_bits = 9;
  small.memory_level = 1;
  return {
      {"12.* and 13.1", "permessage-deflate; client_max_window_bits", takeover},
      {"13.2", "permessage-deflate; server_no_context_takeover; client_max_window_bits", takeover},
      {"13.3", "permessage-deflate; server_max_window_bits=9; client_max_window_bits", takeover},
      {"13.4", "permessage-deflate; server_max_window_bits=15; client_max_window_bits", takeover},
      {"13.5",
       "permessage-deflate; server_no_context_takeover; server_max_window_bits=9; "
       "client_max_window_bits",
       takeover},
      {"13.6",
       "permessage-deflate; server_no_context_takeover; server_max_window_bits=15; "
       "client_max_window_bits",
       takeover},
      {"13.7",
       "permessage-deflate; server_no_context_takeover; server_max_window_bits=9, "
       "permessage-deflate; server_no_context_takeover, permessage-deflate",
       takeover},
      {"nothing kept", "permessage-deflate", no_takeover.compression},
      {"client keeps nothing", "permessage-deflate; client_no_context_takeover", takeover},
      {"small windows", "permessage-deflate; client_max_window_bits", small},
      {"small windows, unasked", "permessage-deflate", small}};
}

TEST_F(WebsocketDeflate, CarriesMessagesUnderEveryAgreement) {  // 12.*, 13.*
  for (const auto& [name, offer, wanted] : negotiated_cases()) {
    SCOPED_TRACE(name);
    auto& socket = open({.compression = wanted}, offer);
    ASSERT_TRUE(socket.agreed.compression) << offer;
    deflating_client client{*socket.agreed.compression};
    unsigned seed = 0;
    for (const auto& [size, fragment] :
         std::vector<std::pair<std::size_t, std::size_t>>{{16, 0},
                                                          {64, 0},
                                                          {256, 0},
                                                          {1024, 0},
                                                          {4096, 0},
                                                          {32768, 0},
                                                          {131072, 0},
                                                          {8192, 256},
                                                          {65536, 256},
                                                          {131072, 4096},
                                                          {131072, 32768}})
      for (int round = 0; round < 5; ++round) {
        const auto message = words(size, ++seed);
        const auto packed = client.compress(message);
        auto frames = fragments(text, packed, fragment == 0 ? packed.size() : fragment);
        frames[0].rsv = rsv1;
        socket.receive(encode(frames), round % 2 == 0 ? 1000 : packed.size() + 100);
        const auto got = decode(socket.transport.take());
        ASSERT_EQ(got.size(), 1);
        ASSERT_EQ(client.decompress(got[0]), message);
        ASSERT_TRUE(size < 64 || got[0].payload.size() < size) << "it did compress";
      }
    EXPECT_EQ(socket.transport.ended, "");
  }
}

TEST_F(WebsocketDeflate, SaysTheSameByteByByte) {
  auto& whole = open(both_takeovers);
  auto& split = open(both_takeovers);
  deflating_client client{*whole.agreed.compression};
  string bytes;
  for (unsigned i = 1; i < 20; ++i) {
    auto frames = fragments(text, client.compress(words(i * 37, i)), 10 + i);
    frames[0].rsv = rsv1;
    frames.insert(frames.begin() + 1, {ping, std::to_string(i)});
    bytes += encode(frames) + encode({text, words(i, i)});
  }
  whole.receive(bytes);
  split.receive(bytes, 1);
  EXPECT_EQ(whole.heard(), split.heard());
}

TEST_F(WebsocketDeflate, CompressesAMessageForManyOnceForEachWindow) {
  const auto message = websocket_message::text(words(50'000, 7));
  const string offers[] = {"permessage-deflate; client_max_window_bits",
                           "permessage-deflate; server_max_window_bits=9",
                           "permessage-deflate; server_no_context_takeover", "unknown"};
  for (const auto& offer : offers)
    for (int i = 0; i < 2; ++i) {
      auto& socket = open(both_takeovers, offer);
      engine::deflate_parameters agreed;
      if (socket.agreed.compression) agreed = *socket.agreed.compression;
      deflating_client client{agreed};
      auto handle = socket.handle();
      // Own messages before and behind it must not refer across it.
      for (int round = 0; round < 3; ++round) {
        EXPECT_EQ(handle.text(words(2000, 9)), send_status::sent);
        EXPECT_EQ(handle.send(message), send_status::sent);
      }
      const auto got = decode(socket.transport.take());
      ASSERT_EQ(got.size(), 6);
      for (std::size_t at = 0; at < got.size(); ++at) {
        EXPECT_EQ(client.decompress(got[at]), at % 2 == 0 ? words(2000, 9) : message.payload());
        EXPECT_EQ(got[at].rsv, offer == "unknown" ? 0 : rsv1);
      }
    }
}

TEST_F(WebsocketDeflate, SharesTheCompressedFormBetweenClients) {
  const auto message = websocket_message::binary(words(100'000, 3));
  engine::message_deflation tool{workshop_, {false, 15}, {}};
  engine::message_deflation small{workshop_, {true, 9}, {}};
  const auto& once = message.prepared().compressed(tool);
  const auto& again = message.prepared().compressed(tool);
  EXPECT_EQ(once.payload.get(), again.payload.get());
  EXPECT_TRUE(once.compressed());
  EXPECT_NE(message.prepared().compressed(small).payload.get(), once.payload.get());
  const auto random = websocket_message::binary(noise(1000, 3));
  const auto& as_it_is = random.prepared().compressed(tool);
  EXPECT_FALSE(as_it_is.compressed());
  EXPECT_EQ(as_it_is.payload.get(), random.prepared().plain().payload.get());
}

}  // namespace
}  // namespace baton::http::test
