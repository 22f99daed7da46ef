"""What is measured, and with what: PostgreSQL, Redis, the servers, the load, and on which core each of them runs."""

import contextlib
import json
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import psycopg2

from bench.limit import LIMIT
from scripts.services import free_port, postgres, redis_server, signals_as_exceptions

ROOT = Path(__file__).resolve().parent.parent
TICKS = os.sysconf("SC_CLK_TCK")
START_SECONDS = 30
ALL_CORES = sorted(os.sched_getaffinity(0))
# The servers have the first core for themselves; PostgreSQL, Redis and the load share the rest.
SERVER_CORES, OTHER_CORES = set(ALL_CORES[:1]), set(ALL_CORES[1:] or ALL_CORES)
PASSWORD = "a quiet harbour 42"
KEPT = ("PATH", "HOME", "LANG", "TMPDIR")
SECRET_KEY = "for-the-benchmark-only-" + "x" * 40


def pinned(cores):
    return lambda: os.sched_setaffinity(0, cores)


def descendants(pid):
    """All processes that it started, and that these started."""
    found = [pid]
    for each in found:
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{each}/task").iterdir():
                found += map(int, (task / "children").read_text().split())
    return found[1:]


def pin_all_but(servers, cores):
    """Moves what runs: PostgreSQL, Redis and the load. Servers stay where they were started."""
    served = {pid for server in servers if server.running for pid in server.processes()}
    for pid in set(descendants(os.getpid())) - served:
        for task in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):
                os.sched_setaffinity(int(task.name), cores)


class Server:
    """A server under test: `command` is what a shell would be told; the port is the variable PORT."""

    def __init__(self, name, command, env, folder):
        self.name, self.command, self.port = name, command, free_port()
        self.env = {**env, "PORT": str(self.port), "PYTHONDONTWRITEBYTECODE": ""}
        self.log = folder / f"{name}.log"
        self.process = None
        self.cores = SERVER_CORES
        self.sorts = self.counts = True  # lists as the contract does, and tells how many there are
        self.places = {}  # where each plan goes on

    def start(self, path="/healthz", token=None):
        """Returns the seconds to the first answer; with a token, to the first that is a 200."""
        begun = time.perf_counter()
        with self.log.open("ab") as log:
            command = [part.format(port=self.port) for part in self.command]
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=self.env,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=pinned(self.cores),
            )
        while not self.answers(path, token):
            if self.process.poll() is not None or time.perf_counter() - begun > START_SECONDS:
                raise SystemExit(f"{self.name} did not start:\n{self.log.read_text()}")
            time.sleep(0.005)
        return time.perf_counter() - begun

    def answers(self, path, token):
        try:
            return self.ask("GET", path, token)[0] == 200 or not token
        except OSError:
            return False

    @property
    def running(self):
        return self.process is not None and self.process.poll() is None

    def stop(self):
        if self.running:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()

    def processes(self):
        return [self.process.pid, *descendants(self.process.pid)]

    def cpu(self):
        """Seconds of processor that all its processes have used."""
        total = 0
        for pid in self.processes():
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
        return total / TICKS

    def memory(self):
        """PSS in MB of the largest of its processes: of one that serves."""
        sizes = []
        for pid in self.processes():
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            sizes.append(next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024)
        return max(sizes)

    def ask(self, method, path, token=None, body=None, headers=None):
        """One request: (status, headers, body)."""
        headers = dict(headers or {}) | ({"Authorization": f"Bearer {token}"} if token else {})
        url = f"http://127.0.0.1:{self.port}{path}"
        request = urllib.request.Request(url, data=body, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, error.read()


class Load:
    """The load's process; one job at a time."""

    def __init__(self, folder):
        self.folder, self.plans = folder, 0
        command = [sys.executable, "-m", "bench.load"]
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=pinned(OTHER_CORES),
        )

    def plan(self, name, requests):
        """The file of it, a new one each time."""
        self.plans += 1
        path = self.folder / f"{self.plans}-{name}.plan"
        path.write_bytes(pickle.dumps(requests))
        return str(path)

    def begin(self, server, plan, seconds, connections=16, warm=0.2, **options):
        """Returns when the load is warm, and with it the server's processor time."""
        job = {"port": server.port, "plan": plan, "seconds": seconds, "connections": connections, "warm": warm}
        job["start"] = server.places.get(plan, 0)
        self.process.stdin.write(json.dumps(job | options) + "\n")
        self.process.stdin.flush()
        self.server, self.job = server, job
        first = self.line()
        if "begun" not in first:
            self.check(first)
        self.before = server.cpu()

    def end(self):
        result = self.line()
        result["cpu"] = self.server.cpu() - self.before
        self.server.places[self.job["plan"]] = result["next"]
        return self.check(result)

    def run(self, server, plan, seconds, **options):
        self.begin(server, plan, seconds, **options)
        return self.end()

    def line(self):
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("the load ended by itself")
        return json.loads(line)

    def check(self, result):
        if result["wrong"]:
            tail = self.server.log.read_text()[-3000:]
            raise SystemExit(f"{self.server.name} answered wrongly:\n" + "\n".join(result["wrong"]) + "\n" + tail)
        return result

    def stop(self):
        self.process.terminate()
        self.process.communicate()


class Stage:
    """Everything that runs, until the block ends."""

    def __init__(self, folder, database_url, redis_url):
        self.folder, self.database_url, self.redis_url = folder, database_url, redis_url
        self.load = Load(folder)
        self.servers = []

    def database(self, name):
        return urllib.parse.urlsplit(self.database_url)._replace(path=f"/{name}").geturl()

    def sql(self, statement, *parameters, database="contactbook", fetch=False):
        connection = psycopg2.connect(self.database(database))
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement, parameters or None)
                return cursor.fetchall() if fetch else None
        finally:
            connection.close()

    def env(self, database="contactbook", redis=True, **variables):
        """The product's production settings: its limits counted on every request, and never reached."""
        kept = {name: value for name, value in os.environ.items() if name in KEPT}
        var = self.folder / f"var-{database or 'sqlite'}"
        env = kept | {"VAR_DIR": str(var), "SECRET_KEY": SECRET_KEY, "EMAIL_URL": f"filemail://{var}/mail"}
        env |= {"RATE_LIMITS": f"*={LIMIT}/m", "DJANGO_SETTINGS_MODULE": "contactbook.settings"}
        env |= {"DATABASE_URL": self.database(database)} if database else {}
        env |= {"REDIS_URL": self.redis_url, "REDIS_PREFIX": database} if redis else {}
        return env | variables

    def manage(self, *arguments, env):
        command = [sys.executable, "manage.py", *arguments]
        subprocess.run(command, cwd=ROOT, env=env, check=True, stdout=sys.stderr, preexec_fn=pinned(ALL_CORES))

    def populate(self, size, env):
        counts = [f"--users={size.users}", f"--contacts={size.contacts}", f"--power={size.power}"]
        self.manage("migrate", "-v0", env=env)
        self.manage("populate", *counts, f"--password={PASSWORD}", env=env)

    def inside(self, *question, env):
        command = [sys.executable, "-m", "bench.inside", *question]
        return json.loads(subprocess.run(command, cwd=ROOT, env=env, check=True, stdout=subprocess.PIPE).stdout)

    def server(self, name, command, env):
        server = Server(name, command, env, self.folder)
        self.servers.append(server)
        return server

    def product(self, env, name="ours"):
        return self.server(name, [*GUNICORN, "contactbook.wsgi"], env)

    def bare(self, env):
        return self.server("bare", [*GUNICORN, "bench.bare:application"], env)

    def spread(self, others):
        pin_all_but(self.servers, set(others))

    def uvicorn(self, name, env):
        options = ["--port", "{port}", "--log-level", "warning", "--no-access-log"]
        return self.server(name, [sys.executable, "-m", "uvicorn", f"bench.{name}:app", *options], env)


GUNICORN = [sys.executable, "-m", "gunicorn", "-c", "contactbook/gunicorn_conf.py"]


@contextlib.contextmanager
def stage():
    with contextlib.ExitStack() as stack:
        stack.enter_context(signals_as_exceptions())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="contactbook-bench-")))
        os.sched_setaffinity(0, OTHER_CORES)
        here = Stage(folder, stack.enter_context(postgres(folder, True)), stack.enter_context(redis_server(folder)))
        stack.callback(here.load.stop)
        try:
            yield here
        finally:
            for server in here.servers:
                server.stop()
