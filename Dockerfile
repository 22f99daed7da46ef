FROM python:3.13-slim-trixie AS build
WORKDIR /build
COPY requirements.txt .
# Wheels alone: nothing is compiled here, and no package's own code runs while it is installed.
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes --only-binary :all: -r requirements.txt

FROM python:3.13-slim-trixie
# Why MALLOC_… are set stands in scripts/run.
ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    MALLOC_ARENA_MAX=2 \
    MALLOC_MMAP_THRESHOLD_=262144 \
    HOST=0.0.0.0 \
    PORT=8000
# The number is fixed so that it means the same user on every host whose folders or volumes we get.
RUN groupadd --gid 10001 contactbook \
    && useradd --uid 10001 --gid contactbook --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin contactbook \
    && install -d -m 0700 -o contactbook -g contactbook /app/var
WORKDIR /app
COPY --from=build /venv /venv
# What may come along is listed in .dockerignore. It stays root's: a process that was taken over cannot rewrite itself.
COPY . .
USER 10001:10001
VOLUME /app/var
EXPOSE 8000
# Asks under the public name, which ALLOWED_HOSTS is sure to hold, and past any proxy that the environment names.
HEALTHCHECK --interval=10s --timeout=6s --start-period=30s --retries=3 CMD ["python", "-c", "\
import http.client, os, sys; \
c = http.client.HTTPConnection('127.0.0.1', int(os.environ['PORT']), timeout=5); \
c.request('GET', '/readyz', headers={'Host': os.environ.get('PUBLIC_URL', '//localhost').split('//')[1]}); \
sys.exit(c.getresponse().status != 200)"]
CMD ["gunicorn", "-c", "contactbook/gunicorn_conf.py", "contactbook.wsgi"]
