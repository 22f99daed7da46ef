FROM python:3.13-slim-trixie AS build
WORKDIR /build
COPY requirements.txt .
# Only wheels: nothing is compiled, and no code of a package runs during the installation.
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes --only-binary :all: -r requirements.txt

FROM python:3.13-slim-trixie
# scripts/run explains the MALLOC_ variables.
ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MALLOC_ARENA_MAX=2 \
    MALLOC_MMAP_THRESHOLD_=262144 \
    HOST=0.0.0.0 \
    PORT=8000
# A fixed number is the same user on every host, for the owners of files in volumes.
RUN groupadd --gid 10001 contactbook \
    && useradd --uid 10001 --gid contactbook --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin contactbook \
    && install -d -m 0700 -o contactbook -g contactbook /app/var
WORKDIR /app
COPY --from=build /venv /venv
# .dockerignore lists the files that are copied. They belong to root: an attacker in the process cannot change them.
COPY . .
USER 10001:10001
VOLUME /app/var
EXPOSE 8000
# The Host header is that of PUBLIC_URL, which is in ALLOWED_HOSTS. http.client uses no proxy of the environment.
HEALTHCHECK --interval=10s --timeout=6s --start-period=30s --retries=3 CMD ["python", "-c", "\
import http.client, os, sys; \
c = http.client.HTTPConnection('127.0.0.1', int(os.environ['PORT']), timeout=5); \
c.request('GET', '/readyz', headers={'Host': os.environ.get('PUBLIC_URL', '//localhost').split('//')[1]}); \
sys.exit(c.getresponse().status != 200)"]
CMD ["gunicorn", "-c", "contactbook/gunicorn_conf.py", "contactbook.wsgi"]
