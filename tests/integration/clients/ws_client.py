"""A WebSocket client on python3-websockets: `ws_client.py echo|deflate|crowded|follow URL [CA]`.

echo: sends messages of many sizes, text and binary, and checks that each comes back; prints "ok".
deflate: the same with permessage-deflate, under each of its parameters.
crowded: meets a route that has room for two, and is told 1013.
follow: echoes one message after the other until standard input ends, and comes back when it is told
to leave (1001); prints how it went as JSON. A message that was sent on a connection that was then
closed with 1001 is sent again, which its close code allows; anything else counts as failed.
"""

import asyncio
import json
import ssl
import sys

import websockets
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory


def context(ca):
    if not ca:
        return None
    made = ssl.create_default_context(cafile=ca)
    made.check_hostname = False
    return made


async def echo(url, ca):
    async with websockets.connect(url, ssl=context(ca), subprotocols=["other", "echo"],
                                  max_size=None, compression=None) as socket:
        assert socket.subprotocol == "echo", socket.subprotocol
        for size in (0, 1, 125, 126, 65535, 65536, 1_000_000):
            for message in ("ü" * (size // 2), bytes(i % 251 for i in range(size))):
                await socket.send(message)
                assert await socket.recv() == message, size
        await socket.send(["frag", "mented ", "text"])
        assert await socket.recv() == "fragmented text"
        pong = await socket.ping()
        await pong
        await socket.close(1000)
        assert socket.close_code == 1000, socket.close_code
    print("ok")


async def deflate(url, ca):
    words = "".join(f"{i * i % 1009} " for i in range(60_000))
    for windows in ({}, {"server_max_window_bits": 9, "client_max_window_bits": 9},
                    {"server_max_window_bits": 12}, {"client_max_window_bits": None}):
        for server_none in (False, True):
            for client_none in (False, True):
                offer = ClientPerMessageDeflateFactory(
                    server_no_context_takeover=server_none, client_no_context_takeover=client_none,
                    **windows)
                async with websockets.connect(url, ssl=context(ca), extensions=[offer],
                                              compression=None, max_size=None) as socket:
                    agreed, = socket.extensions
                    assert agreed.remote_no_context_takeover == server_none, agreed
                    assert agreed.local_no_context_takeover == client_none, agreed
                    bits = windows.get("server_max_window_bits", 15)
                    assert agreed.remote_max_window_bits == bits, agreed
                    for size in (0, 1, 255, 256, 5000, 200_000):
                        for message in (words[:size], words[-size:].encode(), bytes(size)):
                            await socket.send(message)
                            assert await socket.recv() == message, (agreed, size)
                    await socket.send(words[at:at + 100] for at in range(0, 3000, 100))
                    assert await socket.recv() == words[:3000]
    print("ok")


async def crowded(url, ca):
    async with websockets.connect(url, ssl=context(ca)) as first, \
            websockets.connect(url, ssl=context(ca)) as second:
        try:
            async with websockets.connect(url, ssl=context(ca)) as third:
                await third.recv()
            raise AssertionError("there was room for a third")
        except websockets.ConnectionClosedError as closed:
            assert closed.rcvd.code == 1013 and closed.rcvd.reason, closed
            assert closed.sent.code == 1013, closed
        for socket in (first, second):
            await socket.send("mine")
            assert await socket.recv() == "mine"
    async with websockets.connect(url, ssl=context(ca)) as third:
        await third.send("at last")
        assert await third.recv() == "at last"
    print("ok")


async def follow(url, ca):
    count = {"echoed": 0, "moves": 0, "failed": 0}
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, ended.set)

    async def one(number):
        told = False
        while not ended.is_set():
            try:
                async with websockets.connect(url, ssl=context(ca), compression=None) as socket:
                    if not told:
                        print("connected", flush=True)
                        told = True
                    serial = 0
                    while not ended.is_set():
                        serial += 1
                        text = f"{number}:{serial}"
                        await socket.send(text)
                        if await socket.recv() != text:
                            count["failed"] += 1
                        count["echoed"] += 1
            except websockets.ConnectionClosed as closed:
                if closed.rcvd is not None and closed.rcvd.code == 1001:
                    count["moves"] += 1
                else:
                    count["failed"] += 1
                    print(f"client {number}: {closed!r}", file=sys.stderr)
            except Exception as error:  # whatever it is, the client noticed
                count["failed"] += 1
                print(f"client {number}: {error!r}", file=sys.stderr)

    await asyncio.gather(*(one(number) for number in range(8)))
    print(json.dumps(count))


PARTS = {each.__name__: each for each in (echo, deflate, crowded, follow)}
asyncio.run(PARTS[sys.argv[1]](sys.argv[2], *(sys.argv[3:] or [None])))
