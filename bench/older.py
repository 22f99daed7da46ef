"""A peer: the older design, rebuilt from its document. FastAPI with async routes over blocking SQLAlchemy sessions, the
user pickled in Redis, slowapi's fixed window, answers through pydantic. One uvicorn process.

Where the document leaves a choice, the faster way was taken: an index on the owner, birthdays filtered in SQL,
uvloop and httptools, no access log, and a connection pool that is large enough.
"""

import os
import pickle
from datetime import UTC, date, datetime, timedelta

import jwt
import redis
from fastapi import Depends, FastAPI, HTTPException, Request, status
from fastapi.security import OAuth2PasswordBearer
from pydantic import BaseModel, ConfigDict
from slowapi import Limiter, _rate_limit_exceeded_handler
from slowapi.errors import RateLimitExceeded
from slowapi.util import get_remote_address
from sqlalchemy import BigInteger, Boolean, Column, Date, DateTime, ForeignKey, Integer, String, create_engine, func
from sqlalchemy.orm import Session, declarative_base, sessionmaker

url = os.environ["DATABASE_URL"].replace("postgres://", "postgresql+psycopg2://")
engine = create_engine(url, pool_size=20)
SessionLocal = sessionmaker(autocommit=False, autoflush=False, bind=engine)
Base = declarative_base()


class User(Base):
    __tablename__ = "users"
    id = Column(Integer, primary_key=True)
    username = Column(String(150))
    email = Column(String(254), nullable=False, unique=True)
    password = Column(String(255), nullable=False)
    created_at = Column(DateTime, default=func.now())
    refresh_token = Column(String(255), nullable=True)
    confirmed = Column(Boolean, default=False)


class Contact(Base):
    __tablename__ = "contacts"
    id = Column(Integer, primary_key=True)
    fullname = Column(String(255))
    email = Column(String(320))
    phone_number = Column(BigInteger)
    birthday = Column(Date)
    additional = Column(String)
    avatar = Column(String(255))
    user_id = Column(ForeignKey("users.id", ondelete="CASCADE"), index=True)


class ContactModel(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    fullname: str
    email: str | None = None
    phone_number: int | None = None
    birthday: date | None = None
    additional: str | None = None
    user_id: int | None = None
    avatar: str | None = None


def create_tables():
    Base.metadata.create_all(engine)


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()


class Auth:
    SECRET_KEY = os.environ["SECRET_KEY"]
    ALGORITHM = "HS256"
    oauth2_scheme = OAuth2PasswordBearer(tokenUrl="/api/auth/login")
    r = redis.Redis.from_url(os.environ["REDIS_URL"])

    async def get_current_user(self, token: str = Depends(oauth2_scheme), db: Session = Depends(get_db)) -> User:
        refused = HTTPException(
            status_code=status.HTTP_401_UNAUTHORIZED,
            detail="Could not validate credentials",
            headers={"WWW-Authenticate": "Bearer"},
        )
        try:
            payload = jwt.decode(token, self.SECRET_KEY, algorithms=[self.ALGORITHM])
        except jwt.InvalidTokenError:
            raise refused from None
        email = payload.get("sub")
        if payload.get("scope") != "access_token" or email is None:
            raise refused
        user = self.r.get(f"older:user:{email}")
        if user is not None:
            return pickle.loads(user)
        user = db.query(User).filter(User.email == email).first()
        if user is None:
            raise refused
        self.r.set(f"older:user:{email}", pickle.dumps(user))
        self.r.expire(f"older:user:{email}", 900)
        return user


auth_service = Auth()
limiter = Limiter(key_func=get_remote_address, storage_uri=os.environ["REDIS_URL"], key_prefix="older")
RATE = "100000000/minute"  # never reached, always counted

app = FastAPI()
app.state.limiter = limiter
app.add_exception_handler(RateLimitExceeded, _rate_limit_exceeded_handler)


@app.get("/api/contacts/", response_model=list[ContactModel])
@limiter.limit(RATE)
async def read_contacts(
    request: Request,
    skip: int = 0,
    limit: int = 20,
    current_user: User = Depends(auth_service.get_current_user),
    db: Session = Depends(get_db),
):
    return db.query(Contact).filter(Contact.user_id == current_user.id).offset(skip).limit(limit).all()


@app.post("/api/contacts/", response_model=ContactModel, status_code=status.HTTP_201_CREATED)
@limiter.limit(RATE)
async def create_contact(
    request: Request,
    body: ContactModel,
    current_user: User = Depends(auth_service.get_current_user),
    db: Session = Depends(get_db),
):
    contact = Contact(**{**body.model_dump(), "user_id": current_user.id})
    db.add(contact)
    db.commit()
    db.refresh(contact)
    return contact


@app.get("/api/contacts/bd", response_model=list[ContactModel])
@limiter.limit(RATE)
async def check_birthdays(
    request: Request,
    days_range: int = 7,
    current_user: User = Depends(auth_service.get_current_user),
    db: Session = Depends(get_db),
):
    today = datetime.now(UTC).date()
    end = min(today + timedelta(days=days_range), date(today.year, 12, 31))
    day = func.to_char(Contact.birthday, "MM-DD")
    within = day.between(f"{today:%m-%d}", f"{end:%m-%d}")
    return db.query(Contact).filter(Contact.user_id == current_user.id, within).order_by(day).all()


@app.get("/api/contacts/{query}", response_model=ContactModel)
@limiter.limit(RATE)
async def read_contact(
    request: Request,
    query: str,
    current_user: User = Depends(auth_service.get_current_user),
    db: Session = Depends(get_db),
):
    mine = db.query(Contact).filter(Contact.user_id == current_user.id)
    contact = mine.filter(Contact.fullname.contains(query)).first()
    contact = contact or mine.filter(Contact.email.contains(query)).first()
    if contact is None:
        raise HTTPException(status_code=status.HTTP_404_NOT_FOUND, detail="Contact was not found")
    return contact


@app.put("/api/contacts/{contact_id}", response_model=ContactModel)
@limiter.limit(RATE)
async def update_contact(
    request: Request,
    body: ContactModel,
    contact_id: int,
    current_user: User = Depends(auth_service.get_current_user),
    db: Session = Depends(get_db),
):
    contact = db.query(Contact).filter(Contact.id == contact_id, Contact.user_id == current_user.id).first()
    if contact is None:
        raise HTTPException(status_code=status.HTTP_404_NOT_FOUND, detail="Contact was not found")
    for field in ("fullname", "email", "phone_number", "birthday", "additional"):
        setattr(contact, field, getattr(body, field))
    db.commit()
    return contact
