"""The load: so many connections that each send a request, wait for the whole answer, look whether it is right, and
send the next. A process of its own; a job is a line on its input, the result a line on its output.

A plan is a pickled list of (request, status, needles): the bytes to send, the status that is right, and for each text
of `needles` how often it stands in the answer, head and body. Latencies are seconds from sending to the last byte.
"""

import asyncio
import json
import pickle
import sys
import time

import uvloop

CHUNKED = 2**62
LAST_CHUNK = b"\r\n0\r\n\r\n"
SHOWN = 3  # wrong answers that are shown


class Connection(asyncio.Protocol):
    def __init__(self, run):
        self.run, self.data, self.need = run, b"", 0

    def connection_made(self, transport):
        self.transport = transport
        self.next()

    def next(self):
        self.plan = self.run.take()
        if self.plan is None:
            self.transport.close()
            self.run.closed()
            return
        self.sent = time.perf_counter()
        self.transport.write(self.plan[0])

    def data_received(self, data):
        self.data = self.data + data if self.data else data
        if not self.need:
            end = self.data.find(b"\r\n\r\n")
            if end < 0:
                return
            length = body_length(self.data[: end + 2])
            self.need = CHUNKED if length == CHUNKED else end + 4 + length
        if self.data.endswith(LAST_CHUNK) if self.need == CHUNKED else len(self.data) >= self.need:
            answer, self.data, self.need = self.data, b"", 0
            self.run.took(time.perf_counter() - self.sent, self.plan, answer)
            if self.run.pause:
                asyncio.get_running_loop().call_later(self.run.pause, self.next)
            else:
                self.next()

    def connection_lost(self, error):
        if self.plan is not None:
            self.run.failed(f"the connection was lost: {error}")


def body_length(head):
    """In bytes; CHUNKED where it is not said before."""
    lower = head.lower()
    place = lower.find(b"\r\ncontent-length:")
    if place < 0:
        if b"\r\ntransfer-encoding: chunked" in lower:
            return CHUNKED
        assert lower[9:12] in (b"304", b"204"), head
        return 0
    return int(lower[place + 17 : lower.find(b"\r\n", place + 17)])


class Run:
    def __init__(self, job, plan):
        self.job, self.plan, self.index = job, plan, job.get("start", 0)
        self.latencies, self.wrong, self.warm = [], [], False
        self.connections = job["connections"]
        self.open = self.connections
        self.over = asyncio.get_running_loop().create_future()
        self.begun = time.perf_counter()
        self.warm_until = self.begun + job.get("warm", 0)
        self.until = self.warm_until + job["seconds"]
        self.requests = job.get("requests")  # at most
        self.pause = job.get("pause")  # seconds before each connection's next one

    def take(self):
        now = time.perf_counter()
        if not self.warm and now >= self.warm_until:
            self.warm, self.begun, self.latencies, self.cpu = True, now, [], time.process_time()
            print(json.dumps({"begun": True}), flush=True)
        done = self.requests is not None and self.index - self.job.get("start", 0) >= self.requests
        if now >= self.until or done or len(self.wrong) > SHOWN:
            return None
        self.index += 1
        return self.plan[(self.index - 1) % len(self.plan)]

    def took(self, seconds, plan, answer):
        self.latencies.append(seconds)
        _, status, needles = plan
        if not answer.startswith(b"HTTP/1.1 %d " % status) or any(answer.count(text) != n for text, n in needles):
            self.wrong.append(f"asked {plan[0]!r}\nexpected {status} {needles}\ngot {answer[:2000]!r}")

    def failed(self, why):
        self.wrong.append(why)
        self.closed()

    def closed(self):
        self.open -= 1
        if self.open == 0 and not self.over.done():
            self.over.set_result(None)

    def result(self):
        elapsed = time.perf_counter() - self.begun
        return {
            "seconds": elapsed,
            "requests": len(self.latencies),
            "latencies": self.latencies,
            "wrong": self.wrong[:SHOWN],
            "next": self.index,
            "load": (time.process_time() - self.cpu) / elapsed,
        }


async def perform(job, plan):
    loop = asyncio.get_running_loop()
    run = Run(job, plan)
    await asyncio.gather(
        *(loop.create_connection(lambda: Connection(run), "127.0.0.1", job["port"]) for _ in range(run.connections))
    )
    await run.over
    return run.result()


def main():
    plans = {}
    for line in sys.stdin:
        job = json.loads(line)
        if job["plan"] not in plans:
            with open(job["plan"], "rb") as file:
                plans[job["plan"]] = pickle.load(file)
        print(json.dumps(uvloop.run(perform(job, plans[job["plan"]]))), flush=True)


if __name__ == "__main__":
    main()
