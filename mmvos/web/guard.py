"""What stands before an interface: bounds of what is sent, no requests that another web site made, and the token."""

import hmac
from collections.abc import Collection
from urllib.parse import urlsplit

from fastapi import HTTPException
from fastapi.responses import JSONResponse
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: what is sent with anything but an upload: prompts, of which masks are the largest
MAX_BODY = 16 << 20


class Guard:
    """Refuses bodies that are too large while they arrive, and requests of other web sites.

    A page of any site can send requests to this machine's own address. A browser says in ``Origin`` which page a request comes
    from, and in ``Host`` which name it used; both must be the ones that the server listens at.

    Args:
        app (ASGIApp): the application behind it.
        max_upload (int): largest video that may be uploaded, in bytes.
        hosts (Collection[str]): names that the server may be called by; empty: any.
        uploads (Collection[str]): paths that videos are sent to by POST.
        command (str): the command that started the server, for messages.
        token (str): what a request must bring as ``Authorization: Bearer TOKEN``; empty: nothing.
    """

    def __init__(
        self,
        app: ASGIApp,
        max_upload: int,
        hosts: Collection[str] = (),
        uploads: Collection[str] = ('/api/projects',),
        command: str = 'mmvos annotate',
        token: str = '',
    ) -> None:
        self.app, self.max_upload, self.hosts, self.uploads = app, max_upload, frozenset(hosts), frozenset(uploads)
        self.command, self.token = command, token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope['type'] != 'http':
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        problem = self._foreign(headers)
        if problem:
            await JSONResponse(dict(detail=problem), 403)(scope, receive, send)
            return
        if not self._may_enter(headers):
            answer = JSONResponse(
                dict(detail='expected the header "Authorization: Bearer TOKEN" with the token of this server.'),
                401,
                {'WWW-Authenticate': 'Bearer'},
            )
            await answer(scope, receive, send)
            return
        is_json = headers.get('content-type', '').startswith('application/json')
        upload = scope['method'] == 'POST' and scope['path'] in self.uploads and not is_json
        limit = self.max_upload if upload else MAX_BODY
        what = 'the video' if upload else 'what was sent'
        length = headers.get('content-length', '0')
        if not length.isdecimal() or int(length) > limit:
            await JSONResponse(dict(detail=self._too_large(what, limit)), 413)(scope, receive, send)
            return
        arrived = 0

        async def counted() -> Message:
            nonlocal arrived
            message = await receive()
            arrived += len(message.get('body', b''))
            if arrived > limit:
                raise HTTPException(413, self._too_large(what, limit))
            return message

        await self.app(scope, counted, send)

    def _foreign(self, headers: Headers) -> str:
        """Why a request is not meant for this server, in words; empty where it is."""
        host, origin = headers.get('host', ''), headers.get('origin', '')
        if self.hosts and urlsplit(f'//{host}').hostname not in self.hosts:
            return f'this server is not called {host!r}; use the address that {self.command} prints (see --host).'
        if origin and urlsplit(origin).netloc != host:
            return f'a page of {origin} may not use this server.'
        return ''

    def _may_enter(self, headers: Headers) -> bool:
        """Whether a request brings the token, if one is wanted."""
        given = headers.get('authorization', '').removeprefix('Bearer ')
        return not self.token or hmac.compare_digest(given.encode(), self.token.encode())

    def _too_large(self, what: str, limit: int) -> str:
        return f'{what} is larger than {limit >> 20} MiB ({self.command} --max-upload sets the bound of videos).'
