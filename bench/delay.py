#!/usr/bin/env python3
"""usage: delay.py HOST:PORT MILLISECONDS: prints the port of 127.0.0.1 on which it passes on connections to there,
every byte half of that later in each direction."""

import asyncio
import sys


class Pipe(asyncio.Protocol):
    def __init__(self, delay):
        self.delay, self.other, self.early = delay, None, []

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        asyncio.get_running_loop().call_later(self.delay, self.pass_on, data)

    def pass_on(self, data):
        if self.other is None:
            self.early.append(data)
        elif not self.other.is_closing():
            self.other.write(data)

    def connect(self, other):
        self.other = other
        for data in self.early:
            self.pass_on(data)

    def connection_lost(self, error):
        if self.other:
            self.other.close()


class Front(Pipe):
    def __init__(self, delay, target):
        super().__init__(delay)
        self.target = target

    def connection_made(self, transport):
        super().connection_made(transport)
        self.task = asyncio.ensure_future(self.reach())

    async def reach(self):
        back, behind = await asyncio.get_running_loop().create_connection(lambda: Pipe(self.delay), *self.target)
        behind.connect(self.transport)
        self.connect(back)


async def main(target, milliseconds):
    host, _, port = target.rpartition(":")
    server = await asyncio.get_running_loop().create_server(
        lambda: Front(float(milliseconds) / 2000, (host, int(port))), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    asyncio.run(main(*sys.argv[1:]))
