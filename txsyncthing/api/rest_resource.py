"""
The way of a request: bounded body, host check, CORS, door, Klein's routes, answer.

Source: reference 7.1 "Middleware order".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from io import BytesIO
from typing import Any, Protocol
from urllib.parse import parse_qs

from klein import Klein
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IAddress, IReactorTime
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel, datetimeToString
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site
from werkzeug.exceptions import NotFound

from txsyncthing.api.exchange import Answer, Question, Refused, Route, error, nearest, redirect
from txsyncthing.api.flow_protocol import Flow
from txsyncthing.api.session import Asking, Guard, Password, Refusal, Rules, Welcome
from txsyncthing.runtime.log_service import Log

MAX_BODY = 32 * 1024 * 1024  # bytes; a configuration of ten thousand folders has 15 MiB
MAX_CHANNELS = 1000  # connections
MAX_FIELDS = 10_000  # query parameters
IDLE = 15.0  # seconds that a client may take over a request, or be silent between two
NOT_FOUND = "404 page not found"
_CORS = {
    "Access-Control-Allow-Headers": "Content-Type, X-API-Key",
    "Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE, OPTIONS",
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Max-Age": "600",
}
_TOO_LARGE = (
    b"HTTP/1.1 413 Request Entity Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
)


class BoundedRequest(Request):
    """A request whose body stays in memory and below MAX_BODY, and is never taken for a form."""

    query = b""
    judged = ""  # the path with which it passed the door
    _refused = False

    def gotLength(self, length: int | None) -> None:
        self.content = self.body = BytesIO()
        if length is not None and length > MAX_BODY:
            self._refuse()

    def handleContentChunk(self, data: bytes) -> None:
        if self._refused:
            return
        if self.body.tell() + len(data) > MAX_BODY:
            self._refuse()
        else:
            self.body.write(data)

    def _refuse(self) -> None:
        self._refused = True
        self.content = self.body = BytesIO()
        self.channel.transport.write(_TOO_LARGE)  # type: ignore[union-attr]
        self.channel.loseConnection()

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        if self._refused:
            return
        self.method, self.uri, self.clientproto = command, path, version
        self.path, _, self.query = path.partition(b"?")
        self.args = {}
        self.process()  # type: ignore[no-untyped-call]

    # Twisted's own methods have no types; these say the same with them.

    def header(self, name: str, value: str) -> None:
        """Set a header of the answer."""
        self.responseHeaders.setRawHeaders(name, [value])

    def cookie(self, name: str, value: str) -> None:
        """Set a cookie for all paths."""
        secure = self.isSecure() or self.getHeader("x-forwarded-proto") == "https"  # type: ignore[no-untyped-call]
        self.addCookie(name, value, path="/", secure=secure)  # type: ignore[no-untyped-call]

    def send(self, data: bytes) -> None:
        """Send the headers if that is not done, then this part of the body."""
        self.write(data)  # type: ignore[no-untyped-call]

    async def flow(self, parts: Iterable[bytes]) -> None:
        """Send the rest of the body as fast as the client takes it."""
        flow = Flow(self.send)
        self.registerProducer(flow, True)  # type: ignore[no-untyped-call]
        try:
            await flow.send(parts)
        finally:
            if not flow.gone:
                self.unregisterProducer()  # type: ignore[no-untyped-call]

    def end(self) -> None:
        """All is said."""
        self.finish()  # type: ignore[no-untyped-call]

    @property
    def remote(self) -> str:
        """Where the client is: host and port, or empty for a unix socket."""
        peer = self.getClientAddress()  # type: ignore[no-untyped-call]
        host, port = getattr(peer, "host", ""), getattr(peer, "port", 0)
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}" if host else ""

    def getRequestHostname(self) -> bytes:
        return (
            b"localhost"  # only for links, of which there are none; a client's word may be anything
        )


class CheckPassword(Protocol):
    """Whether name and password are right; called for logins only."""

    def __call__(self, password: Password, remote: str) -> Deferred[bool]: ...


class Door:
    """
    Who may come in, for whatever the configuration says now.

    :param rules: asked at each request.
    :param seconds: monotonic.
    """

    def __init__(
        self,
        guard: Guard,
        rules: Callable[[], Rules],
        check: CheckPassword,
        seconds: Callable[[], float],
    ) -> None:
        self.guard = guard
        self.rules = rules
        self.check = check
        self.seconds = seconds


class RestResource(Resource):
    """
    The root of the API.

    :param routes: who answers what.
    :param identity: headers that name us on each answer that is not for strangers.
    """

    isLeaf = True

    def __init__(
        self, routes: Iterable[Route], door: Door, identity: Mapping[str, str], log: Log
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._door = door
        self._identity = dict(identity)
        self._log = log
        app = Klein()
        app.url_map.merge_slashes = False
        app.url_map.strict_slashes = False
        routes = list(routes)
        self._paths = [route.path for route in routes if "<" not in route.path]
        for route in routes:
            app.route(route.path, endpoint=route.path)(self._endpoint(route))
        app.handle_errors(NotFound)(self._not_found)  # type: ignore[arg-type]
        self._klein = app.resource()

    def render(self, request: BoundedRequest) -> int:
        request.responseHeaders.removeHeader(b"server")
        asking, rules = asking_of(request), self._door.rules()
        if (refusal := self._door.guard.judge_host(asking, rules)) is not None:
            return self._finish(request, _refusal(refusal))
        if asking.method == "OPTIONS":
            return self._finish(request, Answer(204, headers=_CORS))
        if not rules.frames:
            request.header("x-frame-options", "SAMEORIGIN")
        request.header("x-xss-protection", "1; mode=block")
        request.header("x-content-type-options", "nosniff")
        if rules.https and not request.isSecure():  # type: ignore[no-untyped-call]
            place = f"https://{asking.host}{request.uri.decode('latin-1')}"
            return self._finish(request, Answer(307, headers={"Location": place}))
        verdict = self._door.guard.judge(asking, rules, self._door.seconds())
        if isinstance(verdict, Password):
            checking = Deferred.fromCoroutine(self._log_in(request, asking, rules, verdict))
            request.notifyFinish().addErrback(lambda _: checking.cancel())
            return NOT_DONE_YET
        return self._go_on(request, asking, verdict)

    async def _log_in(
        self, request: BoundedRequest, asking: Asking, rules: Rules, password: Password
    ) -> None:
        try:
            right = await self._door.check(password, request.remote)
        except CancelledError:
            return  # the client is gone
        except Exception:
            self._log.failure("checking a password failed")
            self._finish(request, error(500, "internal error: the password cannot be checked"))
            return
        now = self._door.seconds()
        verdict, session = self._door.guard.checked(asking, rules, right, now)
        if session is not None:
            request.cookie(self._door.guard.session_cookie, session)
        self._go_on(request, asking, verdict)

    def _go_on(self, request: BoundedRequest, asking: Asking, verdict: Welcome | Refusal) -> int:
        known = not isinstance(verdict, Refusal) or verdict.text == "CSRF Error"
        if known:
            for name, value in self._identity.items():
                request.header(name, value)
        if isinstance(verdict, Refusal):
            return self._finish(request, _refusal(verdict))
        if verdict.by_key:
            request.header("access-control-allow-origin", "*")
        for name, value in verdict.cookies:
            request.cookie(name, value)
        if asking.path.startswith("/rest/") or asking.path == "/meta.js":
            request.header("cache-control", "max-age=0, no-cache, no-store")
            request.header("expires", datetimeToString().decode())
            request.header("pragma", "no-cache")
        else:
            request.header("cache-control", "no-cache, must-revalidate")
        request.judged = asking.path
        self._klein.render(request)
        return NOT_DONE_YET

    def _finish(self, request: BoundedRequest, answer: Answer) -> int:
        _begin(request, answer)
        request.end()
        return NOT_DONE_YET

    def _not_found(self, request: BoundedRequest, failure: object) -> None:
        _begin(request, self._elsewhere(request))

    def _elsewhere(self, request: BoundedRequest) -> Answer:
        place = nearest(request.judged, self._paths)
        if place is None:
            return error(404, NOT_FOUND)
        query = f"?{request.query.decode('latin-1')}" if request.query else ""
        return redirect(request.method.decode("latin-1"), place + query)

    def _endpoint(self, route: Route) -> Callable[..., Deferred[None]]:
        def endpoint(request: BoundedRequest, **names: str) -> Deferred[None]:
            return Deferred.fromCoroutine(self._serve(route, request, names))

        return endpoint

    async def _serve(self, route: Route, request: BoundedRequest, names: Mapping[str, str]) -> None:
        answer = await self._answer(route, request, names)
        if answer.afterwards is not None:
            request.notifyFinish().addBoth(_call, answer.afterwards)
        _begin(request, answer)
        if answer.parts:
            await request.flow(answer.parts)
        if answer.later is not None:
            request.send(b"")  # the headers: the client sees that we listen
            request.send(await answer.later)

    async def _answer(
        self, route: Route, request: BoundedRequest, names: Mapping[str, str]
    ) -> Answer:
        if not route.fits(request.judged):  # Klein forgives spellings which the door did not see
            return self._elsewhere(request)
        method = request.method.decode("latin-1")
        handler = route.methods.get(method)
        if handler is None:
            return error(405, "Method Not Allowed", {"Allow": route.allowed})
        try:
            question = question_of(request, method, names)
            answer: Any = handler(question)
            return answer if isinstance(answer, Answer) else await answer
        except Refused as refused:
            return refused.answer()
        except CancelledError:
            raise
        except Exception as broken:
            self._log.failure("{method} {path} failed", method=method, path=route.path)
            return error(500, f"internal error: {type(broken).__name__}: {broken}")


class RestChannel(HTTPChannel):
    """One connection; its site knows it while it stands."""

    site: RestSite

    def connectionMade(self) -> None:
        super().connectionMade()  # type: ignore[no-untyped-call]
        self.site.channels.add(self)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.site.channels.discard(self)
        super().connectionLost(reason)  # type: ignore[no-untyped-call]


class RestSite(Site):
    """
    The factory of HTTP connections to the API.

    No access log is written: requests come by the dozen each second and tell nothing. Nor is there a
    timer for its dates.
    """

    protocol = RestChannel  # type: ignore[assignment]
    noisy = False

    def __init__(self, root: RestResource, clock: IReactorTime) -> None:
        super().__init__(  # type: ignore[no-untyped-call]
            root, requestFactory=BoundedRequest, timeout=IDLE, reactor=clock
        )
        self.channels: set[RestChannel] = set()

    def buildProtocol(self, addr: IAddress | None) -> Any:
        if len(self.channels) >= MAX_CHANNELS:
            return None
        return super().buildProtocol(addr)  # type: ignore[no-untyped-call]

    def close(self) -> None:
        """End all connections, when what is written is on its way."""
        for channel in list(self.channels):
            channel.loseConnection()  # type: ignore[no-untyped-call]

    def startFactory(self) -> None:
        pass

    def stopFactory(self) -> None:
        pass

    def log(self, request: object) -> None:
        pass


def _call(_: object, call: Callable[[], object]) -> None:
    call()


def _refusal(refusal: Refusal) -> Answer:
    return error(refusal.status, refusal.text, refusal.headers)


def _begin(request: BoundedRequest, answer: Answer) -> None:
    """Write all of an answer, or the headers of one that comes later; does not finish it."""
    request.setResponseCode(answer.status)
    for name, value in answer.headers.items():
        request.header(name, value)
    if answer.content_type is not None:
        request.header("content-type", answer.content_type)
    if answer.later is None:
        if answer.status != 204:
            size = len(answer.body) + sum(map(len, answer.parts))
            request.header("content-length", str(size))
        request.send(answer.body)


def asking_of(request: BoundedRequest) -> Asking:
    """The request as the door sees it; the path is what Klein will look up."""
    headers = {
        name.decode("latin-1").lower(): values[0].decode("latin-1")
        for name, values in request.requestHeaders.getAllRawHeaders()
    }
    cookies = {
        name.decode("latin-1"): value.decode("latin-1")
        for name, value in request.received_cookies.items()
    }
    path = "/" + b"/".join(request.postpath or []).decode("utf-8", "replace")
    method = request.method.decode("latin-1")
    return Asking(method, path, headers.get("host", ""), headers, cookies)


def question_of(request: BoundedRequest, method: str, names: Mapping[str, str]) -> Question:
    """
    The request as handlers see it; parts of the path are query parameters of their name.

    :raises Refused: too many query parameters.
    """
    try:
        query = parse_qs(
            request.query.decode("utf-8", "replace"),
            keep_blank_values=True,
            errors="replace",
            max_num_fields=MAX_FIELDS,
        )
    except ValueError:
        raise Refused(400, f"more than {MAX_FIELDS} query parameters") from None
    query.update({name: [value] for name, value in names.items()})
    language = request.getHeader("accept-language") or ""
    path = request.path.decode("utf-8", "replace")
    return Question(method, path, query, request.body.getvalue(), {"accept-language": language})
