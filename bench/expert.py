"""A peer: the same contract by an expert of asynchronous Python. FastAPI for the routes and the input, asyncpg with its
prepared statements, one Redis pipeline a request for user and limit, orjson, uvloop and httptools. One uvicorn process.

It keeps no change log, no card and no history: a write is one statement. It searches and sorts as the product does.
"""

import os
import uuid
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime

import asyncpg
import jwt
import orjson
import redis.asyncio
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from pydantic import BaseModel, Field

from bench.limit import LIMIT, SCRIPT, SPAN
from contacts.cards import birthdays
from contacts.cards.folding import fold

KEY = os.environ["SECRET_KEY"]
COLUMNS = "fullname, email, phone_number, birthday, additional, user_id, avatar, id"
MINE = f"SELECT {COLUMNS} FROM expert_contacts WHERE user_id = $1"
LIST = f"{MINE} ORDER BY fullname_folded, id LIMIT $2 OFFSET $3"
NAMED = f"{MINE} AND fullname_folded LIKE $2 ORDER BY fullname_folded, id LIMIT 1"
ADDRESSED = f"{MINE} AND email_folded LIKE $2 ORDER BY fullname_folded, id LIMIT 1"
BIRTHDAYS = f"{MINE} AND month_day BETWEEN $2 AND $3 ORDER BY month_day, fullname_folded, id"
CREATE = f"""INSERT INTO expert_contacts (user_id, fullname, email, phone_number, birthday, additional, avatar,
    month_day, fullname_folded, email_folded) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING {COLUMNS}"""
UPDATE = f"""UPDATE expert_contacts SET fullname = $3, email = $4, phone_number = $5, birthday = $6, additional = $7,
    avatar = coalesce($8, avatar), month_day = $9, fullname_folded = $10, email_folded = $11
    WHERE user_id = $1 AND id = $2 RETURNING {COLUMNS}"""


class ContactInput(BaseModel):
    fullname: str = Field(min_length=1, max_length=255)
    email: str | None = Field(None, max_length=320)
    phone_number: int | None = Field(None, ge=0, lt=10**15)
    birthday: date | None = None
    additional: str | None = Field(None, max_length=65_535)
    avatar: str | None = Field(None, max_length=2048)

    def columns(self):
        day = self.birthday and birthdays.ordinal(self.birthday)
        folded = fold(self.fullname), fold(self.email or "")
        return [*self.model_dump().values(), day, *folded]


@asynccontextmanager
async def lifespan(app):
    app.pool = await asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=10, max_size=10)
    app.redis = redis.asyncio.Redis.from_url(os.environ["REDIS_URL"])
    app.script = await app.redis.script_load(SCRIPT)
    yield
    await app.pool.close()


app = FastAPI(lifespan=lifespan)


class Caller:
    """Who asks; with the route's limit counted in the same trip to Redis."""

    def __init__(self, route):
        self.route = route

    async def __call__(self, request: Request) -> int:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        try:
            owner = int(jwt.decode(token, KEY, algorithms=["HS256"])["sub"])
        except (jwt.InvalidTokenError, KeyError, ValueError):
            raise HTTPException(401, "Not authenticated") from None
        pipeline = app.redis.pipeline(transaction=False)
        pipeline.get(f"expert:user:{owner}")
        pipeline.evalsha(app.script, 1, f"expert:limit:{self.route}:{owner}", LIMIT, SPAN, uuid.uuid4().hex)
        user, (counted, _) = await pipeline.execute()
        active = orjson.loads(user)["active"] if user else await self.loaded(owner)
        if not active:
            raise HTTPException(401, "Not authenticated")
        if not counted:
            raise HTTPException(429, "Too many requests")
        return owner

    async def loaded(self, owner):
        active = await app.pool.fetchval("SELECT confirmed FROM expert_users WHERE id = $1", owner)
        await app.redis.set(f"expert:user:{owner}", orjson.dumps({"active": bool(active)}), 30)
        return active


def answer(value, status=200):
    return Response(orjson.dumps(value), status, media_type="application/json")


@app.get("/api/contacts/")
async def read_contacts(skip: int = 0, limit: int = 20, owner: int = Depends(Caller("list"))):
    return answer([dict(row) for row in await app.pool.fetch(LIST, owner, limit, skip)])


@app.post("/api/contacts/")
async def create_contact(body: ContactInput, owner: int = Depends(Caller("create"))):
    return answer(dict(await app.pool.fetchrow(CREATE, owner, *body.columns())), 201)


@app.get("/api/contacts/bd")
async def check_birthdays(days_range: int = 7, owner: int = Depends(Caller("birthdays"))):
    span = birthdays.span(datetime.now(UTC).date(), days_range, across_year=False)
    window = birthdays.window(*span, 228)
    return answer([dict(row) for row in await app.pool.fetch(BIRTHDAYS, owner, window.first, window.last)])


@app.get("/api/contacts/{query}")
async def read_contact(query: str, owner: int = Depends(Caller("find"))):
    pattern = f"%{fold(query)}%"
    found = await app.pool.fetchrow(NAMED, owner, pattern) or await app.pool.fetchrow(ADDRESSED, owner, pattern)
    if found is None:
        raise HTTPException(404, "Contact was not found")
    return answer(dict(found))


@app.put("/api/contacts/{contact_id}")
async def update_contact(contact_id: int, body: ContactInput, owner: int = Depends(Caller("update"))):
    row = await app.pool.fetchrow(UPDATE, owner, contact_id, *body.columns())
    if row is None:
        raise HTTPException(404, "Contact was not found")
    return answer(dict(row))
