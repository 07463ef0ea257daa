"""What stands before the page's interface: bounds of what is sent, and no requests that another web site made."""

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
    """

    def __init__(self, app: ASGIApp, max_upload: int, hosts: Collection[str] = ()) -> None:
        self.app, self.max_upload, self.hosts = app, max_upload, frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope['type'] != 'http':
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        problem = self._foreign(headers)
        if problem:
            await JSONResponse(dict(detail=problem), 403)(scope, receive, send)
            return
        upload = scope['method'] == 'POST' and scope['path'] == '/api/projects'
        limit = self.max_upload if upload else MAX_BODY
        what = 'the video' if upload else 'what was sent'
        told = headers.get('content-length', '0')
        if not told.isdecimal() or int(told) > limit:
            await JSONResponse(dict(detail=_too_large(what, limit)), 413)(scope, receive, send)
            return
        arrived = 0

        async def counted() -> Message:
            nonlocal arrived
            message = await receive()
            arrived += len(message.get('body', b''))
            if arrived > limit:
                raise HTTPException(413, _too_large(what, limit))
            return message

        await self.app(scope, counted, send)

    def _foreign(self, headers: Headers) -> str:
        """Why a request is not one of this page, in words; empty where it is."""
        host, origin = headers.get('host', ''), headers.get('origin', '')
        if self.hosts and urlsplit(f'//{host}').hostname not in self.hosts:
            return f'this server is not called {host!r}; open it at the address that mmvos annotate prints (see --host).'
        if origin and urlsplit(origin).netloc != host:
            return f'a page of {origin} may not use this server.'
        return ''


def _too_large(what: str, limit: int) -> str:
    return f'{what} is larger than {limit >> 20} MiB (mmvos annotate --max-upload sets the bound of videos).'
