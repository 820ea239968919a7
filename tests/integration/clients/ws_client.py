"""A WebSocket client on python3-websockets: `ws_client.py echo URL [CA]`, `ws_client.py follow URL [CA]`.

echo: sends messages of many sizes, text and binary, and checks that each comes back; prints "ok".
follow: echoes one message after the other until standard input ends, and comes back when it is told
to leave (1001); prints how it went as JSON. A message that was sent on a connection that was then
closed with 1001 is sent again, which its close code allows; anything else counts as failed.
"""

import asyncio
import json
import ssl
import sys

import websockets


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


asyncio.run({"echo": echo, "follow": follow}[sys.argv[1]](sys.argv[2], *(sys.argv[3:] or [None])))
