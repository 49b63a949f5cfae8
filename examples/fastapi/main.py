"""A FastAPI app that serves nobody but a Gatehouse's users, by the assertion that the gate sends along.

    pip install fastapi uvicorn "PyJWT[crypto]"
    ISSUER=https://gate.example.com AUDIENCE=https://app.example.com uvicorn main:app --port 8000

ISSUER is the gate's PUBLIC_URL, AUDIENCE its ORIGIN or ASSERTION_AUDIENCE, and its ASSERTION_JWK is of ES256.
JWKS_URL is for a gate whose keys are elsewhere than at ISSUER.
"""

import asyncio
import os

import jwt
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

ISSUER, AUDIENCE = os.environ["ISSUER"], os.environ["AUDIENCE"]
# Read when first needed, and kept for five minutes.
keys = jwt.PyJWKClient(os.environ.get("JWKS_URL", f"{ISSUER}/_gatehouse/jwks.json"), timeout=5)
app = FastAPI()


def verified(assertion: str) -> dict:
    key = keys.get_signing_key_from_jwt(assertion)
    required = {"require": ["iss", "aud", "sub", "exp"]}
    return jwt.decode(assertion, key, algorithms=["ES256"], issuer=ISSUER, audience=AUDIENCE, options=required)


# For every HTTP request, those to /docs and to paths that do not exist too; a WebSocket's route has to ask by itself.
@app.middleware("http")
async def authenticate(request: Request, call_next):
    try:
        assertion = request.headers.get("x-gatehouse-assertion", "")
        # In a thread: reading the keys takes as long as the gate does.
        request.state.claims = await asyncio.to_thread(verified, assertion)
    except jwt.PyJWTError:
        return JSONResponse({"detail": "Come through the gate"}, 401)
    return await call_next(request)


@app.get("/")
async def who_is_calling(request: Request) -> dict:
    return {"user": request.state.claims["sub"], "roles": request.state.claims["roles"]}
