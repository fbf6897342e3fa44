"""Where the responder gets its tokens: the App Service identity endpoint, and Entra's token endpoint for B2C."""

import time
import uuid
from http import HTTPStatus
from typing import Any

import jwt
from aiohttp import web

from infra.local import world
from infra.local.tenant.instants import instant
from infra.local.tenant.simulation import Simulation
from infra.local.tenant.tokens import audience_of
from infra.local.world import Principal

_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_SCOPE_SUFFIX = "/.default"
_CLOCK_SKEW = 300


class _Denied(Exception):
    """An answer of the token endpoint: an AADSTS code and its words."""

    def __init__(self, code: int, message: str, *, error: str = "invalid_client", status: int = 401) -> None:
        super().__init__(message)
        self.code = code
        self.error = error
        self.status = status


def _identity_refused(status: int, message: str) -> web.Response:
    body = {"statusCode": status, "message": message, "correlationId": str(uuid.uuid4())}
    return web.json_response(body, status=status)


class SignIn:
    """Both endpoints. The managed identity reaches the workforce tenant only, the certificate the B2C tenant only."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation

    def plain_routes(self) -> list[web.RouteDef]:
        """Routes that are served over HTTP."""
        return [web.get("/msi/token", self._managed_identity)]

    def tls_routes(self) -> list[web.RouteDef]:
        """Routes that are served over HTTPS."""
        return [
            web.post("/{tenant}/oauth2/v2.0/token", self._token),
            web.get("/{tenant}/v2.0/.well-known/openid-configuration", self._metadata),
        ]

    async def _managed_identity(self, request: web.Request) -> web.Response:
        query = request.query
        if request.headers.get("X-IDENTITY-HEADER") != self._simulation.identity_header:
            return _identity_refused(HTTPStatus.UNAUTHORIZED, "The X-IDENTITY-HEADER header is missing or wrong.")
        if query.get("api-version") != "2019-08-01":
            return _identity_refused(HTTPStatus.BAD_REQUEST, "The api-version is not supported; use 2019-08-01.")
        if query.get("client_id", world.RESPONDER.client_id) != world.RESPONDER.client_id:
            message = (
                "No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId."
            )
            return _identity_refused(HTTPStatus.BAD_REQUEST, message)
        audience = audience_of(query.get("resource", ""))
        if audience is None:
            message = f"AADSTS500011: The resource principal named {query.get('resource')} was not found in the tenant."
            return _identity_refused(HTTPStatus.BAD_REQUEST, message)
        lifetime = self._simulation.settings.token_lifetime
        token = self._simulation.token_for(world.RESPONDER, audience, lifetime=lifetime)
        expires_on = str(int(time.time()) + lifetime)
        return web.json_response(
            {"access_token": token, "expires_on": expires_on, "resource": query["resource"], "token_type": "Bearer"}
        )

    async def _metadata(self, request: web.Request) -> web.Response:
        tenant = request.match_info["tenant"]
        root = f"{request.url.origin()}/{tenant}"
        return web.json_response(
            {
                "issuer": f"{root}/v2.0",
                "token_endpoint": f"{root}/oauth2/v2.0/token",
                "authorization_endpoint": f"{self._simulation.root}/{tenant}/oauth2/v2.0/authorize",
                "jwks_uri": f"{root}/discovery/v2.0/keys",
            }
        )

    async def _token(self, request: web.Request) -> web.Response:
        try:
            form = {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
            principal = self._signed_in(request, form)
            audience = _audience_from(form.get("scope", ""))
        except _Denied as denied:
            return _denied_answer(denied)
        lifetime = min(self._simulation.settings.token_lifetime, 3599)
        token = self._simulation.token_for(principal, audience, lifetime=lifetime)
        return web.json_response(
            {"token_type": "Bearer", "expires_in": lifetime, "ext_expires_in": lifetime, "access_token": token}
        )

    def _signed_in(self, request: web.Request, form: dict[str, str]) -> Principal:
        tenant = request.match_info["tenant"]
        if form.get("grant_type") != "client_credentials":
            raise _Denied(
                70003, "The app requested an unsupported grant type.", error="unsupported_grant_type", status=400
            )
        if tenant not in {*world.TENANT_DOMAINS, *world.TENANT_DOMAINS.values()}:
            message = f"Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID."
            raise _Denied(90002, message, error="invalid_request", status=400)
        application = world.RESPONDER_B2C
        at_home = tenant in {application.tenant, world.TENANT_DOMAINS[application.tenant]}
        if form.get("client_id") != application.client_id or not at_home:
            message = (
                f"Application with identifier '{form.get('client_id')}' was not found in the directory '{tenant}'."
            )
            raise _Denied(700016, message, error="unauthorized_client", status=400)
        if form.get("client_assertion_type") != _ASSERTION or "client_assertion" not in form:
            message = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'."
            raise _Denied(7000218, message)
        self._check_assertion(form["client_assertion"], str(request.url.with_query(None)))
        return application

    def _check_assertion(self, assertion: str, endpoint: str) -> None:
        client_id = world.RESPONDER_B2C.client_id
        try:
            claims = jwt.decode(
                assertion,
                self._simulation.certificates.b2c_key,
                algorithms=["RS256", "PS256"],
                audience=endpoint,
                leeway=_CLOCK_SKEW,
                options={"require": ["exp", "iss", "sub", "aud", "jti"]},
            )
        except jwt.ExpiredSignatureError as error:
            raise _Denied(700024, "Client assertion is not within its valid time range.") from error
        except jwt.InvalidAudienceError as error:
            raise _Denied(700023, "Client assertion audience claim does not match Realm issuer.") from error
        except jwt.InvalidSignatureError as error:
            message = "Client assertion failed signature validation. The key was not found, or it doesn't match."
            raise _Denied(700027, message) from error
        except jwt.InvalidTokenError as error:
            raise _Denied(50027, f"JWT token is invalid or malformed: {error}.") from error
        if claims["iss"] != client_id or claims["sub"] != client_id:
            raise _Denied(700021, "Client assertion application identifier doesn't match 'client_id' parameter.")


def _audience_from(scope: str) -> str:
    if not scope.endswith(_SCOPE_SUFFIX):
        message = f"The provided value for scope {scope} is not valid. It must end with /.default."
        raise _Denied(1002012, message, error="invalid_scope", status=400)
    audience = audience_of(scope.removesuffix(_SCOPE_SUFFIX))
    if audience is None:
        message = f"The resource principal named {scope.removesuffix(_SCOPE_SUFFIX)} was not found in the tenant."
        raise _Denied(500011, message, error="invalid_resource", status=400)
    return audience


def _denied_answer(denied: _Denied) -> web.Response:
    trace, correlation, now = str(uuid.uuid4()), str(uuid.uuid4()), f"{instant()[:19].replace('T', ' ')}Z"
    description = f"AADSTS{denied.code}: {denied} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {now}"
    body: dict[str, Any] = {
        "error": denied.error,
        "error_description": description,
        "error_codes": [denied.code],
        "timestamp": now,
        "trace_id": trace,
        "correlation_id": correlation,
        "error_uri": f"https://login.microsoftonline.com/error?code={denied.code}",
    }
    return web.json_response(body, status=denied.status)
