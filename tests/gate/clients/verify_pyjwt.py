"""Verifies assertions with PyJWT, as an origin would; asked and answering as verify_jose.mjs does, with the names of
PyJWT's exceptions."""

import json
import sys

import jwt

question = json.loads(sys.argv[1])
jwks = question.get("jwks") and jwt.PyJWKClient(question["jwks"])
# A clock that is ahead: PyJWT takes it as a leeway below zero, and would then find a fresh assertion too young.
ahead = question["seconds_later"]
options = {"require": ["sub", "exp", "iat"], "verify_iat": ahead == 0}
results = []
for assertion in question["assertions"]:
    try:
        key = jwks.get_signing_key_from_jwt(assertion) if jwks else jwt.PyJWK(question["key"], "HS256")
        claims = jwt.decode(
            assertion,
            key,
            algorithms=["ES256", "EdDSA"] if jwks else ["HS256"],
            issuer=question["issuer"],
            audience=question["audience"],
            leeway=-ahead,
            options=options,
        )
        results.append({"claims": claims})
    except jwt.PyJWTError as error:
        results.append({"error": type(error).__name__})
print(json.dumps(results))
