"""An SMTP server that takes everything and keeps nothing, in a process of its own.

python -m benchmarks.sink <port>
"""

import asyncio
import sys

ANSWERS = {b"EHLO": b"250-sink\r\n250 SIZE\r\n", b"QUIT": b"221 bye\r\n"}


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 sink\r\n")
    while line := await reader.readline():
        word = line[:4].upper().strip()
        if word == b"DATA":
            writer.write(b"354 go on\r\n")
            await reader.readuntil(b"\r\n.\r\n")
        writer.write(ANSWERS.get(word, b"250 OK\r\n"))
        if word == b"QUIT":
            break
    writer.close()


async def _main(port: int) -> None:
    async with await asyncio.start_server(_serve, "127.0.0.1", port, limit=2**24) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1])))
