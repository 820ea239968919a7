#include "chat.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <string_view>

namespace {

using baton::http::message_kind;
using baton::http::request;
using baton::http::response;
using baton::http::websocket;
using baton::http::websocket_message;

constexpr std::string_view page = R"(<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>baton: a chat that outlives its server</title>
<style>
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
  body { max-width: 42rem; margin: 2rem auto; padding: 0 1rem; }
  #log { min-height: 12rem; border: 1px solid #8886; border-radius: .5rem; padding: .5rem 1rem; }
  #log p { margin: .25rem 0; }
  .note { opacity: .65; font-size: .9em; }
  form { display: flex; gap: .5rem; margin-top: 1rem; }
  input { flex: 1; font: inherit; padding: .5rem; }
  button { font: inherit; padding: .5rem 1rem; }
</style>
<h1>A chat that outlives its server</h1>
<p class="note">Served by <b id="pid">...</b>; the connection was moved <b id="moves">0</b> times,
<b id="lost">0</b> messages were lost. Restart the server with <code>kill -USR1</code> and go on.</p>
<div id="log" role="log" aria-live="polite"></div>
<form id="form"><input id="text" autocomplete="off" placeholder="Say something" aria-label="Message">
<button>Send</button></form>
<script>
  const by = (id) => document.getElementById(id);
  const waiting = [];  // said while no connection is open, or not heard back yet
  let socket, moves = 0, wait = 0, number = 0;
  const me = Math.random().toString(36).slice(2);
  const show = (text, note) => {
    const line = document.createElement("p");
    line.textContent = text;
    if (note) line.className = "note";
    by("log").append(line);
  };
  const send = (item) => {
    if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(item));
  };
  const connect = () => {
    socket = new WebSocket(location.origin.replace("http", "ws") + "/chat/ws");
    socket.onopen = () => { wait = 0; waiting.forEach(send); };
    socket.onmessage = ({data}) => {
      if (data.startsWith("pid:")) { by("pid").textContent = data; return; }
      const item = JSON.parse(data);
      const mine = item.from === me && waiting.findIndex((each) => each.number === item.number);
      if (item.from === me) { if (mine < 0) return; waiting.splice(mine, 1); }
      show(item.text);
    };
    socket.onclose = ({code}) => {
      by("moves").textContent = ++moves;
      // 1001: the server leaves, the next one is there already.
      setTimeout(connect, code === 1001 ? 0 : wait);
      wait = Math.min(wait * 2 + 100, 5000);
    };
  };
  by("form").onsubmit = (event) => {
    event.preventDefault();
    if (!by("text").value) return;
    const item = {from: me, number: ++number, text: by("text").value};
    waiting.push(item);
    send(item);
    by("text").value = "";
  };
  connect();
</script>
)";

}  // namespace

chat::chat(baton::http::service& on) {
  on.get("/chat", [](const request&) { return response::view(page, "text/html; charset=utf-8"); });
  on.websocket("/chat/ws", {.max_message = 4096, .accept_binary = false},
               {.open =
                    [this](websocket& socket, const request&) {
                      socket.text(fmt::format("pid:{}", ::getpid()));
                      room_.subscribe(socket);
                    },
                .message =
                    [this](websocket&, std::string_view payload, message_kind) {
                      room_.publish(websocket_message::text(std::string{payload}));
                    }});
}
